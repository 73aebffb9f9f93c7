-- name: impact
-- about: Who was hit, and how much: requests, operations, callers, APIs?
-- source: calls
-- grain: gateway
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- param: counted VARCHAR
-- param: elsewhere VARCHAR
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: requests DOUBLE - requests
-- returns: failed DOUBLE - of these, failed
-- returns: aborted DOUBLE - of these, given up by the caller
-- returns: rejected DOUBLE - of these, turned away by the backend
-- returns: operations_failed DOUBLE - failures, with a caller's retries of one operation once
-- returns: callers BIGINT - distinct caller addresses; null if none is told
-- returns: callers_hit BIGINT - of these, with a failure; null if none is told
-- returns: apis BIGINT - distinct APIs
-- returns: apis_hit BIGINT - of these, with a failure
with
    within_incident as (
        select
            *,
            (
                $counted like '%' || outcome || '%'
                and $elsewhere not like '%,' || coalesce(destination, '') || ',%'
            ) as bad
        from calls
        where
            gateway = $gateway
            and time >= $onset
            and time < $finish
    ),

    failing as (
        select
            *,
            -- Who does not tell who asked for what may tell the trace that a call was part of.
            coalesce(
                case when caller_ip is not null then url end,
                correlation_id,
                cast(time as varchar)
            ) as asked
        from within_incident
        where bad
    ),

    -- The same caller asking for the same thing within a minute of its last failure is a retry.
    repeated as (
        select
            weight,
            time,
            lag(ended) over (partition by caller_ip, method, asked order by time, correlation_id)
                as failed_before
        from failing
    ),

    operations as (
        select
            sum(
                case
                    when failed_before is null then weight
                    when time > failed_before + interval '60' second then weight
                    else 0
                end
            ) as operations_failed
        from repeated
    ),

    totals as (
        select
            gateway,
            sum(weight) as requests,
            sum(case when bad then weight else 0 end) as failed,
            sum(case when outcome = 'aborted' then weight else 0 end) as aborted,
            sum(case when outcome = 'rejected' then weight else 0 end) as rejected,
            count(distinct caller_ip) as callers,
            count(distinct case when bad then caller_ip end) as callers_hit,
            count(distinct api) as apis,
            count(distinct case when bad then api end) as apis_hit
        from within_incident
        group by gateway
    )

select
    totals.gateway,
    totals.requests,
    totals.failed,
    totals.aborted,
    totals.rejected,
    coalesce(operations.operations_failed, 0) as operations_failed,
    nullif(totals.callers, 0) as callers,
    case when totals.callers > 0 then totals.callers_hit end as callers_hit,
    totals.apis,
    totals.apis_hit
from totals
cross join operations
