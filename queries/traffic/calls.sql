-- name: calls
-- about: How did each request end, and to which ip:port did its backend call go?
-- source: requests
-- source: destinations
-- source: gateways
-- grain: blob, position
-- returns: time TIMESTAMP - moment the gateway started the request
-- returns: minute TIMESTAMP - minute of that moment
-- returns: ended TIMESTAMP - moment the caller had its answer
-- returns: call_ended TIMESTAMP - moment the backend call was over, at the latest
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: region VARCHAR - region of the gateway
-- returns: correlation_id VARCHAR - id which the gateway gave the request
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - subscription of the caller
-- returns: api VARCHAR - id of the API
-- returns: operation VARCHAR - id of the operation
-- returns: method VARCHAR - HTTP method
-- returns: url VARCHAR - URL asked for
-- returns: destination VARCHAR - ip:port called, host:port if the ip is unknown, null if none
-- returns: host VARCHAR - host name called
-- returns: path VARCHAR - public, or a private way that needs no port; null if unknown
-- returns: outcome VARCHAR - ok, failed, rejected (401, 403, 429 by the backend), aborted
-- returns: connected BOOLEAN - whether the call surely had a connection, and to itself
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: backend_status INTEGER - HTTP status that the backend answered
-- returns: reason VARCHAR - the last error's machine code
-- returns: fault VARCHAR - what the last error's text tells of, in one word
-- returns: message VARCHAR - the last error's text
-- returns: total_ms BIGINT - from request received to response fully sent
-- returns: backend_ms BIGINT - all input and output with the backend, connecting included
-- returns: elapsed_ms BIGINT - from request start to the last error
-- returns: overhead_ms BIGINT - total less backend, client and cache time; can be negative
-- returns: weight DOUBLE - requests the row stands for
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
with
    told as (
        select
            *,
            lower(error_message) as said,
            -- The address in the error's text is where the connect went; the URL only names a host.
            coalesce(error_ip, backend_host) as called,
            coalesce(case when error_ip is not null then error_port end, backend_port) as port,
            coalesce(backend_ms, total_ms, 0) as call_ms,
            coalesce(error_reason, '') = 'ClientConnectionFailure' as hung_up
        from requests
    )

select
    told.time,
    date_trunc('minute', told.time) as minute,
    told.time + coalesce(told.total_ms, 0) * interval '0.001' second as ended,
    told.time + told.call_ms * interval '0.001' second as call_ended,
    told.resource_id as gateway,
    told.region,
    told.correlation_id,
    told.caller_ip,
    told.subscription,
    told.api,
    told.operation,
    told.method,
    told.url,
    coalesce(destinations.address, told.called) || ':' || cast(told.port as varchar) as destination,
    coalesce(told.backend_host, destinations.host) as host,
    destinations.path,
    case
        when told.hung_up then 'aborted'
        when told.status >= 500 or told.status = 0 then 'failed'
        when told.status is null and not told.success then 'failed'
        when told.error_reason in ('BackendConnectionFailure', 'Timeout') then 'failed'
        when told.backend_status in (401, 403, 429) then 'rejected'
        else 'ok'
    end as outcome,
    -- A failed connect may never have had a port; HTTP/2 calls share one connection.
    coalesce(
        told.backend_status is not null
        and coalesce(told.backend_protocol, '') not like 'HTTP/2%',
        false
    ) as connected,
    told.status,
    told.backend_status,
    told.error_reason as reason,
    -- Texts differ by gateway type; fragments after Microsoft's and self-hosted gateways' records.
    case
        when told.said is null then null
        when told.said like '%only one usage of each socket address%' then 'local_ports'
        when told.said like '%name could not be resolved%' then 'dns'
        when told.said like '%no such host%' then 'dns'
        when told.said like '%ssl%' or told.said like '%trust relationship%' then 'tls'
        when told.said like '%certificate%' then 'tls'
        when told.said like '%actively refused%' then 'refused'
        when told.said like '%logerror connecting to%' then 'refused'
        when told.said like '%connection refused%' then 'refused'
        when told.said like '%did not properly respond%' then 'connect_timeout'
        when told.said like '%connection timed out%' then 'connect_timeout'
        when told.said like '%transport connection was unexpectedly closed%' then 'idle_closed'
        when told.said like '%kept alive was closed%' then 'idle_closed'
        when told.said like '%forcibly closed%' then 'reset'
        when told.said like '%connection reset%' then 'reset'
        when told.said like '%unable to connect%' then 'connect_failed'
        when told.error_reason = 'Timeout' then 'response_timeout'
        when told.said like '%canceled%' then 'cancelled'
        else 'other'
    end as fault,
    told.error_message as message,
    told.total_ms,
    told.backend_ms,
    told.error_elapsed_ms as elapsed_ms,
    told.total_ms
    - coalesce(told.backend_ms, 0)
    - coalesce(told.client_ms, 0)
    - coalesce(told.cache_ms, 0) as overhead_ms,
    told.weight * coalesce(gateways.requests_a_record, 1) as weight,
    told.blob,
    told.position
from told
left join destinations
    on told.called = destinations.named
left join gateways
    on told.resource_id = gateways.gateway
