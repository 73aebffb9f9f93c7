-- name: gateway_capacity_by_minute
-- about: How loaded did gateways say that they were, minute by minute?
-- source: metrics
-- grain: resource_id, measure, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - the gateway
-- returns: measure VARCHAR - capacity, cpu or memory
-- returns: minute TIMESTAMP - start of the grain
-- returns: value DOUBLE - share of what there is, 0 to 1: the greatest told
select
    resource_id,
    case lower(metric)
        when 'cpupercent_gateway' then 'cpu'
        when 'memorypercent_gateway' then 'memory'
        else 'capacity'
    end as measure,
    time as minute,
    max(coalesce(maximum, average)) as value
from metrics
where
    time >= $start
    and time < $stop
    and resource_type = 'microsoft.apimanagement/service'
    and lower(metric) in (
        'capacity', 'cpupercent_gateway', 'memorypercent_gateway'
    )
    and unit = 'share'
    and coalesce(maximum, average) is not null
group by
    resource_id,
    case lower(metric)
        when 'cpupercent_gateway' then 'cpu'
        when 'memorypercent_gateway' then 'memory'
        else 'capacity'
    end,
    time
order by resource_id, measure, minute
