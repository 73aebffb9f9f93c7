-- name: calls_by_second
-- about: How many calls of a gateway began and ended in each second, place by place?
-- source: activity
-- source: places
-- grain: place, second, counted
-- param: gateway VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: place INTEGER - its number among the places told; null where it has none
-- returns: second BIGINT - since 1970, of calls that began on the days from start until stop
-- returns: counted BIGINT - version of the dataset requests whose rows are counted
-- returns: started DOUBLE - calls that began in the second
-- returns: ended DOUBLE - calls that were over at its start, and not a second before
select
    places.place,
    date_diff('second', timestamp '1970-01-01 00:00:00', activity.time) as second,
    activity.counted,
    activity.started * places.calls_a_record as started,
    activity.ended * places.calls_a_record as ended
from activity
left join places
    on
        activity.called is not distinct from places.called
        and activity.ending is not distinct from places.ending
        and activity.port is not distinct from places.port
        and activity.instance is not distinct from places.instance
where
    activity.resource_id = $gateway
    and activity.date >= cast($start as date)
    and activity.date < $stop
    and (places.place is null or places.destination is not null)
