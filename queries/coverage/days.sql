-- name: days
-- about: On which days are most requests?
-- source: requests
-- grain: day
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: day TIMESTAMP - start of the day
-- returns: records BIGINT - records of that day
select
    date_trunc('day', time) as day,
    count(*) as records
from requests
where time >= $start and time < $stop
group by date_trunc('day', time)
order by records desc, day
