-- name: availability_dips
-- about: In which minutes was a datapath, or what stands behind it, less available than 90 %?
-- source: metrics
-- grain: resource_id, measure, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - load balancer or NAT gateway
-- returns: resource_type VARCHAR - its type
-- returns: measure VARCHAR - datapath, or probes: of the back ends behind a load balancer
-- returns: minute TIMESTAMP - start of the grain
-- returns: availability DOUBLE - least of the series and exports that tell of it, 0 to 1
with
    -- Microsoft advises to be alarmed at an average below 90 %.
    known (resource_type, metric, measure) as (
        values
        ('microsoft.network/loadbalancers', 'vipavailability', 'datapath'),
        ('microsoft.network/loadbalancers', 'datapathavailability', 'datapath'),
        ('microsoft.network/loadbalancers', 'dipavailability', 'probes'),
        ('microsoft.network/loadbalancers', 'healthprobestatus', 'probes'),
        ('microsoft.network/natgateways', 'datapathavailability', 'datapath')
    ),

    readings as (
        select
            metrics.resource_id,
            metrics.resource_type,
            known.measure,
            metrics.time as minute,
            coalesce(metrics.average, metrics.minimum, metrics.maximum) as availability
        from metrics
        inner join known
            on
                metrics.resource_type = known.resource_type
                and lower(translate(metrics.metric, ' ', '')) = known.metric
        where
            metrics.time >= $start
            and metrics.time < $stop
            -- A grain without samples tells nothing, though it may say 0.
            and coalesce(metrics.count, 1) > 0
            and metrics.resource_id is not null
    )

select
    resource_id,
    resource_type,
    measure,
    minute,
    min(availability) as availability
from readings
where availability < 0.9
group by resource_id, resource_type, measure, minute
order by resource_id, measure, minute
