-- name: port_events
-- about: When did Azure itself say that SNAT ports ran short, and how many did it count in use?
-- source: health_events
-- grain: resource_id, instance, protocol, event, first_at
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - load balancer or site
-- returns: instance VARCHAR - back-end address or worker; null where it is not told
-- returns: protocol VARCHAR - tcp or udp; null where it is not told
-- returns: event VARCHAR - snat_port_exhaustion, snat_connections_failed, …: what was said
-- returns: first_at TIMESTAMP - first of a stretch of events, or of readings: all 0 or none 0
-- returns: last_at TIMESTAMP - last of the stretch, which a silence of six minutes ends
-- returns: events BIGINT - events or readings in the stretch
-- returns: total DOUBLE - sum of the readings; null for events
-- returns: peak DOUBLE - greatest reading; null for events
-- returns: peak_at TIMESTAMP - that reading, the first if several
-- returns: text VARCHAR - what the event says, or names of chart and series; the first by alphabet
with
    -- An answer may be saved twice, and an event may be told of several frontends.
    said as (
        select
            resource_id,
            coalesce(backend_ip, instance) as instance,
            protocol,
            event,
            time,
            max(value) as value,
            coalesce(max(value) = 0, false) as is_zero,
            min(description) as text
        from health_events
        where
            time >= $start
            and time < $stop
            and event like '%snat%'
        group by resource_id, coalesce(backend_ip, instance), protocol, event, time
    ),

    followed as (
        select
            *,
            lag(time) over (
                partition by resource_id, instance, protocol, event order by time
            ) as time_before,
            lag(is_zero) over (
                partition by resource_id, instance, protocol, event order by time
            ) as zero_before
        from said
    ),

    -- What lasts is told again every five minutes; one more is for delay.
    begun as (
        select
            *,
            case
                when time <= time_before + interval '360' second and is_zero = zero_before then 0
                else 1
            end as begins
        from followed
    ),

    numbered as (
        select
            *,
            sum(begins) over (
                partition by resource_id, instance, protocol, event
                order by time
                range between unbounded preceding and current row
            ) as stretch
        from begun
    )

select
    resource_id,
    instance,
    protocol,
    event,
    min(time) as first_at,
    max(time) as last_at,
    count(*) as events,
    sum(value) as total,
    max(value) as peak,
    case when max(value) is not null then max_by(time, row(value, -epoch(time))) end as peak_at,
    min(text) as text
from numbered
group by resource_id, instance, protocol, event, stretch
order by first_at, resource_id, event, instance, protocol
