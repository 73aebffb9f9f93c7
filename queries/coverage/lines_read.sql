-- name: lines_read
-- about: What became of the lines of each blob?
-- source: landings
-- grain: blob, dataset, format, resource_id
-- returns: blob VARCHAR - what was read
-- returns: dataset VARCHAR - dataset that the rows went into
-- returns: format VARCHAR - format of the source
-- returns: resource_id VARCHAR - resource that its records speak of; null where no row tells
-- returns: lines BIGINT - lines read: all that follows, added up
-- returns: rows BIGINT - rows landed
-- returns: duplicates BIGINT - records that the lake had already
-- returns: quarantined BIGINT - records refused
-- returns: set_aside BIGINT - records of kinds that nothing here uses
-- returns: pending BIGINT - unfinished last lines
with
    ranked as (
        select
            *,
            rank() over (partition by blob order by generation desc, to_offset desc) as place
        from landings
    ),

    told as (
        -- What was pending was read since, where the blob was read on.
        select
            *,
            case when place = 1 then pending else 0 end as still_pending,
            -- As the calls name it.
            case
                when resource_id is null and dataset = 'requests' and rows > 0
                    then 'resource not told'
                else resource_id
            end as spoken_of
        from ranked
    )

select
    blob,
    dataset,
    format,
    spoken_of as resource_id,
    sum(lines) + sum(still_pending) as lines,
    sum(rows) as rows,
    sum(duplicates) as duplicates,
    sum(quarantined) as quarantined,
    sum(set_aside) as set_aside,
    sum(still_pending) as pending
from told
group by blob, dataset, format, spoken_of
