-- name: failures_by_attributes
-- about: Over which APIs, operations, destinations, regions and subscriptions do failures spread?
-- source: calls
-- grain: api, operation, destination, region, subscription
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- returns: api VARCHAR - id of the API
-- returns: operation VARCHAR - id of the operation
-- returns: destination VARCHAR - ip:port or host:port
-- returns: region VARCHAR - region of the gateway
-- returns: subscription VARCHAR - subscription of the caller
-- returns: requests DOUBLE - requests
-- returns: failures DOUBLE - of these, failed
select
    api,
    operation,
    destination,
    region,
    subscription,
    sum(weight) as requests,
    sum(case when $counted like '%' || outcome || '%' then weight else 0 end) as failures
from calls
where
    gateway = $gateway
    and time >= $onset
    and time < $finish
group by api, operation, destination, region, subscription
order by api, operation, destination, region, subscription
