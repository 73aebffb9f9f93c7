-- name: platform_metrics
-- about: Which value of which metric does each record or data point tell?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day on which the grain starts
-- returns: time TIMESTAMP - start of the grain
-- returns: resource_id VARCHAR - the measured resource's id, in lower case
-- returns: resource_type VARCHAR - its type, in lower case
-- returns: metric VARCHAR - name of the metric as told
-- returns: grain_s DOUBLE - length of the grain in seconds
-- returns: unit VARCHAR - unit of the values: count, ms, bytes, share, …
-- returns: dimensions VARCHAR - JSON, names in lower case and sorted
-- returns: connection_state VARCHAR - dimension ConnectionState, in lower case
-- returns: protocol VARCHAR - dimension Protocol or ProtocolType: tcp, udp
-- returns: frontend_ip VARCHAR - dimension FrontendIPAddress
-- returns: backend_ip VARCHAR - dimension BackendIPAddress
-- returns: instance VARCHAR - dimension Instance
-- returns: region VARCHAR - dimension Location
-- returns: count DOUBLE - samples in the grain
-- returns: total DOUBLE - sum of the samples
-- returns: minimum DOUBLE - least sample
-- returns: maximum DOUBLE - greatest sample
-- returns: average DOUBLE - mean of the samples
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in the record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    -- Azure's units and ours: a value times one number, parted by another.
    units (azure_unit, unit, times, parts) as (
        values
        ('count', 'count', 1, 1),
        ('bytes', 'bytes', 1, 1),
        ('seconds', 'ms', 1000, 1),
        ('milliseconds', 'ms', 1, 1),
        ('percent', 'share', 1, 100),
        ('countpersecond', 'count/s', 1, 1),
        ('bytespersecond', 'bytes/s', 1, 1),
        ('bitspersecond', 'bytes/s', 1, 8),
        ('byteseconds', 'byte seconds', 1, 1),
        ('cores', 'cores', 1, 1),
        ('millicores', 'cores', 1, 1000),
        ('nanocores', 'cores', 1, 1000000000)
    ),

    -- Microsoft's "Supported metrics" of these types: diagnostic settings tell no unit. The
    -- availabilities are documented as Count, but run from 0 to 100: they are percentages.
    known (resource_type, metric, azure_unit) as (
        values
        ('microsoft.network/natgateways', 'snatconnectioncount', 'count'),
        ('microsoft.network/natgateways', 'totalconnectioncount', 'count'),
        ('microsoft.network/natgateways', 'datapathavailability', 'percent'),
        ('microsoft.network/natgateways', 'packetdropcount', 'count'),
        ('microsoft.network/natgateways', 'packetcount', 'count'),
        ('microsoft.network/natgateways', 'bytecount', 'bytes'),
        ('microsoft.network/loadbalancers', 'snatconnectioncount', 'count'),
        ('microsoft.network/loadbalancers', 'allocatedsnatports', 'count'),
        ('microsoft.network/loadbalancers', 'usedsnatports', 'count'),
        ('microsoft.network/loadbalancers', 'syncount', 'count'),
        ('microsoft.network/loadbalancers', 'packetcount', 'count'),
        ('microsoft.network/loadbalancers', 'bytecount', 'bytes'),
        ('microsoft.network/loadbalancers', 'vipavailability', 'percent'),
        ('microsoft.network/loadbalancers', 'dipavailability', 'percent'),
        ('microsoft.network/loadbalancers', 'globalbackendavailability', 'percent'),
        -- The same by the names that the portal shows.
        ('microsoft.network/loadbalancers', 'datapathavailability', 'percent'),
        ('microsoft.network/loadbalancers', 'healthprobestatus', 'percent'),
        ('microsoft.apimanagement/service', 'requests', 'count'),
        ('microsoft.apimanagement/service', 'duration', 'milliseconds'),
        ('microsoft.apimanagement/service', 'backendduration', 'milliseconds'),
        ('microsoft.apimanagement/service', 'capacity', 'percent'),
        ('microsoft.apimanagement/service', 'cpupercent_gateway', 'percent'),
        ('microsoft.apimanagement/service', 'memorypercent_gateway', 'percent'),
        ('microsoft.apimanagement/service', 'networkconnectivity', 'count'),
        ('microsoft.apimanagement/service', 'connectionattempts', 'count'),
        ('microsoft.apimanagement/service', 'websocketmessages', 'count'),
        ('microsoft.apimanagement/service', 'totalrequests', 'count'),
        ('microsoft.apimanagement/service', 'successfulrequests', 'count'),
        ('microsoft.apimanagement/service', 'failedrequests', 'count'),
        ('microsoft.apimanagement/service', 'unauthorizedrequests', 'count'),
        ('microsoft.apimanagement/service', 'otherrequests', 'count'),
        ('microsoft.web/sites', 'requests', 'count'),
        ('microsoft.web/sites', 'requestsinapplicationqueue', 'count'),
        ('microsoft.web/sites', 'http101', 'count'),
        ('microsoft.web/sites', 'http2xx', 'count'),
        ('microsoft.web/sites', 'http3xx', 'count'),
        ('microsoft.web/sites', 'http401', 'count'),
        ('microsoft.web/sites', 'http403', 'count'),
        ('microsoft.web/sites', 'http404', 'count'),
        ('microsoft.web/sites', 'http406', 'count'),
        ('microsoft.web/sites', 'http4xx', 'count'),
        ('microsoft.web/sites', 'http5xx', 'count'),
        ('microsoft.web/sites', 'httpresponsetime', 'seconds'),
        ('microsoft.web/sites', 'averageresponsetime', 'seconds'),
        ('microsoft.web/sites', 'appconnections', 'count'),
        ('microsoft.web/sites', 'cputime', 'seconds'),
        ('microsoft.web/sites', 'memoryworkingset', 'bytes'),
        ('microsoft.web/sites', 'threads', 'count'),
        ('microsoft.web/sites', 'handles', 'count'),
        ('microsoft.web/serverfarms', 'socketoutboundall', 'count'),
        ('microsoft.web/serverfarms', 'socketoutboundestablished', 'count'),
        ('microsoft.web/serverfarms', 'socketoutboundtimewait', 'count'),
        ('microsoft.web/serverfarms', 'socketinboundall', 'count'),
        ('microsoft.web/serverfarms', 'socketloopback', 'count'),
        ('microsoft.web/serverfarms', 'tcpestablished', 'count'),
        ('microsoft.web/serverfarms', 'tcptimewait', 'count'),
        ('microsoft.web/serverfarms', 'tcpsynsent', 'count'),
        ('microsoft.web/serverfarms', 'tcpsynreceived', 'count'),
        ('microsoft.web/serverfarms', 'tcpclosewait', 'count'),
        ('microsoft.web/serverfarms', 'tcpfinwait1', 'count'),
        ('microsoft.web/serverfarms', 'tcpfinwait2', 'count'),
        ('microsoft.web/serverfarms', 'tcpclosing', 'count'),
        ('microsoft.web/serverfarms', 'tcplastack', 'count'),
        ('microsoft.web/serverfarms', 'cpupercentage', 'percent'),
        ('microsoft.web/serverfarms', 'memorypercentage', 'percent'),
        ('microsoft.web/serverfarms', 'httpqueuelength', 'count'),
        ('microsoft.network/azurefirewalls', 'snatportutilization', 'percent'),
        ('microsoft.network/azurefirewalls', 'firewallhealth', 'percent'),
        ('microsoft.network/azurefirewalls', 'throughput', 'bitspersecond'),
        ('microsoft.network/azurefirewalls', 'firewalllatencypng', 'milliseconds')
    ),

    told as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as started,
            nullif(lower(resourceId), '') as resource_id,
            split_part(lower(resourceId), '/providers/', -1) as of_provider,
            nullif(metricName, '') as metric,
            lower(replace(metricName, ' ', '')) as metric_key,
            nullif(upper(timeGrain), '') as span,
            nullif(lower(series.unit), 'unspecified') as told_unit,
            lower(series.protocol) as told_protocol
        from records
    ),

    placed as (
        select
            *,
            case
                when resource_id like '%/providers/%/%'
                    then split_part(of_provider, '/', 1) || '/' || split_part(of_provider, '/', 2)
            end as resource_type,
            regexp_extract(
                span,
                '^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$',
                ['days', 'hours', 'minutes', 'seconds']
            ) as parts_of_span
        from told
    ),

    measured as (
        select
            placed.*,
            nullif(
                86400 * coalesce(try_cast(placed.parts_of_span.days as double), 0)
                + 3600 * coalesce(try_cast(placed.parts_of_span.hours as double), 0)
                + 60 * coalesce(try_cast(placed.parts_of_span.minutes as double), 0)
                + coalesce(try_cast(placed.parts_of_span.seconds as double), 0),
                0
            ) as grain_s,
            -- What the record tells goes first, but for the percentages that Azure calls a count.
            case
                when known.azure_unit = 'percent' and placed.told_unit = 'count' then 'percent'
                else coalesce(placed.told_unit, known.azure_unit)
            end as azure_unit
        from placed
        left join known
            on
                placed.resource_type = known.resource_type
                and placed.metric_key = known.metric
    )

