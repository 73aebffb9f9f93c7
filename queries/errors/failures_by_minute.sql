-- name: failures_by_minute
-- about: What did requests that ended badly die of, minute by minute?
-- source: calls
-- grain: gateway, minute, destination, outcome, reason, fault, backend_status
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: minute TIMESTAMP - start of the minute
-- returns: destination VARCHAR - ip:port or host:port, null if no backend was called
-- returns: outcome VARCHAR - failed, rejected or aborted
-- returns: reason VARCHAR - the last error's machine code
-- returns: fault VARCHAR - what its text tells of
-- returns: backend_status INTEGER - HTTP status that the backend answered
-- returns: requests DOUBLE - requests that ended so
-- returns: first_at TIMESTAMP - start of the first of them
-- returns: last_end TIMESTAMP - end of the last of them to end
select
    gateway,
    minute,
    destination,
    outcome,
    reason,
    fault,
    backend_status,
    sum(weight) as requests,
    min(time) as first_at,
    max(ended) as last_end
from calls
where
    time >= $start
    and time < $stop
    and outcome in ('failed', 'rejected', 'aborted')
group by gateway, minute, destination, outcome, reason, fault, backend_status
order by gateway, minute, destination, outcome, reason, fault, backend_status
