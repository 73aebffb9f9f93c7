-- name: calls_in_flight
-- about: In which seconds did calls to each public ip:port begin and end, and ending how?
-- source: activity
-- source: destinations
-- source: gateways
-- grain: gateway, instance, destination, second
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- param: hold_s INTEGER
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: instance VARCHAR - instance of it; null where no record tells one
-- returns: destination VARCHAR - ip:port or host:port
-- returns: second TIMESTAMP - start of the second; none before it that could still hold a port
-- returns: started DOUBLE - calls that began in it
-- returns: ended DOUBLE - calls that were over at its start, and not a second before
-- returns: connected DOUBLE - of those that began, the ones with a connection of their own
-- returns: disconnected DOUBLE - of those that ended, the ones with a connection of their own
-- returns: reset DOUBLE - of those that ended, the ones reset or refused
-- returns: half_open DOUBLE - of those that ended, the ones whose connect nobody answered
with
    -- By the day they began on, so that no call is over here that did not begin here. Calls that
    -- began before the window hold ports in it; none lasts longer than a day.
    counted as (
        select
            instance,
            called,
            port,
            time,
            ending,
            started,
            ended
        from activity
        where
            resource_id = $gateway
            and date >= cast($start - $hold_s * interval '1' second as date) - 1
            and time < $stop
    ),

    -- Each is looked up once, and a number is grouped and sorted sooner than texts.
    kinds as (
        select
            told.instance,
            told.called,
            told.port,
            coalesce(destinations.address, told.called)
            || coalesce(':' || cast(told.port as varchar), '') as destination
        from
            (
                select distinct
                    instance,
                    called,
                    port
                from counted
            ) as told
        left join destinations
            on told.called = destinations.named
        where coalesce(destinations.path, 'public') = 'public'
    ),

    places as (
        select
            instance,
            called,
            port,
            destination,
            dense_rank() over (order by instance, destination) as place
        from kinds
    ),

    named as (
        select distinct
            place,
            instance,
            destination
        from places
    ),

    seconds as (
        select
            places.place,
            counted.time as second,
            sum(counted.started) as started,
            sum(counted.ended) as ended,
            sum(case when counted.ending = 'answered' then counted.started else 0 end) as connected,
            sum(case when counted.ending = 'answered' then counted.ended else 0 end)
                as disconnected,
            sum(case when counted.ending in ('reset', 'refused') then counted.ended else 0 end)
                as reset,
            sum(case when counted.ending = 'unanswered' then counted.ended else 0 end) as half_open
        from counted
        inner join places
            on
                counted.called = places.called
                and counted.instance is not distinct from places.instance
                and counted.port is not distinct from places.port
        group by places.place, counted.time
    ),

    scaled as (
        select coalesce(max(requests_a_record), 1) as calls_a_record
        from gateways
        where gateway = $gateway
    )

select
    $gateway as gateway,
    named.instance,
    named.destination,
    seconds.second,
    seconds.started * scaled.calls_a_record as started,
    seconds.ended * scaled.calls_a_record as ended,
    seconds.connected * scaled.calls_a_record as connected,
    seconds.disconnected * scaled.calls_a_record as disconnected,
    seconds.reset * scaled.calls_a_record as reset,
    seconds.half_open * scaled.calls_a_record as half_open
from seconds
inner join named
    on seconds.place = named.place
cross join scaled
order by seconds.place, seconds.second
