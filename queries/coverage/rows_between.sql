-- name: rows_between
-- about: How many rows tell of a stretch of time, and of which resource?
-- source: dated
-- grain: resource_id
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - resource that the rows speak of; null where they do not tell
-- returns: rows BIGINT - rows from start on, before stop
-- returns: first_time TIMESTAMP - the earliest of them
-- returns: last_time TIMESTAMP - the latest
select
    resource_id,
    count(*) as rows,
    min(time) as first_time,
    max(time) as last_time
from dated
where time >= $start and time < $stop
group by resource_id
order by resource_id
