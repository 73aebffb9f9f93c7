-- name: call_times
-- about: When did the backend calls to each place begin, and when were they over, ending how?
-- source: calls
-- grain: date, resource_id, instance, called, port, host, ending, weight
-- returns: date DATE - day on which the calls began
-- returns: resource_id VARCHAR - resource that logged the calls
-- returns: instance VARCHAR - instance of it that made them; null where not told
-- returns: called VARCHAR - host or address called, as the records name it
-- returns: port INTEGER - port called; null where not told
-- returns: host VARCHAR - host called; null where only an address is told
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other
-- returns: weight DOUBLE - calls that each moment stands for
-- returns: began INTEGER[] - the second of the day in which each call began, in any order
-- returns: over INTEGER[] - the first at whose start each was over; a day later at the latest
with
    spans as (
        select
            gateway,
            instance,
            called,
            port,
            host,
            weight,
            cast(time as date) as date,
            case
                when connected then 'answered'
                when backend_status is not null then 'shared'
                when fault = 'refused' then 'refused'
                when fault = 'reset' then 'reset'
                when fault in ('connect_timeout', 'connect_failed') then 'unanswered'
                else 'other'
            end as ending,
            cast(date_diff('second', date_trunc('day', time), time) as integer) as began,
            date_diff('second', date_trunc('day', time), call_ended + interval '0.999999' second)
                as over
        from calls
        where
            called is not null
            and (port is not null or host is not null)
            -- What found no address, or no free port of its own machine, asked for none outside.
            and coalesce(fault, '') not in ('dns', 'local_ports')
    )

-- As lists, for there are few places and many seconds: grouping by both takes several times longer.
select
    date,
    gateway as resource_id,
    instance,
    called,
    port,
    host,
    ending,
    weight,
    array_agg(began) as began,
    array_agg(cast(greatest(began + 1, least(over, began + 86400)) as integer)) as over
from spans
group by date, gateway, instance, called, port, host, ending, weight
