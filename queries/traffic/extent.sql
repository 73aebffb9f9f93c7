-- name: extent
-- about: From when to when do we have requests of each gateway?
-- source: requests
-- grain: gateway
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: first_start TIMESTAMP - start of its first request
-- returns: last_start TIMESTAMP - start of its last request
-- returns: records BIGINT - records
select
    resource_id as gateway,
    min(time) as first_start,
    max(time) as last_start,
    count(*) as records
from requests
group by resource_id
order by gateway
