-- name: application_gateway_access_logs
-- about: Which request does each Application Gateway access log record tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day on which the request started
-- returns: time TIMESTAMP - moment it started: its end less timeTaken
-- returns: resource_id VARCHAR - gateway's resource id, in lower case; null if not told
-- returns: region VARCHAR - not told by these records
-- returns: instance VARCHAR - instance of the gateway that served it
-- returns: correlation_id VARCHAR - id which the gateway gave the request
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - not told by these records
-- returns: api VARCHAR - not told by these records
-- returns: api_revision VARCHAR - not told by these records
-- returns: operation VARCHAR - not told by these records
-- returns: product VARCHAR - not told by these records
-- returns: method VARCHAR - HTTP method the caller used
-- returns: url VARCHAR - URL asked for, without its query; as much of it as is told
-- returns: protocol VARCHAR - protocol between caller and gateway
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: success BOOLEAN - not told by these records
-- returns: total_ms BIGINT - from request received to response fully sent
-- returns: client_ms BIGINT - not told by these records
-- returns: cache VARCHAR - not told by these records
-- returns: cache_ms BIGINT - not told by these records
-- returns: request_bytes BIGINT - received from the caller
-- returns: response_bytes BIGINT - sent to the caller
-- returns: backend VARCHAR - name of the backend pool
-- returns: backend_method VARCHAR - not told by these records
-- returns: backend_url VARCHAR - not told by these records
-- returns: backend_protocol VARCHAR - not told by these records
-- returns: backend_host VARCHAR - server called last, in lower case
-- returns: backend_port INTEGER - port called last
-- returns: backend_status INTEGER - HTTP status that this server answered
-- returns: backend_ms BIGINT - latency of its response
-- returns: error_source VARCHAR - not told by these records
-- returns: error_section VARCHAR - not told by these records
-- returns: error_reason VARCHAR - error that the gateway names
-- returns: error_message VARCHAR - not told by these records
-- returns: error_elapsed_ms BIGINT - not told by these records
-- returns: error_ip VARCHAR - not told by these records
-- returns: error_port INTEGER - not told by these records
-- returns: errors INTEGER - not told by these records
-- returns: weight DOUBLE - requests the row stands for
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in that record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    spelled as (
        select
            *,
            coalesce(time, timestamp) as moment,
            -- Version 1 counts ms; only version 2, which counts seconds, has the other fields.
            case
                when
                    properties.clientResponseTime is not null
                    or properties.transactionId is not null
                    or properties.timeTaken <> floor(properties.timeTaken)
                    then properties.timeTaken * 1000
                else properties.timeTaken
            end as taken_ms,
            case when properties.httpMethod not in ('', '-') then properties.httpMethod end
                as method,
            case when properties.clientIP not in ('', '-') then properties.clientIP end as caller,
            coalesce(
                case when properties.originalHost not in ('', '-') then properties.originalHost end,
                case when properties.host not in ('', '-') then properties.host end
            ) as host,
            coalesce(
                case
                    when
                        properties.originalRequestUriWithArgs not in ('', '-')
                        then properties.originalRequestUriWithArgs
                end,
                case when properties.requestUri not in ('', '-') then properties.requestUri end
            ) as path,
            -- Of several servers that were tried, the last.
            trim(split_part(nullif(properties.serverRouted, ''), ',', -1)) as routed,
            -- What version 1 says of them it adds to the query, of which nothing else is read.
            regexp_extract(
                properties.requestQuery,
                '(?:^|&)SERVER-ROUTED=([^&]*)',
                1
            ) as routed_v1,
            regexp_extract(
                properties.requestQuery,
                '(?:^|&)SERVER-STATUS=([0-9]{3})(?:&|$)',
                1
            ) as status_v1,
            regexp_extract(
                properties.requestQuery,
                '(?:^|&)X-AzureApplicationGateway-LOG-ID=([0-9a-fA-F-]{36})(?:&|$)',
                1
            ) as log_id,
            try_cast(trim(split_part(properties.serverStatus, ',', -1)) as integer)
                as server_status,
            try_cast(
                trim(split_part(properties.serverResponseLatency, ',', -1)) as double
            ) as latency_s
        from records
    ),

    told as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when moment like '%Z' then try_cast(moment as timestamp)
                else cast(try_cast(moment as timestamptz) as timestamp)
            end as ended,
            coalesce(routed, nullif(routed_v1, '')) as server,
            nullif(split_part(split_part(path, '?', 1), '#', 1), '') as stem
        from spelled
    ),

    timed as (
        select
            *,
            case
                when taken_ms is null then ended
                when taken_ms >= 0 and taken_ms < 2147483648
                    then ended - cast(round(taken_ms) as bigint) * interval '0.001' second
            end as started,
            lower(
                case
                    when server like '[%' then split_part(server, ']', 1) || ']'
                    else split_part(server, ':', 1)
                end
            ) as server_host,
            case
                when server like '[%' then split_part(split_part(server, ']', 2), ':', 2)
                else split_part(server, ':', 2)
            end as server_port
        from told
    )

