-- name: calls_by_minute
-- about: How bursty are new backend calls to each ip:port: peak second against the minute's mean?
-- source: calls
-- grain: gateway, destination, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: destination VARCHAR - ip:port or host:port
-- returns: minute TIMESTAMP - start of the minute
-- returns: calls DOUBLE - backend calls started
-- returns: failed DOUBLE - of these, failed
-- returns: rejected DOUBLE - of these, turned away by the backend
-- returns: mean_per_s DOUBLE - calls started per second, over the minute
-- returns: peak_per_s DOUBLE - calls started in the busiest second
-- returns: peak_at TIMESTAMP - that second, the first if several
with
    seconds as (
        select
            gateway,
            destination,
            minute,
            date_trunc('second', time) as second,
            sum(weight) as calls,
            sum(case when outcome = 'failed' then weight else 0 end) as failed,
            sum(case when outcome = 'rejected' then weight else 0 end) as rejected
        from calls
        where
            time >= $start
            and time < $stop
            and destination is not null
        group by gateway, destination, minute, date_trunc('second', time)
    ),

    busiest as (
        select
            *,
            row_number() over (
                partition by gateway, destination, minute
                order by calls desc, second
            ) as place
        from seconds
    )

select
    gateway,
    destination,
    minute,
    sum(calls) as calls,
    sum(failed) as failed,
    sum(rejected) as rejected,
    sum(calls) / 60 as mean_per_s,
    max(calls) as peak_per_s,
    max(case when place = 1 then second end) as peak_at
from busiest
group by gateway, destination, minute
order by gateway, destination, minute
