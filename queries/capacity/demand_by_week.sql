-- name: demand_by_week
-- about: Who asked for calls to each public destination, week by week?
-- source: minutes
-- source: destinations
-- source: gateways
-- grain: gateway, destination, week, kind, name
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them
-- returns: destination VARCHAR - ip:port or host:port
-- returns: week INTEGER - whole weeks before stop: 0 is the last one
-- returns: kind VARCHAR - destination (all of it), api or caller
-- returns: name VARCHAR - the destination, API or caller; null where not told
-- returns: calls DOUBLE - calls
-- returns: busy_ms DOUBLE - time that they took, added up
with
    -- Names are looked up once for each host and week: minutes are many.
    counted as (
        select
            resource_id,
            called,
            port,
            api,
            caller,
            cast(floor((date_diff('minute', time, $stop) - 1) / 10080.0) as integer) as week,
            sum(calls) as calls,
            sum(busy_ms) as busy_ms
        from minutes
        where
            time >= $start
            and time < $stop
            and called is not null
            and calls > 0
        group by
            resource_id,
            called,
            port,
            api,
            caller,
            cast(floor((date_diff('minute', time, $stop) - 1) / 10080.0) as integer)
    ),

    told as (
        select
            counted.resource_id as gateway,
            coalesce(destinations.address, counted.called)
            || coalesce(':' || cast(counted.port as varchar), '') as destination,
            counted.week,
            counted.api,
            counted.caller,
            counted.calls * coalesce(gateways.requests_a_record, 1) as calls,
            counted.busy_ms * coalesce(gateways.requests_a_record, 1) as busy_ms
        from counted
        left join destinations
            on counted.called = destinations.named
        left join gateways
            on counted.resource_id = gateways.gateway
        where coalesce(destinations.path, 'public') = 'public'
    ),

    named as (
        select
            gateway,
            destination,
            week,
            'destination' as kind,
            destination as name,
            sum(calls) as calls,
            sum(busy_ms) as busy_ms
        from told
        group by gateway, destination, week
        union all
        select
            gateway,
            destination,
            week,
            'api' as kind,
            api as name,
            sum(calls) as calls,
            sum(busy_ms) as busy_ms
        from told
        group by gateway, destination, week, api
        union all
        select
            gateway,
            destination,
            week,
            'caller' as kind,
            caller as name,
            sum(calls) as calls,
            sum(busy_ms) as busy_ms
        from told
        group by gateway, destination, week, caller
    ),

    -- Of many thousand callers, only those can matter that have a part worth naming.
    parts as (
        select
            *,
            calls / sum(calls) over (partition by gateway, destination, week, kind) as part
        from named
    )

select
    gateway,
    destination,
    week,
    kind,
    name,
    calls,
    busy_ms
from parts
where part >= 0.01
order by gateway, destination, week, kind, name
