-- name: read
-- about: What was read from each source, and what became of its lines?
-- source: lines_read
-- grain: dataset, format, resource_id
-- returns: dataset VARCHAR - dataset that the rows went into
-- returns: format VARCHAR - format of the source
-- returns: resource_id VARCHAR - resource that its records speak of; null where no row tells
-- returns: blobs BIGINT - blobs read
-- returns: lines BIGINT - lines read: all that follows, added up
-- returns: rows BIGINT - rows landed
-- returns: duplicates BIGINT - records that the lake had already
-- returns: quarantined BIGINT - records refused
-- returns: set_aside BIGINT - records of kinds that nothing here uses
-- returns: pending BIGINT - unfinished last lines
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
group by dataset, format, resource_id
order by dataset, format, resource_id
