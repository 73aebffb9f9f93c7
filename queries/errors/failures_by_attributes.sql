-- name: failures_by_attributes
-- about: Over which destinations, APIs, operations, callers and instances do failures spread?
-- source: calls
-- grain: destination, api, revision, operation, region, instance, subscription, caller_ip, protocol
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: destination VARCHAR - ip:port or host:port
-- returns: api VARCHAR - id of the API
-- returns: revision VARCHAR - revision of the API
-- returns: operation VARCHAR - id of the operation
-- returns: region VARCHAR - region of the gateway
-- returns: instance VARCHAR - instance of it
-- returns: subscription VARCHAR - subscription of the caller
-- returns: caller_ip VARCHAR - address of a caller with many failures; empty for others
-- returns: protocol VARCHAR - HTTP version the caller spoke
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
    ),

    -- Callers may be many, and one with a tenth of the failures is among the first ten.
    ranked as (
        select
            caller_ip,
            row_number() over (order by sum(failed) desc, caller_ip) as place
        from within_incident
        where caller_ip is not null
        group by caller_ip
    ),

    named as (
        select
            within_incident.*,
            case
                when ranked.place <= 10 then ranked.caller_ip
                when within_incident.caller_ip is not null then ''
            end as caller
        from within_incident
        left join ranked
            on within_incident.caller_ip = ranked.caller_ip
    )

select
    destination,
    api,
    revision,
    operation,
    region,
    instance,
    subscription,
    caller as caller_ip,
    protocol,
    sum(weight) as requests,
    sum(failed) as failures
from named
group by destination, api, revision, operation, region, instance, subscription, caller, protocol
order by destination, api, revision, operation, region, instance, subscription, caller, protocol
