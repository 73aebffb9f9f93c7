-- name: hours
-- about: In which hours does each resource have rows?
-- source: dated
-- grain: resource_id, hour
-- returns: resource_id VARCHAR - resource that the rows speak of; null where they do not tell
-- returns: hour TIMESTAMP - start of the hour
-- returns: rows BIGINT - rows in that hour
select
    resource_id,
    date_trunc('hour', time) as hour,
    count(*) as rows
from dated
group by resource_id, date_trunc('hour', time)
order by resource_id, hour
