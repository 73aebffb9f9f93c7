-- name: refused_between
-- about: What could not be read in blobs that tell of the hours of a stretch of time, and why?
-- source: quarantine
-- source: hours_of_blobs
-- grain: kind
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: kind VARCHAR - the refusal's class
-- returns: records BIGINT - records refused so, in those blobs or in ones of no known time
-- returns: blobs BIGINT - blobs they stand in
-- returns: example_blob VARCHAR - where the first stands
-- returns: example_position BIGINT - its place in that blob
-- returns: example_reason VARCHAR - why it was refused
with
    blobs_of_it as (
        select distinct blob
        from hours_of_blobs
        where
            hour is null
            or (hour >= date_trunc('hour', $start) and hour < $stop)
    ),

    ranked as (
        select
            *,
            row_number() over (partition by kind order by blob, position) as place
        from quarantine
        where blob in (select blob from blobs_of_it)
    )

select
    kind,
    count(*) as records,
    count(distinct blob) as blobs,
    max(case when place = 1 then blob end) as example_blob,
    max(case when place = 1 then position end) as example_position,
    max(case when place = 1 then reason end) as example_reason
from ranked
group by kind
order by records desc, kind
