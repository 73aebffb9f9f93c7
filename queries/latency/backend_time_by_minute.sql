-- name: backend_time_by_minute
-- about: How long did calls to each ip:port take, those that succeeded apart from the others?
-- source: calls
-- grain: gateway, destination, succeeded, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: destination VARCHAR - ip:port or host:port
-- returns: succeeded BOOLEAN - whether the caller got the backend's answer
-- returns: minute TIMESTAMP - start of the minute
-- returns: calls BIGINT - calls that have a BackendTime
-- returns: p50_ms DOUBLE - median of BackendTime, which contains the connect wait
-- returns: p95_ms DOUBLE - its 95th percentile
-- returns: p99_ms DOUBLE - its 99th percentile
select
    gateway,
    destination,
    outcome = 'ok' as succeeded,
    minute,
    count(*) as calls,
    quantile_cont(backend_ms, 0.5) as p50_ms,
    quantile_cont(backend_ms, 0.95) as p95_ms,
    quantile_cont(backend_ms, 0.99) as p99_ms
from calls
where
    time >= $start
    and time < $stop
    and destination is not null
    and backend_ms is not null
group by gateway, destination, outcome = 'ok', minute
order by gateway, destination, succeeded, minute
