-- name: answers_by_operation
-- about: How long did answers to each operation take, before an incident and during it?
-- source: calls
-- grain: destination, api, operation, during
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- returns: destination VARCHAR - ip:port or host:port
-- returns: api VARCHAR - id of the API
-- returns: operation VARCHAR - id of the operation
-- returns: during BOOLEAN - whether from the onset on; else from 65 to 5 minutes before it
-- returns: calls BIGINT - calls answered well that have a BackendTime
-- returns: p50_ms DOUBLE - median of that
select
    destination,
    api,
    operation,
    time >= $onset as during,
    count(*) as calls,
    quantile_cont(backend_ms, 0.5) as p50_ms
from calls
where
    gateway = $gateway
    and time >= $onset - interval '65' minute
    and time < $finish
    and (time < $onset - interval '5' minute or time >= $onset)
    and destination is not null
    and outcome = 'ok'
    and backend_ms is not null
group by destination, api, operation, time >= $onset
order by destination, api, operation, during