select
    cast(started as date) as date,
    started as time,
    lower(nullif(resourceId, '')) as resource_id,
    cast(null as varchar) as region,
    nullif(properties.instanceId, '') as instance,
    coalesce(nullif(properties.transactionId, ''), nullif(log_id, '')) as correlation_id,
    caller as caller_ip,
    cast(null as varchar) as subscription,
    cast(null as varchar) as api,
    cast(null as varchar) as api_revision,
    cast(null as varchar) as operation,
    cast(null as varchar) as product,
    method,
    case
        when host is null or stem like '%://%' then stem
        else
            case lower(properties.sslEnabled)
                when 'on' then 'https://' when 'off' then 'http://' else ''
            end
            || host
            || coalesce(stem, '')
    end as url,
    nullif(properties.httpVersion, '') as protocol,
    properties.httpStatus as status,
    cast(null as boolean) as success,
    try_cast(round(taken_ms) as bigint) as total_ms,
    cast(null as bigint) as client_ms,
    cast(null as varchar) as cache,
    cast(null as bigint) as cache_ms,
    properties.receivedBytes as request_bytes,
    properties.sentBytes as response_bytes,
    nullif(backendPoolName, '') as backend,
    cast(null as varchar) as backend_method,
    cast(null as varchar) as backend_url,
    cast(null as varchar) as backend_protocol,
    nullif(server_host, '') as backend_host,
    case
        when try_cast(server_port as integer) between 1 and 65535
            then try_cast(server_port as integer)
    end as backend_port,
    coalesce(
        case when server_status between 100 and 999 then server_status end,
        try_cast(status_v1 as integer)
    ) as backend_status,
    try_cast(round(latency_s * 1000) as bigint) as backend_ms,
    cast(null as varchar) as error_source,
    cast(null as varchar) as error_section,
    case
        when properties.error_info not in ('', '-', 'ERRORINFO_NO_ERROR') then properties.error_info
    end as error_reason,
    cast(null as varchar) as error_message,
    cast(null as bigint) as error_elapsed_ms,
    cast(null as varchar) as error_ip,
    cast(null as integer) as error_port,
    cast(null as integer) as errors,
    cast(1 as double) as weight,
    blob,
    position,
    item,
    case
        when category is null then 'no category'
        when category <> 'ApplicationGatewayAccessLog'
            then 'category is not ApplicationGatewayAccessLog'
        when properties is null then 'no properties'
        when moment is null then 'no time'
        when ended is null then 'time is not a timestamp'
        -- 2^31 - 1: beyond that many ms, in three weeks, no request ends.
        when not (taken_ms >= 0 and taken_ms < 2147483648) then 'timeTaken is out of range'
        when started < timestamp '2000-01-01' or ended >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when resourceId is null then 'no resourceId'
        when method is null and properties.httpStatus is null
            then 'neither httpMethod nor httpStatus'
        when properties.httpStatus not between 0 and 999 then 'httpStatus is out of range'
        when properties.receivedBytes < 0 then 'receivedBytes is out of range'
        when properties.sentBytes < 0 then 'sentBytes is out of range'
        when not (latency_s >= 0 and latency_s < 2147483)
            then 'serverResponseLatency is out of range'
    end as refused
from timed
