-- name: failures_by_instance
-- about: Which instance of a gateway served the requests that failed?
-- source: calls
-- grain: instance
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: instance VARCHAR - instance, worker or role; null where the logs do not tell it
-- returns: requests DOUBLE - requests it served during the incident
-- returns: failures DOUBLE - of these, failed
select
    instance,
    sum(weight) as requests,
    sum(
        case
            when
                $counted like '%' || outcome || '%'
                and $elsewhere not like '%,' || coalesce(destination, '') || ',%'
                then weight
            else 0
        end
    ) as failures
from calls
where
    gateway = $gateway
    and time >= $onset
    and time < $finish
group by instance
order by failures desc, requests desc, instance
