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
with
    -- Names are looked up once for each host and day: minutes are many.
    counted as (
        select
            resource_id,
            called,
            port,
            date_trunc('day', time) as day,
            sum(calls) as calls,
            sum(timed) as timed,
            sum(backend_ms) as backend_ms,
            sum(busy_ms) as busy_ms,
            sum(starved) as starved
        from minutes
        where
            time >= $start
            and time < $stop
            and called is not null
            and calls > 0
        group by resource_id, called, port, date_trunc('day', time)
    )

select
    counted.resource_id as gateway,
    coalesce(destinations.address, counted.called)
    || coalesce(':' || cast(counted.port as varchar), '') as destination,
    counted.day,
    sum(counted.calls * coalesce(gateways.requests_a_record, 1)) as calls,
    sum(counted.timed * coalesce(gateways.requests_a_record, 1)) as timed,
    sum(counted.backend_ms * coalesce(gateways.requests_a_record, 1)) as backend_ms,
    sum(counted.busy_ms * coalesce(gateways.requests_a_record, 1)) as busy_ms,
    sum(counted.starved * coalesce(gateways.requests_a_record, 1)) as starved
from counted
left join destinations
    on counted.called = destinations.named
left join gateways
    on counted.resource_id = gateways.gateway
where coalesce(destinations.path, 'public') = 'public'
group by
    counted.resource_id,
    coalesce(destinations.address, counted.called)
    || coalesce(':' || cast(counted.port as varchar), ''),
    counted.day
order by gateway, destination, day
