-- name: starved_by_minute
-- about: In which minutes did calls to each destination fail for want of a connection?
-- source: minutes
-- source: destinations
-- source: gateways
-- grain: gateway, destination, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them
-- returns: destination VARCHAR - ip:port or host:port
-- returns: minute TIMESTAMP - start of the minute
-- returns: starved DOUBLE - calls that failed for they got no connection in time
select
    minutes.resource_id as gateway,
    coalesce(destinations.address, minutes.called)
    || coalesce(':' || cast(minutes.port as varchar), '') as destination,
    minutes.time as minute,
    sum(minutes.starved * coalesce(gateways.requests_a_record, 1)) as starved
from minutes
left join destinations
    on minutes.called = destinations.named
left join gateways
    on minutes.resource_id = gateways.gateway
where
    minutes.time >= $start
    and minutes.time < $stop
    and minutes.called is not null
    and minutes.starved > 0
group by
    minutes.resource_id,
    coalesce(destinations.address, minutes.called)
    || coalesce(':' || cast(minutes.port as varchar), ''),
    minutes.time
order by gateway, destination, minute
