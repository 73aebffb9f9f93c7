-- name: app_dependencies
-- about: Which call does each dependency record of an app tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day on which the call started
-- returns: time TIMESTAMP - moment the call started
-- returns: resource_id VARCHAR - Application Insights resource, in lower case
-- returns: region VARCHAR - not told by these records
-- returns: instance VARCHAR - instance of the app that called
-- returns: correlation_id VARCHAR - id of the operation that it was part of
-- returns: caller_ip VARCHAR - not told by these records
-- returns: subscription VARCHAR - not told by these records
-- returns: api VARCHAR - name of the app that called
-- returns: api_revision VARCHAR - not told by these records
-- returns: operation VARCHAR - operation that it was part of, else the call's name
-- returns: product VARCHAR - not told by these records
-- returns: method VARCHAR - not told by these records
-- returns: url VARCHAR - not told by these records
-- returns: protocol VARCHAR - not told by these records
-- returns: status INTEGER - not told by these records
-- returns: success BOOLEAN - whether the app calls it a success
-- returns: total_ms BIGINT - not told by these records
-- returns: client_ms BIGINT - not told by these records
-- returns: cache VARCHAR - not told by these records
-- returns: cache_ms BIGINT - not told by these records
-- returns: request_bytes BIGINT - not told by these records
-- returns: response_bytes BIGINT - not told by these records
-- returns: backend VARCHAR - not told by these records
-- returns: backend_method VARCHAR - not told by these records
-- returns: backend_url VARCHAR - URL called, without its query; null if none is told
-- returns: backend_protocol VARCHAR - not told by these records
-- returns: backend_host VARCHAR - host called, in lower case
-- returns: backend_port INTEGER - port told with it, or the scheme's
-- returns: backend_status INTEGER - HTTP status that the backend answered
-- returns: backend_ms BIGINT - whole duration of the call
-- returns: error_source VARCHAR - not told by these records
-- returns: error_section VARCHAR - not told by these records
-- returns: error_reason VARCHAR - what stands instead of a status; a failed call's code
-- returns: error_message VARCHAR - not told by these records
-- returns: error_elapsed_ms BIGINT - not told by these records
-- returns: error_ip VARCHAR - not told by these records
-- returns: error_port INTEGER - not told by these records
-- returns: errors INTEGER - not told by these records
-- returns: weight DOUBLE - calls the row stands for
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
            end as started,
            nullif(trim(ResultCode), '') as code,
            -- Anything else there may be a statement or a message, and is not read.
            case
                when regexp_matches(Data, '^[A-Za-z][A-Za-z0-9+.-]*://[^/]') then Data
                when regexp_matches(Target, '^[A-Za-z][A-Za-z0-9+.-]*://[^/]') then Target
            end as called,
            -- tcp:host,port | name, or less of it.
            regexp_extract(
                Target,
                '^(?:tcp:)?([\w.-]+|\[[0-9A-Fa-f:.]+\])(?:[:,](\d{1,5}))?(?:/.*|\s*\|.*)?$',
                ['host', 'port']
            ) as aimed
        from records
    ),

    addressed as (
        select
            *,
            lower(split_part(called, ':', 1)) as scheme,
            split_part(
                split_part(split_part(split_part(called, '/', 3), '?', 1), '#', 1),
                '@',
                -1
            ) as authority,
            -- A database's codes are numbers too.
            case
                when lower(DependencyType) like 'sql%' then null
                when try_cast(code as integer) between 100 and 599 then try_cast(code as integer)
            end as answered
        from told
    ),

    placed as (
        select
            *,
            lower(
                case
                    when authority is null then aimed.host
                    when authority like '[%' then split_part(authority, ']', 1) || ']'
                    else split_part(authority, ':', 1)
                end
            ) as host,
            case
                when authority is null then aimed.port
                when authority like '[%' then split_part(split_part(authority, ']', 2), ':', 2)
                else split_part(authority, ':', 2)
            end as stated_port
        from addressed
    )

select
    cast(started as date) as date,
    started as time,
    lower(nullif(resourceId, '')) as resource_id,
    cast(null as varchar) as region,
    nullif(AppRoleInstance, '') as instance,
    nullif(OperationId, '') as correlation_id,
    cast(null as varchar) as caller_ip,
    cast(null as varchar) as subscription,
    nullif(AppRoleName, '') as api,
    cast(null as varchar) as api_revision,
    coalesce(nullif(OperationName, ''), nullif(Name, '')) as operation,
    cast(null as varchar) as product,
    cast(null as varchar) as method,
    cast(null as varchar) as url,
    cast(null as varchar) as protocol,
    cast(null as integer) as status,
    Success as success,
    cast(null as bigint) as total_ms,
    cast(null as bigint) as client_ms,
    cast(null as varchar) as cache,
    cast(null as bigint) as cache_ms,
    cast(null as bigint) as request_bytes,
    cast(null as bigint) as response_bytes,
    cast(null as varchar) as backend,
    cast(null as varchar) as backend_method,
    split_part(split_part(called, '?', 1), '#', 1) as backend_url,
    cast(null as varchar) as backend_protocol,
    nullif(host, '') as backend_host,
    cast(
        case
            when stated_port = '' and scheme in ('https', 'wss') then 443
            when stated_port = '' and scheme in ('http', 'ws') then 80
            when try_cast(stated_port as integer) between 1 and 65535
                then try_cast(stated_port as integer)
        end as integer
    ) as backend_port,
    answered as backend_status,
    try_cast(floor(DurationMs) as bigint) as backend_ms,
    cast(null as varchar) as error_source,
    cast(null as varchar) as error_section,
    case
        when code is not null and try_cast(code as double) is null then code
        when not Success and answered is null then code
    end as error_reason,
    cast(null as varchar) as error_message,
    cast(null as bigint) as error_elapsed_ms,
    cast(null as varchar) as error_ip,
    cast(null as integer) as error_port,
    cast(null as integer) as errors,
    cast(coalesce(ItemCount, 1) as double) as weight,
    blob,
    position,
    item,
    case
        when time is null then 'no time'
        when started is null then 'time is not a timestamp'
        when started < timestamp '2000-01-01' or started >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when resourceId is null then 'no resourceId'
        -- 2^31 - 1: beyond that many ms, in three weeks, no call ends.
        when not (DurationMs >= 0 and DurationMs < 2147483648) then 'DurationMs is out of range'
        when ItemCount < 1 then 'ItemCount is less than 1'
        when
            DurationMs is null and code is null and Success is null and called is null
            and coalesce(aimed.host, '') = ''
            then 'neither DurationMs nor ResultCode nor Success nor Target'
    end as refused
from placed