select
    cast(measured.started as date) as date,
    measured.started as time,
    measured.resource_id,
    measured.resource_type,
    measured.metric,
    measured.grain_s,
    coalesce(units.unit, measured.azure_unit) as unit,
    measured.series.dimensions as dimensions,
    lower(measured.series.connectionState) as connection_state,
    case measured.told_protocol
        when '6' then 'tcp'
        when '17' then 'udp'
        else measured.told_protocol
    end as protocol,
    lower(measured.series.frontendIp) as frontend_ip,
    lower(measured.series.backendIp) as backend_ip,
    measured.series.instance as instance,
    measured.series.region as region,
    measured.count,
    measured.total * coalesce(units.times, 1) / coalesce(units.parts, 1) as total,
    measured.minimum * coalesce(units.times, 1) / coalesce(units.parts, 1) as minimum,
    measured.maximum * coalesce(units.times, 1) / coalesce(units.parts, 1) as maximum,
    measured.average * coalesce(units.times, 1) / coalesce(units.parts, 1) as average,
    measured.blob,
    measured.position,
    measured.item,
    case
        when measured.series.error is not null
            then 'an error stands in place of values: ' || measured.series.error
        when measured.time is null then 'no time'
        when measured.started is null then 'time is not a timestamp'
        when
            measured.started < timestamp '2000-01-01' or measured.started >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when measured.resource_id is null then 'no resourceId'
        when measured.metric is null then 'no metricName'
        when measured.span is not null and measured.grain_s is null
            then 'timeGrain is no span of days, hours, minutes and seconds'
        -- A year: no grain is that long.
        when measured.grain_s > 31536000 then 'timeGrain is out of range'
        when
            coalesce(
                measured.count,
                measured.total,
                measured.minimum,
                measured.maximum,
                measured.average
            ) is null
            then 'no count, total, minimum, maximum or average'
        when measured.count not between 0 and 1e300 then 'count is out of range'
        when measured.total not between -1e300 and 1e300 then 'total is out of range'
        when measured.minimum not between -1e300 and 1e300 then 'minimum is out of range'
        when measured.maximum not between -1e300 and 1e300 then 'maximum is out of range'
        when measured.average not between -1e300 and 1e300 then 'average is out of range'
    end as refused
from measured
left join units on measured.azure_unit = units.azure_unit
