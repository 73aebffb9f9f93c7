-- name: calls
-- about: How did each request end, and to which ip:port did its backend call go?
-- source: requests
-- source: destinations
-- source: gateways
-- grain: blob, position
-- returns: time TIMESTAMP - moment the gateway started the request, or the app its call
-- returns: minute TIMESTAMP - minute of that moment
-- returns: ended TIMESTAMP - moment the caller had its answer
-- returns: call_ended TIMESTAMP - moment the backend call was over, at the latest
-- returns: gateway VARCHAR - resource that logged it: a gateway, an app, or an app's telemetry
-- returns: region VARCHAR - region of the gateway
-- returns: instance VARCHAR - instance of it that made the call; null where not told
-- returns: correlation_id VARCHAR - id which the gateway gave the request
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - subscription of the caller
-- returns: api VARCHAR - id of the API
-- returns: revision VARCHAR - revision of the API
-- returns: operation VARCHAR - id of the operation
-- returns: protocol VARCHAR - HTTP version the caller spoke
-- returns: method VARCHAR - HTTP method
-- returns: url VARCHAR - URL asked for
-- returns: destination VARCHAR - ip:port called, else host:port or what of it is told, or null
-- returns: called VARCHAR - host or address called, as the record names it
-- returns: port INTEGER - port called
-- returns: host VARCHAR - host name called
-- returns: path VARCHAR - public, or a private way that needs no port; null if unknown
-- returns: outcome VARCHAR - ok, failed, rejected (401, 403, 429 by the backend), aborted, unknown
-- returns: connected BOOLEAN - whether the call surely had a connection, and to itself
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: backend_status INTEGER - HTTP status that the backend answered; null if it did not
-- returns: reason VARCHAR - the last error's machine code; null if none says why
-- returns: fault VARCHAR - what the last error's text tells of, in one word
-- returns: message VARCHAR - the last error's text
-- returns: total_ms BIGINT - from request received to response fully sent
-- returns: backend_ms BIGINT - all input and output with the backend, connecting included
-- returns: elapsed_ms BIGINT - from request start to the last error
-- returns: overhead_ms BIGINT - gateway's own: total less backend, client and cache; may be < 0
-- returns: weight DOUBLE - requests the row stands for
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
with
    told as (
        -- Several resources may log one request: an app, a gateway before it, a gateway before
        -- that. Each is a place by itself, and what it logged counts there and nowhere else: no log
        -- tells surely which rows are the same request. So a failure that passed through three
        -- places is one at each of them, and whoever adds up places counts it three times.
        select
            *,
            coalesce(resource_id, 'resource not told') as gateway,
            -- Only API Management counts errors. Of other formats less is told, as follows.
            errors is not null as by_api_management,
            lower(error_message) as said,
            -- The address in the error's text is where the connect went; the URL only names a host.
            coalesce(error_ip, backend_host) as called,
            coalesce(case when error_ip is not null then error_port end, backend_port) as port,
            coalesce(backend_ms, total_ms, 0) as call_ms,
            (
                error_reason in (
                    'ClientConnectionFailure',
                    'ERRORINFO_CLIENT_CLOSED_REQUEST',
                    'ERRORINFO_CLIENT_TIMED_OUT'
                )
                or (status = 499 and errors is null)
            ) as hung_up,
            -- Where no server answered, an Application Gateway writes its own status there.
            case
                when backend_status < 500 or error_reason is null then backend_status
                when error_reason not like 'ERRORINFO_UPSTREAM%' then backend_status
            end as answered
        from requests
    )

select
    told.time,
    date_trunc('minute', told.time) as minute,
    told.time + coalesce(told.total_ms, told.backend_ms, 0) * interval '0.001' second as ended,
    told.time + told.call_ms * interval '0.001' second as call_ended,
    told.gateway,
    told.region,
    told.instance,
    told.correlation_id,
    told.caller_ip,
    told.subscription,
    told.api,
    told.api_revision as revision,
    told.operation,
    told.protocol,
    told.method,
    told.url,
    coalesce(destinations.address, told.called)
    || case
        when told.port is not null then ':' || cast(told.port as varchar)
        -- Others leave out ports of databases and backends; here it would split a destination.
        when not told.by_api_management and told.backend_host is not null then ''
    end as destination,
    told.called,
    told.port,
    coalesce(told.backend_host, destinations.host) as host,
    destinations.path,
    case
        when told.hung_up then 'aborted'
        when told.status >= 500 or told.status = 0 then 'failed'
        when told.by_api_management and told.status is null and not told.success then 'failed'
        when told.error_reason in ('BackendConnectionFailure', 'Timeout') then 'failed'
        when told.answered in (401, 403, 429) then 'rejected'
        when told.by_api_management or told.status is not null then 'ok'
        -- A call that an app made itself, to whom any answer from 400 on is a failure: as
        -- elsewhere, what it asked wrongly does not count.
        when told.answered < 500 or told.success then 'ok'
        when told.answered >= 500 or not told.success then 'failed'
        when told.error_reason in ('Faulted', 'Canceled') then 'failed'
        else 'unknown'
    end as outcome,
    -- A failed connect may never have had a port; HTTP/2 calls share one connection.
    coalesce(
        told.answered is not null
        and coalesce(told.backend_protocol, '') not like 'HTTP/2%',
        false
    ) as connected,
    told.status,
    told.answered as backend_status,
    -- What only says that nobody answered is no reason, and rules none out.
    case
        when told.by_api_management or told.error_reason not in ('0', 'Faulted')
            then told.error_reason
    end as reason,
    -- Texts differ by gateway type; fragments after Microsoft's and self-hosted gateways' records.
    case
        when told.said is null and told.by_api_management then null
        -- Others have codes instead: Application Gateway's, those of .NET and of Winsock.
        when told.error_reason = 'ERRORINFO_UPSTREAM_TIMED_OUT' then 'response_timeout'
        when told.error_reason = 'ERRORINFO_UPSTREAM_CLOSED_CONNECTION' then 'reset'
        -- No server passes the probes, so none was tried.
        when told.error_reason = 'ERRORINFO_UPSTREAM_NO_LIVE' then 'refused'
        when told.said is null and told.error_reason = 'Canceled' then 'cancelled'
        when told.said is null and told.error_reason = '10060' then 'connect_timeout'
        when told.said is null and told.error_reason = '10061' then 'refused'
        when told.said is null and told.error_reason = '10054' then 'reset'
        when told.said is null and told.error_reason = '11001' then 'dns'
        -- An own call to somewhere without any answer: that it did not connect is the most that
        -- can be told, whatever became of it.
        when
            told.said is null
            and told.called is not null
            and told.status is null
            and told.answered is null
            and not coalesce(told.success, false)
            and coalesce(told.error_reason, '0') in ('0', 'Faulted')
            then 'connect_failed'
        when told.said is null and told.error_reason is null then null
        when told.said is null then 'other'
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
    case
        when
            told.by_api_management or told.backend_ms is not null
            then
                told.total_ms
                - coalesce(told.backend_ms, 0)
                - coalesce(told.client_ms, 0)
                - coalesce(told.cache_ms, 0)
    end as overhead_ms,
    told.weight * coalesce(gateways.requests_a_record, 1) as weight,
    told.blob,
    told.position
from told
left join destinations
    on told.called = destinations.named
left join gateways
    on told.gateway = gateways.gateway
