-- name: spans
-- about: From when to when does each resource have rows?
-- source: dated
-- grain: resource_id
-- returns: resource_id VARCHAR - resource that the rows speak of; null where they do not tell
-- returns: first_time TIMESTAMP - the earliest
-- returns: last_time TIMESTAMP - the latest
select
    resource_id,
    min(time) as first_time,
    max(time) as last_time
from dated
group by resource_id
order by resource_id
