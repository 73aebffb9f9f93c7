-- name: failing_callers
-- about: Which callers saw most failures?
-- source: calls
-- grain: caller_ip, subscription
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - subscription of the caller
-- returns: requests DOUBLE - requests
-- returns: failures DOUBLE - of these, failed
select
    caller_ip,
    subscription,
    sum(weight) as requests,
    sum(case when $counted like '%' || outcome || '%' then weight else 0 end) as failures
from calls
where
    gateway = $gateway
    and time >= $onset
    and time < $finish
group by caller_ip, subscription
having sum(case when $counted like '%' || outcome || '%' then weight else 0 end) > 0
order by failures desc, caller_ip, subscription
limit 8
