-- name: calls_in_flight
-- about: In which seconds did calls to each public ip:port begin and end, and ending how?
-- source: activity
-- source: destinations
-- source: gateways
-- grain: gateway, instance, called, destination, ending
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- param: hold_s INTEGER
-- returns: gateway VARCHAR - resource id of the gateway
-- returns: instance VARCHAR - instance of it; null where no record tells one
-- returns: called VARCHAR - host or address called, as the records name it
-- returns: destination VARCHAR - ip:port or host:port
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other
-- returns: seconds BIGINT[] - since 1970, in any order, some more than once
-- returns: started DOUBLE[] - calls that began in each of them
-- returns: ended DOUBLE[] - calls that were over at the start of each, and not a second before
with
    scaled as (
        select coalesce(max(requests_a_record), 1) as calls_a_record
        from gateways
        where gateway = $gateway
    ),

    -- As lists, for there are few places and many seconds. By the day they began on, so that no
    -- call is over here that did not begin here: calls that began before the window hold ports in
    -- it, and none counts for longer than a day.
    counted as (
        select
            activity.instance,
            activity.called,
            activity.port,
            activity.ending,
            array_agg(date_diff('second', timestamp '1970-01-01 00:00:00', activity.time))
                as seconds,
            array_agg(activity.started * scaled.calls_a_record) as started,
            array_agg(activity.ended * scaled.calls_a_record) as ended
        from activity
        cross join scaled
        where
            activity.resource_id = $gateway
            and activity.date >= cast($start - $hold_s * interval '1' second as date) - 1
            and activity.time < $stop
        group by activity.instance, activity.called, activity.port, activity.ending
    )

select
    $gateway as gateway,
    counted.instance,
    counted.called,
    coalesce(destinations.address, counted.called)
    || coalesce(':' || cast(counted.port as varchar), '') as destination,
    counted.ending,
    counted.seconds,
    counted.started,
    counted.ended
from counted
left join destinations
    on counted.called = destinations.named
where coalesce(destinations.path, 'public') = 'public'
order by counted.instance, destination, counted.called, counted.ending
