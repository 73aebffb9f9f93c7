-- name: hosts
-- about: Which host names stand behind each ip:port, and when did calls to each first fail?
-- source: calls
-- grain: destination, host
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- returns: destination VARCHAR - ip:port or host:port
-- returns: host VARCHAR - host name called, null where only an address was recorded
-- returns: calls DOUBLE - calls
-- returns: failures DOUBLE - of these, failed
-- returns: first_failure TIMESTAMP - start of the first that failed
select
    destination,
    host,
    sum(weight) as calls,
    sum(case when $counted like '%' || outcome || '%' then weight else 0 end) as failures,
    min(case when $counted like '%' || outcome || '%' then time end) as first_failure
from calls
where
    gateway = $gateway
    and time >= $onset
    and time < $finish
    and destination is not null
group by destination, host
order by destination, calls desc, host
