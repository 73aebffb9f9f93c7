-- name: known
-- about: How far was each blob read, and what is known of it since?
-- source: landings
-- grain: blob
-- returns: blob VARCHAR - what was read
-- returns: format VARCHAR - format that claimed it
-- returns: dataset VARCHAR - dataset that its rows went into
-- returns: envelope VARCHAR - how records lie in it; null if line by line
-- returns: generation INTEGER - how often what was known of it was rewritten
-- returns: to_offset BIGINT - where reading ended
-- returns: next_position BIGINT - place of the line that reading goes on with
-- returns: known VARCHAR - digest of what was read
-- returns: etag VARCHAR - version that was read to its end
with
    ranked as (
        select
            *,
            row_number() over (
                partition by blob
                order by
                    generation desc,
                    to_offset desc,
                    next_position desc,
                    from_offset desc,
                    etag desc,
                    lines desc,
                    format
            ) as place
        from landings
    )

select
    blob,
    format,
    dataset,
    envelope,
    generation,
    to_offset,
    next_position,
    known,
    etag
from ranked
where place = 1
order by blob
