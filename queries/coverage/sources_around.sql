-- name: sources_around
-- about: Which sources tell of the time around an incident, and in how many rows?
-- source: requests
-- source: flows
-- source: metrics
-- source: changes
-- source: health_events
-- grain: dataset
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- returns: dataset VARCHAR - what was looked into
-- returns: told BIGINT - rows from an hour before the onset to the finish
with
    events as (
        select
            'requests' as dataset,
            time
        from requests
        union all
        select
            'flows' as dataset,
            time
        from flows
        union all
        select
            'metrics' as dataset,
            time
        from metrics
        union all
        select
            'changes' as dataset,
            time
        from changes
        union all
        select
            'health_events' as dataset,
            time
        from health_events
    )

select
    dataset,
    count(*) as told
from events
where
    time >= $onset - interval '1' hour
    and time < $finish
group by dataset
order by dataset
