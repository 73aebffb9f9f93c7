-- name: failing_durations
-- about: After how long did failures fail: at a time-out, at once, or in between?
-- source: calls
-- grain: reason, fault, second
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: reason VARCHAR - the last error's machine code
-- returns: fault VARCHAR - what its text tells of
-- returns: second BIGINT - whole seconds from request start to the last error, or to the end
-- returns: failures DOUBLE - requests that failed so
select
    reason,
    fault,
    cast(floor(coalesce(elapsed_ms, total_ms, backend_ms) / 1000) as bigint) as second,
    sum(weight) as failures
from calls
where
    gateway = $gateway
    and time >= $onset
    and time < $finish
    and $counted like '%' || outcome || '%'
    and $elsewhere not like '%,' || coalesce(destination, '') || ',%'
    and coalesce(elapsed_ms, total_ms, backend_ms) is not null
group by reason, fault, cast(floor(coalesce(elapsed_ms, total_ms, backend_ms) / 1000) as bigint)
order by reason, fault, second
