-- name: reliability
-- about: How many requests of each API failed, in the weeks reviewed and in the objective's window?
-- source: minutes
-- source: gateways
-- grain: gateway, api
-- param: start TIMESTAMP
-- param: review_start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them
-- returns: api VARCHAR - id of the API; null where not told
-- returns: requests DOUBLE - requests from review_start on
-- returns: failures DOUBLE - of these, failed
-- returns: window_requests DOUBLE - requests from start on
-- returns: window_failures DOUBLE - of these, failed
-- returns: window_first TIMESTAMP - first minute from start on with a request
with
    scaled as (
        select
            minutes.resource_id as gateway,
            minutes.api,
            minutes.time,
            minutes.requests * coalesce(gateways.requests_a_record, 1) as requests,
            minutes.failures * coalesce(gateways.requests_a_record, 1) as failures
        from minutes
        left join gateways
            on minutes.resource_id = gateways.gateway
        where
            minutes.time >= least($start, $review_start)
            and minutes.time < $stop
    )

select
    gateway,
    api,
    sum(case when time >= $review_start then requests else 0 end) as requests,
    sum(case when time >= $review_start then failures else 0 end) as failures,
    sum(case when time >= $start then requests else 0 end) as window_requests,
    sum(case when time >= $start then failures else 0 end) as window_failures,
    min(case when time >= $start then time end) as window_first
from scaled
group by gateway, api
order by gateway, requests desc, api
