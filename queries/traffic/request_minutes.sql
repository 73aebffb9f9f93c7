-- name: request_minutes
-- about: How many requests came in each minute, of which API and caller, to where, ending how?
-- source: calls
-- grain: time, resource_id, api, called, port, caller
-- returns: date DATE - day of the minute
-- returns: time TIMESTAMP - start of the minute
-- returns: resource_id VARCHAR - resource that logged them
-- returns: api VARCHAR - id of the API; null where not told
-- returns: called VARCHAR - host or address called; null where none was
-- returns: port INTEGER - port called; null where not told
-- returns: caller VARCHAR - subscription of the caller, else its address
-- returns: requests DOUBLE - requests that started in the minute
-- returns: failures DOUBLE - of these, failed
-- returns: starved DOUBLE - of these, failed for they got no connection in time
-- returns: calls DOUBLE - of the requests, called a backend by its address
-- returns: timed DOUBLE - of the calls, succeeded and tell a BackendTime
-- returns: backend_ms DOUBLE - BackendTime of these, added up
-- returns: busy_ms DOUBLE - time that all calls took, added up
with
    told as (
        select
            *,
            coalesce(subscription, caller_ip) as caller,
            -- What found no address, or no free port of its own machine, asked for none outside.
            case
                when called is null or coalesce(fault, '') in ('dns', 'local_ports') then 0
                else weight
            end as asked
        from calls
    )

select
    cast(minute as date) as date,
    minute as time,
    gateway as resource_id,
    api,
    called,
    port,
    caller,
    sum(weight) as requests,
    sum(case when outcome = 'failed' then weight else 0 end) as failures,
    sum(
        case
            when outcome = 'failed' and fault in ('connect_timeout', 'connect_failed') then weight
            else 0
        end
    ) as starved,
    sum(asked) as calls,
    sum(case when outcome = 'ok' and backend_ms is not null then asked else 0 end) as timed,
    sum(case when outcome = 'ok' then coalesce(backend_ms, 0) * asked else 0 end) as backend_ms,
    sum(date_diff('millisecond', time, call_ended) * asked) as busy_ms
from told
group by minute, gateway, api, called, port, caller
order by minute, gateway, api, called, port, caller
