-- name: hours_of_blobs
-- about: Of which hours does each blob tell?
-- source: requests
-- source: flows
-- source: metrics
-- source: changes
-- source: health_events
-- source: lines_read
-- grain: blob, hour
-- returns: blob VARCHAR - what was read
-- returns: hour TIMESTAMP - start of an hour of its rows; null where nothing tells of when
with
    dated as (
        select
            blob,
            time
        from requests
        union all
        select
            blob,
            time
        from flows
        union all
        select
            blob,
            time
        from metrics
        union all
        select
            blob,
            time
        from changes
        union all
        select
            blob,
            time
        from health_events
    )

select
    blob,
    date_trunc('hour', time) as hour
from dated
group by blob, date_trunc('hour', time)
union all
-- What could not be read may be of any time, where no line beside it became a row.
select
    blob,
    cast(null as timestamp) as hour
from lines_read
group by blob
having sum(rows) = 0 and sum(quarantined) + sum(pending) > 0
