-- name: forecasts_made
-- about: What did the last review that is old enough foretell of each resource?
-- source: forecasts
-- grain: kind, gateway, destination, instance, day
-- param: earliest TIMESTAMP
-- param: latest TIMESTAMP
-- returns: made DATE - first day that was foretold
-- returns: kind VARCHAR - what can be full
-- returns: gateway VARCHAR - gateway, in lower case
-- returns: destination VARCHAR - ip:port or host:port; null where of none
-- returns: instance VARCHAR - instance or part of it; null where of none
-- returns: day DATE - day foretold
-- returns: low DOUBLE - its peak at least
-- returns: median DOUBLE - its peak, probably
-- returns: high DOUBLE - its peak at most
-- returns: capacity DOUBLE - limit when foretold
with
    told as (
        select
            *,
            max(made) over (partition by gateway) as last_made
        from forecasts
        where
            made >= cast($earliest as date)
            and made <= cast($latest as date)
    )

select
    made,
    kind,
    gateway,
    destination,
    instance,
    day,
    low,
    median,
    high,
    capacity
from told
where made = last_made
order by kind, gateway, destination, instance, day
