-- name: traffic_by_day
-- about: How many calls went to each public destination on each day, and how long did they take?
-- source: minutes
-- source: destinations
-- source: gateways
-- grain: gateway, destination, day
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them
-- returns: destination VARCHAR - ip:port or host:port
-- returns: day TIMESTAMP - start of the day
-- returns: calls DOUBLE - calls
-- returns: timed DOUBLE - of these, succeeded and tell a BackendTime
-- returns: backend_ms DOUBLE - BackendTime of these, added up
-- returns: busy_ms DOUBLE - time that all calls took, added up
-- returns: starved DOUBLE - calls that failed for they got no connection in time
select
    minutes.resource_id as gateway,
    coalesce(destinations.address, minutes.called)
    || coalesce(':' || cast(minutes.port as varchar), '') as destination,
    date_trunc('day', minutes.time) as day,
    sum(minutes.calls * coalesce(gateways.requests_a_record, 1)) as calls,
    sum(minutes.timed * coalesce(gateways.requests_a_record, 1)) as timed,
    sum(minutes.backend_ms * coalesce(gateways.requests_a_record, 1)) as backend_ms,
    sum(minutes.busy_ms * coalesce(gateways.requests_a_record, 1)) as busy_ms,
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
    and minutes.calls > 0
    and coalesce(destinations.path, 'public') = 'public'
group by
    minutes.resource_id,
    coalesce(destinations.address, minutes.called)
    || coalesce(':' || cast(minutes.port as varchar), ''),
    date_trunc('day', minutes.time)
order by gateway, destination, day
