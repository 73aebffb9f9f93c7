-- name: calls_by_second
-- about: How many backend calls began and ended in each second, where to, and ending how?
-- source: calls
-- grain: date, time, resource_id, instance, called, port, host, ending
-- returns: date DATE - day on which the calls began
-- returns: time TIMESTAMP - start of the second
-- returns: resource_id VARCHAR - resource that logged the calls
-- returns: instance VARCHAR - instance of it that made them; null where not told
-- returns: called VARCHAR - host or address called, as the records name it
-- returns: port INTEGER - port called; null where not told
-- returns: host VARCHAR - host called; null where only an address is told
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other
-- returns: started DOUBLE - calls that began in the second
-- returns: ended DOUBLE - calls that were over at its start, and not a second before
with
    spans as (
        select
            gateway,
            instance,
            called,
            port,
            host,
            weight,
            cast(time as date) as day,
            case
                when connected then 'answered'
                when backend_status is not null then 'shared'
                when fault = 'refused' then 'refused'
                when fault = 'reset' then 'reset'
                when fault in ('connect_timeout', 'connect_failed') then 'unanswered'
                else 'other'
            end as ending,
            date_trunc('second', time) as began,
            -- Over at the first whole second after it began, at the earliest.
            greatest(
                date_trunc('second', call_ended + interval '0.999999' second),
                date_trunc('second', time) + interval '1' second
            ) as over_at
        from calls
        where
            called is not null
            and (port is not null or host is not null)
            -- What found no address, or no free port of its own machine, asked for none outside.
            and coalesce(fault, '') not in ('dns', 'local_ports')
    ),

    -- So that calls are read once, and not once for each of their ends.
    sides as (
        select 1 as first
        union all
        select 0 as first
    ),

    ends as (
        select
            spans.day,
            spans.gateway,
            spans.instance,
            spans.called,
            spans.port,
            spans.host,
            spans.ending,
            case when sides.first = 1 then spans.began else spans.over_at end as second,
            spans.weight * sides.first as started,
            spans.weight * (1 - sides.first) as ended
        from spans
        cross join sides
    )

select
    day as date,
    second as time,
    gateway as resource_id,
    instance,
    called,
    port,
    host,
    ending,
    sum(started) as started,
    sum(ended) as ended
from ends
group by day, second, gateway, instance, called, port, host, ending
