-- name: read_between
-- about: What was read that tells of the hours of a stretch of time, and what became of it?
-- source: lines_read
-- source: hours_of_blobs
-- grain: dataset, format, resource_id
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: dataset VARCHAR - dataset that the rows went into
-- returns: format VARCHAR - format of the source
-- returns: resource_id VARCHAR - resource that its records speak of; null where no row tells
-- returns: blobs BIGINT - blobs that tell of those hours, or of no time that is known
-- returns: lines BIGINT - their lines, of whatever time: all that follows, added up
-- returns: rows BIGINT - rows landed
-- returns: duplicates BIGINT - records that the lake had already
-- returns: quarantined BIGINT - records refused
-- returns: set_aside BIGINT - records of kinds that nothing here uses
-- returns: pending BIGINT - unfinished last lines
with
    blobs_of_it as (
        select distinct blob
        from hours_of_blobs
        where
            hour is null
            or (hour >= date_trunc('hour', $start) and hour < $stop)
    )

select
    dataset,
    format,
    resource_id,
    count(distinct blob) as blobs,
    sum(lines) as lines,
    sum(rows) as rows,
    sum(duplicates) as duplicates,
    sum(quarantined) as quarantined,
    sum(set_aside) as set_aside,
    sum(pending) as pending
from lines_read
where blob in (select blob from blobs_of_it)
group by dataset, format, resource_id
order by dataset, format, resource_id
