-- name: demand_by_minute
-- about: How many calls were asked for, how many of them again, and how long did answers take?
-- source: calls
-- grain: destination, minute
-- param: gateway VARCHAR
-- param: onset TIMESTAMP
-- param: finish TIMESTAMP
-- returns: destination VARCHAR - ip:port or host:port
-- returns: minute TIMESTAMP - start of the minute, from 70 before the onset on
-- returns: calls DOUBLE - backend calls started
-- returns: repeats DOUBLE - of these, surely asked again for having ended badly: at least so many
-- returns: answered DOUBLE - of these, answered well and with a BackendTime
-- returns: answered_ms DOUBLE - sum of the BackendTime of those
with
    around as (
        select
            destination,
            date_trunc('minute', time) as minute,
            time,
            ended,
            correlation_id,
            weight,
            outcome,
            backend_ms,
            caller_ip,
            subscription,
            operation,
            method,
            -- Who does not tell who asked cannot be seen to ask again.
            coalesce(case when caller_ip is not null then url end, correlation_id) as asked
        from calls
        where
            gateway = $gateway
            and time >= $onset - interval '70' minute
            and time < $finish
            and destination is not null
    ),

    followed as (
        select
            *,
            lag(outcome) over (
                partition by destination, caller_ip, subscription, method, asked
                order by time, correlation_id
            ) as outcome_before,
            lag(ended) over (
                partition by destination, caller_ip, subscription, method, asked
                order by time, correlation_id
            ) as ended_before
        from around
    ),

    -- Asked again within a minute of the last answer to the same caller.
    again as (
        select
            *,
            case
                when time < ended_before or time > ended_before + interval '60' second then null
                when outcome_before = 'ok' then 'after good'
                when outcome_before is not null then 'after bad'
            end as follows
        from followed
    ),

    -- Callers ask again for what they were answered well, too: so often it is no retry.
    habits as (
        select
            destination,
            caller_ip,
            subscription,
            operation,
            sum(case when outcome = 'ok' then weight else 0 end) as good,
            sum(case when outcome <> 'ok' then weight else 0 end) as bad,
            sum(case when follows = 'after good' then weight else 0 end) as after_good,
            sum(case when follows = 'after bad' then weight else 0 end) as after_bad
        from again
        group by destination, caller_ip, subscription, operation
    ),

    retried as (
        select
            destination,
            caller_ip,
            subscription,
            operation,
            case
                when after_bad = 0 then 0
                -- Who was never answered well shows no habit.
                when good = 0 then 1
                else greatest(0, 1 - (after_good / good) * bad / after_bad)
            end as share
        from habits
    )

select
    again.destination,
    again.minute,
    sum(again.weight) as calls,
    sum(case when again.follows = 'after bad' then again.weight * retried.share else 0 end)
        as repeats,
    sum(
        case
            when again.outcome = 'ok' and again.backend_ms is not null then again.weight
            else 0
        end
    ) as answered,
    sum(case when again.outcome = 'ok' then again.weight * coalesce(again.backend_ms, 0) else 0 end)
        as answered_ms
from again
inner join retried
    on
        again.destination = retried.destination
        and again.caller_ip is not distinct from retried.caller_ip
        and again.subscription is not distinct from retried.subscription
        and again.operation is not distinct from retried.operation
group by again.destination, again.minute
order by again.destination, again.minute
