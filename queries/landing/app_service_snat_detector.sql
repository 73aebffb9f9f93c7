-- name: app_service_snat_detector
-- about: How many SNAT ports and connections does each point of the detector's charts tell?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day of the reading
-- returns: time TIMESTAMP - start of the reading
-- returns: resource_id VARCHAR - site, in lower case
-- returns: event VARCHAR - what is counted
-- returns: severity VARCHAR - null, for it is not told
-- returns: description VARCHAR - name of the chart and of the series
-- returns: frontend_ip VARCHAR - null, for it is not told
-- returns: backend_ip VARCHAR - null, for it is not told
-- returns: instance VARCHAR - worker of the site; null where the reading is of all
-- returns: protocol VARCHAR - tcp or udp, where the reading is of one
-- returns: value DOUBLE - the reading
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in the record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    split as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as moment,
            lower(chart) as title,
            lower(series) as name,
            trim(split_part(series, '(', 1)) as before,
            trim(split_part(split_part(series, '(', 2), ')', 1)) as within
        from records
    ),

    -- Of a worker and its counter either may stand in brackets; alone, it may be either.
    named as (
        select
            *,
            regexp_matches(before, '(?i)alloc|used|pend|fail|succe|count|total') as counter_first,
            regexp_matches(within, '(?i)alloc|used|pend|fail|succe|count|total') as counter_last
        from split
    ),

    told as (
        select
            *,
            case
                when title like '%pending%' then 'snat_connections_pending'
                when title like '%failed%' then 'snat_connections_failed'
                when title like '%established%' then 'snat_connections_established'
                when title like '%port%' and name like '%alloc%' then 'snat_ports_allocated'
                when title like '%port%' and name like '%used%' then 'snat_ports_used'
            end as event
        from named
    )

select
    cast(moment as date) as date,
    moment as time,
    lower(split_part(split_part(lower(detector), '/detectors/', 1), '/diagnostics/', 1))
        as resource_id,
    event,
    cast(null as varchar) as severity,
    chart || ': ' || series as description,
    cast(null as varchar) as frontend_ip,
    cast(null as varchar) as backend_ip,
    case
        when not counter_first then before
        when within <> '' and not counter_last then within
    end as instance,
    case
        when title like '%tcp%' or name like '%tcp%' then 'tcp'
        when title like '%udp%' or name like '%udp%' then 'udp'
    end as protocol,
    value,
    blob,
    position,
    item,
    case
        when detector is null then 'no id; save the whole answer, not its properties alone'
        when lower(detector) not like '%/detectors/%' then 'id is not that of a detector'
        when time is null then 'no time'
        when moment is null then 'time is not a timestamp'
        when moment < timestamp '2000-01-01' or moment >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when event is null then 'what the series counts is not known'
        when value is null then 'no value'
        when value < 0 then 'value is negative'
        when not isfinite(value) then 'value is not finite'
    end as refused
from told
