-- name: places_called
-- about: Which places did calls of a gateway go to, from which instance, and ending how?
-- source: activity
-- source: destinations
-- source: gateways
-- grain: place
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: place INTEGER - number of it, from 1 on
-- returns: instance VARCHAR - instance that called; null where no record tells one
-- returns: called VARCHAR - host or address called, as the records name it
-- returns: port INTEGER - port called; null where not told
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other
-- returns: destination VARCHAR - ip:port or host:port; null where the way is private
-- returns: calls_a_record DOUBLE - how many calls one that is counted stands for
with
    found as (
        select distinct
            instance,
            called,
            port,
            ending
        from activity
        where
            resource_id = $gateway
            and date >= cast($start as date)
            and date < $stop
    )

select
    cast(
        row_number() over (order by found.instance, found.called, found.port, found.ending)
        as integer
    ) as place,
    found.instance,
    found.called,
    found.port,
    found.ending,
    case
        when coalesce(destinations.path, 'public') = 'public'
            then
                coalesce(destinations.address, found.called)
                || coalesce(':' || cast(found.port as varchar), '')
    end as destination,
    coalesce(gateways.requests_a_record, 1) as calls_a_record
from found
left join destinations
    on found.called = destinations.named
left join gateways
    on gateways.gateway = $gateway
order by place
