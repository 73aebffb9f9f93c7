-- name: refused
-- about: What could not be read, and why?
-- source: quarantine
-- grain: kind
-- returns: kind VARCHAR - the refusal's class
-- returns: records BIGINT - records refused so
-- returns: blobs BIGINT - blobs they stand in
-- returns: example_blob VARCHAR - where the first stands
-- returns: example_position BIGINT - its place in that blob
-- returns: example_reason VARCHAR - why it was refused
with
    ranked as (
        select
            *,
            row_number() over (partition by kind order by blob, position) as place
        from quarantine
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
