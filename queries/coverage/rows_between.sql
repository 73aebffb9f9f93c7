-- name: rows_between
-- about: How many rows tell of a stretch of time?
-- source: dated
-- grain: counted
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: counted VARCHAR - always 'rows'
-- returns: rows BIGINT - rows from start on, before stop
select
    'rows' as counted,
    count(*) as rows
from dated
where time >= $start and time < $stop
