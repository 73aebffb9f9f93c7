-- name: request_times
-- about: When did requests come, and how long did their backend calls take, ending how?
-- source: calls
-- grain: date, resource_id, instance, api, caller, called, port, host, ending, result, weight
-- returns: date DATE - day on which the requests came
-- returns: resource_id VARCHAR - resource that logged them
-- returns: instance VARCHAR - instance of it that made the calls; null where not told
-- returns: api VARCHAR - id of the API; null where not told
-- returns: caller VARCHAR - subscription of the caller, else its address
-- returns: called VARCHAR - host or address called, as the records name it; null where none was
-- returns: port INTEGER - port called; null where not told
-- returns: host VARCHAR - host called; null where only an address is told
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other; null: no call
-- returns: result VARCHAR - timed (ok, with BackendTime), starved (no connection), failed or other
-- returns: weight DOUBLE - requests that each one stands for
-- returns: began_us BIGINT[] - microseconds of the day at which each came, in any order
-- returns: busy_ms BIGINT[] - how long the call of each took at most, in the same order
with
    told as (
        select
            *,
            -- What found no address, or no free port of its own machine, asked for none outside.
            called is not null and coalesce(fault, '') not in ('dns', 'local_ports') as asked,
            coalesce(fault, '') in ('connect_timeout', 'connect_failed') as unconnected
        from calls
    ),

    parted as (
        select
            cast(time as date) as date,
            gateway as resource_id,
            instance,
            api,
            coalesce(subscription, caller_ip) as caller,
            called,
            port,
            host,
            case
                when not asked then null
                when connected then 'answered'
                when backend_status is not null then 'shared'
                when fault = 'refused' then 'refused'
                when fault = 'reset' then 'reset'
                when unconnected then 'unanswered'
                else 'other'
            end as ending,
            case
                when outcome = 'failed' and unconnected then 'starved'
                when outcome = 'failed' then 'failed'
                when outcome = 'ok' and asked and backend_ms is not null then 'timed'
                else 'other'
            end as result,
            weight,
            date_diff('microsecond', date_trunc('day', time), time) as began_us,
            date_diff('millisecond', time, call_ended) as busy_ms
        from told
    )

-- As lists, for there are few kinds and many moments: grouping by both takes several times longer.
-- The lists of a group are filled row by row: what stands at the same place is of one request.
select
    date,
    resource_id,
    instance,
    api,
    caller,
    called,
    port,
    host,
    ending,
    result,
    weight,
    array_agg(began_us) as began_us,
    array_agg(busy_ms) as busy_ms
from parted
group by
    date,
    resource_id,
    instance,
    api,
    caller,
    called,
    port,
    host,
    ending,
    result,
    weight
