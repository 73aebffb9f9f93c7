-- name: failure_samples
-- about: Which single requests show each way of failing, for looking them up or a support request?
-- source: calls
-- grain: blob, position
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: destination VARCHAR - ip:port or host:port
-- returns: reason VARCHAR - the last error's machine code
-- returns: fault VARCHAR - what its text tells of
-- returns: backend_status INTEGER - HTTP status that the backend answered
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: time TIMESTAMP - start of the request
-- returns: correlation_id VARCHAR - id to look it up by
-- returns: elapsed_ms BIGINT - from request start to the last error, or to the end
-- returns: message VARCHAR - the last error's text
-- returns: alike DOUBLE - requests that failed this way
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
with
    ranked as (
        select
            *,
            row_number() over (
                partition by destination, reason, fault, backend_status, status
                order by time, correlation_id, blob, position
            ) as place,
            sum(weight) over (
                partition by destination, reason, fault, backend_status, status
            ) as alike
        from calls
        where
            gateway = $gateway
            and time >= $onset
            and time < $finish
            and $counted like '%' || outcome || '%'
            and $elsewhere not like '%,' || coalesce(destination, '') || ',%'
    )

select
    destination,
    reason,
    fault,
    backend_status,
    status,
    time,
    correlation_id,
    coalesce(elapsed_ms, total_ms, backend_ms) as elapsed_ms,
    message,
    alike,
    blob,
    position
from ranked
where place = 1
order by alike desc, time, blob, position
limit 8
