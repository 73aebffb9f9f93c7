-- name: app_service_http_logs
-- about: Which request does each App Service HTTP log record tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day on which the request started
-- returns: time TIMESTAMP - moment the request started: its end less TimeTaken
-- returns: resource_id VARCHAR - app's resource id, in lower case; null if not told
-- returns: region VARCHAR - not told by these records
-- returns: instance VARCHAR - worker that served it
-- returns: correlation_id VARCHAR - id which the front end gave the request
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - not told by these records
-- returns: api VARCHAR - not told by these records
-- returns: api_revision VARCHAR - not told by these records
-- returns: operation VARCHAR - not told by these records
-- returns: product VARCHAR - not told by these records
-- returns: method VARCHAR - HTTP method the caller used
-- returns: url VARCHAR - URL asked for, without its query; as much of it as is told
-- returns: protocol VARCHAR - protocol between caller and app
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: success BOOLEAN - whether the app calls it a success
-- returns: total_ms BIGINT - from request received to response sent
-- returns: client_ms BIGINT - not told by these records
-- returns: cache VARCHAR - not told by these records
-- returns: cache_ms BIGINT - not told by these records
-- returns: request_bytes BIGINT - received from the caller
-- returns: response_bytes BIGINT - sent to the caller
-- returns: backend VARCHAR - not told by these records
-- returns: backend_method VARCHAR - not told by these records
-- returns: backend_url VARCHAR - not told by these records
-- returns: backend_protocol VARCHAR - not told by these records
-- returns: backend_host VARCHAR - not told by these records
-- returns: backend_port INTEGER - not told by these records
-- returns: backend_status INTEGER - not told by these records
-- returns: backend_ms BIGINT - not told by these records
-- returns: error_source VARCHAR - not told by these records
-- returns: error_section VARCHAR - not told by these records
-- returns: error_reason VARCHAR - not told by these records
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
    told as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as ended,
            -- What stands where there is no value.
            case when properties.CsHost not in ('', '-', '--') then properties.CsHost end as host,
            case when properties.CIp not in ('', '-', '--') then properties.CIp end as caller,
            case when properties.CsUriStem not in ('', '-', '--') then properties.CsUriStem end
                as stem,
            case when properties.CsMethod not in ('', '-', '--') then properties.CsMethod end
                as method,
            case
                when properties.ComputerName not in ('', '-', '--') then properties.ComputerName
            end as worker,
            case when properties.Protocol not in ('', '-', '--') then properties.Protocol end
                as protocol,
            lower(properties.Result) as outcome,
            -- The only part of the query that the front end puts there, and the only one read.
            regexp_extract(
                properties.CsUriQuery,
                '(?:^|&)X-ARR-LOG-ID=([0-9a-fA-F-]{36})(?:&|$)',
                1
            ) as log_id
        from records
    ),

    timed as (
        select
            *,
            case
                when properties.TimeTaken is null then ended
                when properties.TimeTaken between 0 and 2147483647
                    then ended - properties.TimeTaken * interval '0.001' second
            end as started
        from told
    )

select
    cast(started as date) as date,
    started as time,
    lower(nullif(resourceId, '')) as resource_id,
    cast(null as varchar) as region,
    worker as instance,
    nullif(log_id, '') as correlation_id,
    caller as caller_ip,
    cast(null as varchar) as subscription,
    cast(null as varchar) as api,
    cast(null as varchar) as api_revision,
    cast(null as varchar) as operation,
    cast(null as varchar) as product,
    method,
    case
        when host is null then split_part(split_part(stem, '?', 1), '#', 1)
        else
            case properties.SPort when 443 then 'https://' when 80 then 'http://' else '' end
            || host
            || coalesce(split_part(split_part(stem, '?', 1), '#', 1), '')
    end as url,
    protocol,
    properties.ScStatus as status,
    case
        when outcome = 'success' then true
        when outcome like 'fail%' or outcome like 'error%' then false
    end as success,
    properties.TimeTaken as total_ms,
    cast(null as bigint) as client_ms,
    cast(null as varchar) as cache,
    cast(null as bigint) as cache_ms,
    properties.CsBytes as request_bytes,
    properties.ScBytes as response_bytes,
    cast(null as varchar) as backend,
    cast(null as varchar) as backend_method,
    cast(null as varchar) as backend_url,
    cast(null as varchar) as backend_protocol,
    cast(null as varchar) as backend_host,
    cast(null as integer) as backend_port,
    cast(null as integer) as backend_status,
    cast(null as bigint) as backend_ms,
    cast(null as varchar) as error_source,
    cast(null as varchar) as error_section,
    cast(null as varchar) as error_reason,
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
        when category <> 'AppServiceHTTPLogs' then 'category is not AppServiceHTTPLogs'
        when properties is null then 'no properties'
        when time is null then 'no time'
        when ended is null then 'time is not a timestamp'
        -- 2^31 - 1: beyond that many ms, in three weeks, no request ends.
        when properties.TimeTaken not between 0 and 2147483647 then 'TimeTaken is out of range'
        when started < timestamp '2000-01-01' or ended >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when resourceId is null then 'no resourceId'
        when method is null and properties.ScStatus is null then 'neither CsMethod nor ScStatus'
        when properties.ScStatus not between 0 and 999 then 'ScStatus is out of range'
        when properties.CsBytes < 0 then 'CsBytes is out of range'
        when properties.ScBytes < 0 then 'ScBytes is out of range'
    end as refused
from timed
