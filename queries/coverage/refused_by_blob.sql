-- name: refused_by_blob
-- about: Which blobs hold records that could not be read, where is the first, and why?
-- source: quarantine
-- grain: blob, kind
-- returns: blob VARCHAR - where the records stand
-- returns: kind VARCHAR - the refusal's class
-- returns: records BIGINT - records of the blob refused so
-- returns: position BIGINT - place of the first in the blob: the line or record, from 1
-- returns: reason VARCHAR - why that one was refused
with
    ranked as (
        select
            *,
            row_number() over (partition by blob, kind order by position, item) as place
        from quarantine
    )

select
    blob,
    kind,
    count(*) as records,
    max(case when place = 1 then position end) as position,
    max(case when place = 1 then reason end) as reason
from ranked
group by blob, kind
order by blob, position, kind
