-- name: read
-- about: What was read from each source, and what became of its lines?
-- source: landings
-- grain: dataset, format, resource_id
-- returns: dataset VARCHAR - dataset that the rows went into
-- returns: format VARCHAR - format of the source
-- returns: resource_id VARCHAR - resource that its records speak of
-- returns: blobs BIGINT - blobs read
-- returns: lines BIGINT - lines read: all that follows, added up
-- returns: rows BIGINT - rows landed
-- returns: duplicates BIGINT - records that the lake had already
-- returns: quarantined BIGINT - records refused
-- returns: set_aside BIGINT - records of kinds that nothing here uses
-- returns: pending BIGINT - unfinished last lines
with
    last_readings as (
        select
            blob,
            max(to_byte) as to_byte
        from landings
        group by blob
    )

select
    landings.dataset,
    landings.format,
    landings.resource_id,
    count(distinct landings.blob) as blobs,
    sum(landings.lines)
    + sum(case when last_readings.to_byte is not null then landings.pending else 0 end) as lines,
    sum(landings.rows) as rows,
    sum(landings.duplicates) as duplicates,
    sum(landings.quarantined) as quarantined,
    sum(landings.set_aside) as set_aside,
    sum(case when last_readings.to_byte is not null then landings.pending else 0 end) as pending
from landings
left join last_readings
    on
        landings.blob = last_readings.blob
        and landings.to_byte = last_readings.to_byte
group by landings.dataset, landings.format, landings.resource_id
order by landings.dataset, landings.format, landings.resource_id
