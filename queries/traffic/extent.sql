-- name: extent
-- about: From when to when do we have requests of each resource that logged any?
-- source: requests
-- grain: gateway
-- returns: gateway VARCHAR - resource that logged them, as the calls name it
-- returns: first_start TIMESTAMP - start of its first request
-- returns: last_start TIMESTAMP - start of its last request
-- returns: records BIGINT - records
select
    coalesce(resource_id, 'resource not told') as gateway,
    min(time) as first_start,
    max(time) as last_start,
    count(*) as records
from requests
group by coalesce(resource_id, 'resource not told')
order by gateway
