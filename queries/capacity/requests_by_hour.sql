-- name: requests_by_hour
-- about: In which hours did requests come to each gateway, and how many?
-- source: minutes
-- source: gateways
-- grain: gateway, hour
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them
-- returns: hour TIMESTAMP - start of the hour
-- returns: requests DOUBLE - requests that started in the hour
-- returns: last_minute TIMESTAMP - start of the last minute with a request
select
    minutes.resource_id as gateway,
    date_trunc('hour', minutes.time) as hour,
    sum(minutes.requests * coalesce(gateways.requests_a_record, 1)) as requests,
    max(minutes.time) as last_minute
from minutes
left join gateways
    on minutes.resource_id = gateways.gateway
where
    minutes.time >= $start
    and minutes.time < $stop
group by minutes.resource_id, date_trunc('hour', minutes.time)
order by gateway, hour
