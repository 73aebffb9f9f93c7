-- name: failing_callers
-- about: Which callers saw most failures?
-- source: calls
-- grain: caller_ip, subscription
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - subscription of the caller
-- returns: requests DOUBLE - requests
-- returns: failures DOUBLE - of these, failed
with
    within_incident as (
        select
            *,
            case
                when
                    $counted like '%' || outcome || '%'
                    and $elsewhere not like '%,' || coalesce(destination, '') || ',%'
                    then weight
                else 0
            end as failed
        from calls
        where
            gateway = $gateway
            and time >= $onset
            and time < $finish
    )

select
    caller_ip,
    subscription,
    sum(weight) as requests,
    sum(failed) as failures
from within_incident
group by caller_ip, subscription
having sum(failed) > 0
order by failures desc, caller_ip, subscription
limit 8
