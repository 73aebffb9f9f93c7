-- name: changes_told
-- about: From when to when does the activity log that was read tell of a gateway's subscription?
-- source: changes
-- grain: subscription
-- param: gateway VARCHAR
-- returns: subscription VARCHAR - the gateway's
-- returns: first_at TIMESTAMP - the earliest event of any kind
-- returns: last_at TIMESTAMP - the latest
-- returns: events BIGINT - events between
with
    of_subscriptions as (
        select
            time,
            nullif(split_part(coalesce(resource_id, target_id), '/', 3), '') as subscription
        from changes
        -- The log of autoscale tells of its own steps alone.
        where lower(category) <> 'autoscalescaleactions'
    )

select
    subscription,
    min(time) as first_at,
    max(time) as last_at,
    count(*) as events
from of_subscriptions
where subscription = split_part($gateway, '/', 3)
group by subscription
