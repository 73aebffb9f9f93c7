-- name: said_unwell
-- about: When did Azure say of a network resource or a gateway that it was unwell?
-- source: health_events
-- source: changes
-- grain: resource_id, said, time
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - what was unwell
-- returns: said VARCHAR - health_event (of a load balancer) or resource_health
-- returns: time TIMESTAMP - when it was said
-- returns: what VARCHAR - what was said, in one word
with
    said as (
        select
            resource_id,
            'health_event' as said,
            time,
            event as what
        from health_events
        where
            time >= $start
            and time < $stop
            and event in (
                'no_healthy_backends',
                'data_path_availability_warning',
                'data_path_availability_critical'
            )

        union all

        select
            resource_id,
            'resource_health' as said,
            time,
            lower(new_value) as what
        from changes
        where
            time >= $start
            and time < $stop
            and lower(category) = 'resourcehealth'
            and lower(new_value) in ('unavailable', 'degraded')
            and (
                resource_id like '%/providers/microsoft.network/%'
                or resource_id like '%/providers/microsoft.apimanagement/%'
                or resource_id like '%/providers/microsoft.web/%'
            )
    )

select
    resource_id,
    said,
    time,
    min(what) as what
from said
where resource_id is not null
group by resource_id, said, time
order by resource_id, said, time
