-- name: overhead_by_minute
-- about: How long did a gateway itself take, apart from backend, caller and cache?
-- source: calls
-- grain: gateway, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: minute TIMESTAMP - start of the minute
-- returns: requests BIGINT - requests that succeeded
-- returns: p50_ms DOUBLE - median of total less backend, client and cache time
-- returns: p95_ms DOUBLE - its 95th percentile
-- returns: negative BIGINT - requests whose parts add up to more than the total
select
    gateway,
    minute,
    count(*) as requests,
    quantile_cont(overhead_ms, 0.5) as p50_ms,
    quantile_cont(overhead_ms, 0.95) as p95_ms,
    sum(case when overhead_ms < 0 then 1 else 0 end) as negative
from calls
where
    time >= $start
    and time < $stop
    and outcome = 'ok'
    and overhead_ms is not null
group by gateway, minute
order by gateway, minute
