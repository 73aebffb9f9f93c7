-- name: gateway_load_by_minute
-- about: How busy were a gateway's own processor and memory, minute by minute?
-- source: metrics
-- grain: resource_id, measure, minute
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - the gateway, or an App Service plan in its resource group
-- returns: measure VARCHAR - capacity (processor, memory and queues in one), cpu or memory
-- returns: minute TIMESTAMP - start of the grain
-- returns: grain_s DOUBLE - the longest grain that begins then; 60 where it is not told
-- returns: mean DOUBLE - 0 to 1, of the busiest instance or region; null where not told
-- returns: peak DOUBLE - the greatest sample; null where not told
with
    known (resource_type, metric, measure) as (
        values
        ('microsoft.apimanagement/service', 'capacity', 'capacity'),
        ('microsoft.apimanagement/service', 'cpupercent_gateway', 'cpu'),
        ('microsoft.apimanagement/service', 'memorypercent_gateway', 'memory'),
        ('microsoft.web/serverfarms', 'cpupercentage', 'cpu'),
        ('microsoft.web/serverfarms', 'memorypercentage', 'memory')
    )

select
    metrics.resource_id,
    known.measure,
    metrics.time as minute,
    max(coalesce(metrics.grain_s, 60)) as grain_s,
    max(metrics.average) as mean,
    max(metrics.maximum) as peak
from metrics
inner join known
    on
        metrics.resource_type = known.resource_type
        and lower(translate(metrics.metric, ' ', '')) = known.metric
where
    metrics.time >= $start
    and metrics.time < $stop
    and coalesce(metrics.count, 1) > 0
    and (metrics.average is not null or metrics.maximum is not null)
    and (
        metrics.resource_id = $gateway
        or (
            metrics.resource_type = 'microsoft.web/serverfarms'
            and $gateway like '%/providers/microsoft.web/%'
            and split_part(metrics.resource_id, '/', 3) = split_part($gateway, '/', 3)
            and split_part(metrics.resource_id, '/', 5) = split_part($gateway, '/', 5)
        )
    )
group by metrics.resource_id, known.measure, metrics.time
order by metrics.resource_id, known.measure, minute
