-- name: changes_around
-- about: What was changed, scaled or unwell near a gateway, from when to when, and how did it end?
-- source: changes
-- grain: correlation_id, resource_id, operation
-- param: gateway VARCHAR
-- param: egress VARCHAR
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: near VARCHAR - resource (gateway or its way out), group or subscription of one of them
-- returns: resource_id VARCHAR - what was changed; of autoscale what was scaled
-- returns: resource_type VARCHAR - its type, as microsoft.network/natgateways; null if it has none
-- returns: category VARCHAR - administrative, autoscale, resourcehealth or servicehealth
-- returns: operation VARCHAR - what was done; of health resource health or service health
-- returns: correlation_id VARCHAR - what its records share; blob and place where none is told
-- returns: began TIMESTAMP - its first record
-- returns: ended TIMESTAMP - its last record that says how it ended; null where none does
-- returns: status VARCHAR - what its last record says
-- returns: caller_kind VARCHAR - user, application or service; null where not told
-- returns: caller VARCHAR - service or application; never a person
-- returns: old_value VARCHAR - instances or health before, as its first record tells
-- returns: new_value VARCHAR - the same after, as its first record tells
-- returns: cause VARCHAR - of a health status: UserInitiated or PlatformInitiated
-- returns: records BIGINT - records that tell of it
with
    -- What calls on their way out, or the ports they take, may depend on.
    -- Of other things near a gateway only what is done to itself or to its way out counts.
    kinds (resource_type) as (
        values
        ('microsoft.compute/virtualmachinescalesets'),
        ('microsoft.containerservice/managedclusters'),
        ('microsoft.insights/autoscalesettings'),
        ('microsoft.network/azurefirewalls'),
        ('microsoft.network/firewallpolicies'),
        ('microsoft.network/loadbalancers'),
        ('microsoft.network/natgateways'),
        ('microsoft.network/networksecuritygroups'),
        ('microsoft.network/privatednszones'),
        ('microsoft.network/privateendpoints'),
        ('microsoft.network/publicipaddresses'),
        ('microsoft.network/publicipprefixes'),
        ('microsoft.network/routetables'),
        ('microsoft.network/virtualnetworks'),
        ('microsoft.web/serverfarms')
    ),

    -- The log of autoscale itself and the activity log tell of the same steps.
    told as (
        select
            time,
            status,
            caller_kind,
            caller,
            old_value,
            new_value,
            cause,
            coalesce(target_id, resource_id, '') as concerned,
            case
                when lower(category) = 'autoscalescaleactions' then 'autoscale'
                else lower(category)
            end as category,
            case lower(category)
                when 'resourcehealth' then 'resource health'
                when 'servicehealth' then 'service health'
                else operation
            end as operation,
            coalesce(
                correlation_id,
                blob || ' ' || cast(position as varchar) || ' ' || cast(item as varchar)
            ) as correlation_id
        from changes
        where
            time >= $start
            and time < $stop
            and lower(category) in (
                'administrative',
                'autoscale',
                'autoscalescaleactions',
                'resourcehealth',
                'servicehealth'
            )
            -- These change nothing that a call could feel.
            and operation not like '%/list%/action'
            and operation not like '%/join/action'
            and operation not like '%/validate/action'
            and operation not like '%/read'
            and operation not like 'microsoft.authorization/%'
            and operation not like 'microsoft.resources/tags/%'
            and (
                operation not like 'microsoft.insights/%'
                or operation like 'microsoft.insights/autoscalesettings/%'
            )
    ),

    -- An id is /subscriptions/S/resourcegroups/G/providers/NAMESPACE/TYPE/NAME.
    placed as (
        select
            *,
            case
                when
                    split_part(concerned, '/', 4) = 'resourcegroups'
                    then split_part(concerned, '/', 5)
            end
                as resource_group,
            nullif(split_part(concerned, '/', 3), '') as subscription,
            case
                when split_part(concerned, '/', 6) = 'providers'
                    then split_part(concerned, '/', 7) || '/' || split_part(concerned, '/', 8)
            end as resource_type,
            concerned in ($gateway, $egress)
            or substr(concerned, 1, length($gateway) + 1) = $gateway || '/'
            or ($egress <> '' and substr(concerned, 1, length($egress) + 1) = $egress || '/')
                as own
        from told
        where concerned <> ''
    ),

    near_by as (
        select
            placed.*,
            case
                when placed.own then 'resource'
                when
                    placed.subscription = split_part($gateway, '/', 3)
                    and placed.resource_group = split_part($gateway, '/', 5)
                    then 'group'
                when
                    placed.subscription = split_part($egress, '/', 3)
                    and placed.resource_group = split_part($egress, '/', 5)
                    then 'group'
                when
                    placed.subscription in (
                        split_part($gateway, '/', 3), split_part($egress, '/', 3)
                    )
                    then 'subscription'
            end as near
        from placed
        left join kinds
            on placed.resource_type = kinds.resource_type
        where
            placed.own
            or kinds.resource_type is not null
            or placed.category = 'servicehealth'
    ),

    ordered as (
        select
            *,
            row_number() over (
                partition by correlation_id, concerned, operation
                order by time, status, new_value
            ) as place,
            row_number() over (
                partition by correlation_id, concerned, operation
                order by time desc, status, new_value
            ) as place_from_end,
            case when status not in ('started', 'accepted', 'active') then time end as ended
        from near_by
        where near is not null
    )

select
    max(near) as near,
    concerned as resource_id,
    max(resource_type) as resource_type,
    max(category) as category,
    operation,
    correlation_id,
    min(time) as began,
    max(ended) as ended,
    max(case when place_from_end = 1 then status end) as status,
    max(caller_kind) as caller_kind,
    max(caller) as caller,
    max(case when place = 1 then old_value end) as old_value,
    max(case when place = 1 then new_value end) as new_value,
    max(cause) as cause,
    count(*) as records
from ordered
group by correlation_id, concerned, operation
order by began, resource_id, operation, correlation_id
