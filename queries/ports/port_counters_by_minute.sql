-- name: port_counters_by_minute
-- about: What did load balancers, NAT gateways and firewalls count of SNAT ports and connections?
-- source: metrics
-- grain: resource_id, instance, protocol, minute, grain_s, counter
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: resource_id VARCHAR - load balancer, NAT gateway or firewall
-- returns: resource_type VARCHAR - its type, as microsoft.network/natgateways
-- returns: instance VARCHAR - back-end address; null where the metric is not split by it
-- returns: protocol VARCHAR - tcp or udp; null where the metric is not split by it
-- returns: minute TIMESTAMP - start of the grain
-- returns: grain_s DOUBLE - length of the grain; 60 where it is not told: these count by minutes
-- returns: counter VARCHAR - used_ports, failed_connections, …: what is counted
-- returns: value DOUBLE - ports, connections, or a share (port_utilisation, datapath_availability)
-- returns: statistic VARCHAR - what value is of its grain: total, maximum, average or minimum
-- returns: series BIGINT - series added up, as one for each frontend address
with
    -- How series come together: counts and levels add up, of shares the greatest or least stands.
    -- A NAT gateway tells its active connections in parts, so that the total is their number.
    known (resource_type, metric, connection_state, counter, kind) as (
        values
        ('microsoft.network/loadbalancers', 'usedsnatports', '', 'used_ports', 'level'),
        ('microsoft.network/loadbalancers', 'allocatedsnatports', '', 'allocated_ports', 'level'),
        ('microsoft.network/loadbalancers', 'snatconnectioncount', '', 'connections', 'count'),
        (
            'microsoft.network/loadbalancers',
            'snatconnectioncount',
            'failed',
            'failed_connections',
            'count'
        ),
        (
            'microsoft.network/loadbalancers',
            'snatconnectioncount',
            'pending',
            'pending_connections',
            'count'
        ),
        (
            'microsoft.network/loadbalancers',
            'snatconnectioncount',
            'successful',
            'successful_connections',
            'count'
        ),
        (
            'microsoft.network/loadbalancers',
            'vipavailability',
            '',
            'datapath_availability',
            'least'
        ),
        -- The same by the name that the portal shows, and so below.
        (
            'microsoft.network/loadbalancers',
            'datapathavailability',
            '',
            'datapath_availability',
            'least'
        ),
        ('microsoft.network/natgateways', 'snatconnectioncount', '', 'connections', 'count'),
        (
            'microsoft.network/natgateways',
            'snatconnectioncount',
            'attempted',
            'attempted_connections',
            'count'
        ),
        (
            'microsoft.network/natgateways',
            'snatconnectioncount',
            'failed',
            'failed_connections',
            'count'
        ),
        ('microsoft.network/natgateways', 'totalconnectioncount', '', 'total_connections', 'count'),
        (
            'microsoft.network/natgateways',
            'totalsnatconnectioncount',
            '',
            'total_connections',
            'count'
        ),
        (
            'microsoft.network/natgateways',
            'datapathavailability',
            '',
            'datapath_availability',
            'least'
        ),
        (
            'microsoft.network/azurefirewalls',
            'snatportutilization',
            '',
            'port_utilisation',
            'greatest'
        )
    ),

    -- A grain without samples tells nothing, though it may say 0.
    readings as (
        select
            metrics.resource_id,
            metrics.resource_type,
            known.counter,
            known.kind,
            coalesce(metrics.backend_ip, metrics.instance) as instance,
            metrics.protocol,
            metrics.frontend_ip,
            metrics.region,
            case
                when lower(metrics.dimensions) like '%"isawaitingremoval":"true"%' then 1
                when lower(metrics.dimensions) like '%"isawaitingremoval":%' then 0
            end as awaits_removal,
            metrics.time as minute,
            coalesce(metrics.grain_s, 60) as grain_s,
            -- Each minute adds its active connections to the total of a longer grain.
            case
                when known.counter = 'total_connections'
                    then metrics.total * 60 / coalesce(metrics.grain_s, 60)
                else metrics.total
            end as total,
            metrics.minimum,
            metrics.maximum,
            metrics.average
        from metrics
        inner join known
            on
                metrics.resource_type = known.resource_type
                and lower(translate(metrics.metric, ' ', '')) = known.metric
                and coalesce(metrics.connection_state, '') = known.connection_state
        where
            -- No grain is longer than a day; one that reaches into the window tells of it.
            metrics.time > $start - interval '1' day
            and metrics.time < $stop
            and epoch(metrics.time) + coalesce(metrics.grain_s, 60) > epoch($start)
            and coalesce(metrics.count, 1) > 0
    ),

    -- Of what several exports tell of one series, the greatest.
    told as (
        select
            resource_id,
            resource_type,
            counter,
            kind,
            instance,
            protocol,
            frontend_ip,
            region,
            awaits_removal,
            minute,
            grain_s,
            max(total) as total,
            min(minimum) as minimum,
            max(maximum) as maximum,
            max(average) as average
        from readings
        group by
            resource_id,
            resource_type,
            counter,
            kind,
            instance,
            protocol,
            frontend_ip,
            region,
            awaits_removal,
            minute,
            grain_s
    ),

    -- Only series that are split by the same dimensions add up, and only if each tells its part.
    added as (
        select
            resource_id,
            resource_type,
            counter,
            kind,
            instance,
            protocol,
            minute,
            grain_s,
            count(*) as series,
            case when count(total) = count(*) then sum(total) end as total,
            min(minimum) as minimum,
            case
                when kind = 'greatest' then max(maximum)
                when count(maximum) = count(*) then sum(maximum)
            end as maximum,
            case
                when kind = 'greatest' then max(average)
                when kind = 'least' then min(average)
                when count(average) = count(*) then sum(average)
            end as average
        from told
        group by
            resource_id,
            resource_type,
            counter,
            kind,
            instance,
            protocol,
            minute,
            grain_s,
            frontend_ip is null,
            region is null,
            awaits_removal is null
    ),

    chosen as (
        select
            *,
            case
                when kind = 'count' and total is not null then 'total'
                when kind = 'least' and minimum is not null then 'minimum'
                when kind <> 'least' and maximum is not null then 'maximum'
                when average is not null then 'average'
            end as statistic
        from added
    ),

    valued as (
        select
            *,
            case statistic
                when 'total' then total
                when 'minimum' then minimum
                when 'maximum' then maximum
                when 'average' then average
            end as value
        from chosen
        where statistic is not null
    ),

    -- The same may be told by frontend and without: what is told best, then the greatest.
    ranked as (
        select
            *,
            row_number() over (
                partition by resource_id, instance, protocol, minute, grain_s, counter
                order by
                    case statistic when 'average' then 2 when 'maximum' then 1 else 0 end,
                    case when kind = 'least' then value else -value end,
                    series
            ) as place
        from valued
    )

select
    resource_id,
    resource_type,
    instance,
    protocol,
    minute,
    grain_s,
    counter,
    value,
    statistic,
    series
from ranked
where place = 1
order by resource_id, counter, instance, protocol, minute, grain_s
