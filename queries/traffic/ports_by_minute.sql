-- name: ports_by_minute
-- about: How many ports to each ip:port were in use at least and at most, at the minute's peak?
-- source: calls
-- grain: gateway, destination, minute
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- param: hold_s INTEGER
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: destination VARCHAR - ip:port or host:port
-- returns: minute TIMESTAMP - start of the minute; one without a row is as the one before
-- returns: in_flight_peak DOUBLE - calls in flight at once, those that wait to connect included
-- returns: connected_peak DOUBLE - ports if each is reused the moment it is free, at least
-- returns: held_peak DOUBLE - ports if every call takes one and holds it to the end plus hold_s
-- returns: held_peak_at TIMESTAMP - second of that peak, the first if several
with
    -- Calls that began before the window hold ports in it.
    spans as (
        select
            destination,
            weight,
            case when connected then weight else 0 end as connected,
            date_trunc('second', time) as start_second,
            -- In flight at a whole second s: started by s, not ended by s.
            date_trunc('second', time + interval '0.999999' second) as seen_from,
            date_trunc('second', call_ended + interval '0.999999' second) as seen_to
        from calls
        where
            gateway = $gateway
            and call_ended > date_trunc('second', $start) - $hold_s * interval '1' second
            and time < $stop
            and destination is not null
            and coalesce(path, 'public') = 'public'
    ),

    steps as (
        select
            destination,
            seen_from as second,
            weight as in_flight,
            connected,
            0 as held
        from spans
        where seen_to > seen_from
        union all
        select
            destination,
            seen_to as second,
            -weight as in_flight,
            -connected as connected,
            0 as held
        from spans
        where seen_to > seen_from
        union all
        select
            destination,
            start_second as second,
            0 as in_flight,
            0 as connected,
            weight as held
        from spans
        union all
        select
            destination,
            seen_to + $hold_s * interval '1' second as second,
            0 as in_flight,
            0 as connected,
            -weight as held
        from spans
    ),

    changes as (
        select
            destination,
            second,
            sum(in_flight) as in_flight,
            sum(connected) as connected,
            sum(held) as held
        from steps
        group by destination, second
    ),

    -- What the window, a minute with a change and the one after it begin with counts in them.
    seconds as (
        select
            destination,
            second,
            in_flight,
            connected,
            held
        from changes
        union all
        select distinct
            destination,
            date_trunc('second', $start) as second,
            0 as in_flight,
            0 as connected,
            0 as held
        from changes
        union all
        select distinct
            destination,
            date_trunc('minute', second) as second,
            0 as in_flight,
            0 as connected,
            0 as held
        from changes
        union all
        select distinct
            destination,
            date_trunc('minute', second) + interval '60' second as second,
            0 as in_flight,
            0 as connected,
            0 as held
        from changes
    ),

    levels as (
        select
            destination,
            second,
            date_trunc('minute', second) as minute,
            sum(in_flight) over past as in_flight,
            sum(connected) over past as connected,
            sum(held) over past as held
        from seconds
        window past as (
            partition by destination
            order by second
            range between unbounded preceding and current row
        )
    )

select
    $gateway as gateway,
    destination,
    minute,
    max(in_flight) as in_flight_peak,
    max(connected) as connected_peak,
    max(held) as held_peak,
    max_by(second, row(held, -epoch(second))) as held_peak_at
from levels
where
    second >= date_trunc('second', $start)
    and second < $stop
group by destination, minute
order by destination, minute
