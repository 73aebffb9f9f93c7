-- name: apim_gateway_logs
-- about: Which request does each API Management gateway log record tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day on which the request started
-- returns: time TIMESTAMP - moment the gateway started the request
-- returns: resource_id VARCHAR - gateway's resource id, in lower case
-- returns: region VARCHAR - region of the gateway that served it
-- returns: instance VARCHAR - not told by these records
-- returns: correlation_id VARCHAR - id which the gateway gave the request
-- returns: caller_ip VARCHAR - address of the immediate caller
-- returns: subscription VARCHAR - subscription of the caller
-- returns: api VARCHAR - id of the API
-- returns: api_revision VARCHAR - revision of the API
-- returns: operation VARCHAR - id of the operation
-- returns: product VARCHAR - id of the product
-- returns: method VARCHAR - HTTP method the caller used
-- returns: url VARCHAR - URL the caller asked for, without its query
-- returns: protocol VARCHAR - protocol between caller and gateway
-- returns: status INTEGER - HTTP status sent to the caller
-- returns: success BOOLEAN - whether the gateway calls it a success
-- returns: total_ms BIGINT - from request received to response fully sent
-- returns: client_ms BIGINT - input and output with the caller
-- returns: cache VARCHAR - none, hit or miss
-- returns: cache_ms BIGINT - input and output with the cache
-- returns: request_bytes BIGINT - received from the caller
-- returns: response_bytes BIGINT - sent to the caller
-- returns: backend VARCHAR - id of the backend entity
-- returns: backend_method VARCHAR - HTTP method towards the backend
-- returns: backend_url VARCHAR - URL towards the backend, without its query
-- returns: backend_protocol VARCHAR - protocol between gateway and backend
-- returns: backend_host VARCHAR - host in backend_url, in lower case
-- returns: backend_port INTEGER - port in backend_url, or its scheme's
-- returns: backend_status INTEGER - HTTP status that the backend answered
-- returns: backend_ms BIGINT - all input and output with the backend
-- returns: error_source VARCHAR - policy or step that failed last
-- returns: error_section VARCHAR - policy section that failed last
-- returns: error_reason VARCHAR - the last error's machine code
-- returns: error_message VARCHAR - the last error's text
-- returns: error_elapsed_ms BIGINT - from request start to the last error
-- returns: error_ip VARCHAR - address that the error's text names last
-- returns: error_port INTEGER - port that goes with that address
-- returns: errors INTEGER - errors recorded, retries among them
-- returns: weight DOUBLE - requests the row stands for
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in that record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    looked_at as (
        select
            *,
            -- Mostly a URL is of this kind, and one look tells its host.
            nullif(
                regexp_extract(properties.backendUrl, '^https://([a-z0-9.-]+)(?:/|$)', 1), ''
            ) as usual_host,
            -- To look for a # is sooner done than to cut there.
            case
                when properties.url like '%#%' then split_part(properties.url, '#', 1)
                else properties.url
            end as url,
            case
                when properties.backendUrl like '%#%' then split_part(properties.backendUrl, '#', 1)
                else properties.backendUrl
            end as backend_url
        from records
    ),

    addressed as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as started,
            case
                when usual_host is null then lower(split_part(backend_url, ':', 1))
            end as scheme,
            case
                when usual_host is null
                    then split_part(
                        split_part(split_part(backend_url, '/', 3), '?', 1), '@', -1
                    )
            end as authority,
            properties.lastError.message as message
        from looked_at
    ),

    placed as (
        select
            *,
            case
                when usual_host is not null then usual_host
                when authority like '[%' then lower(split_part(authority, ']', 1) || ']')
                else lower(split_part(authority, ':', 1))
            end as host,
            case
                when usual_host is not null then null
                when authority like '[%' then split_part(split_part(authority, ']', 2), ':', 2)
                else split_part(authority, ':', 2)
            end as stated_port,
            -- The last address in the text: the one that the connect went to.
            case
                when message is not null
                    then regexp_extract(
                        message,
                        '(?s)^(?:.*[^\d.])?((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:]+\]):(\d+)',
                        ['ip', 'port']
                    )
            end as named
        from addressed
    )

select
    cast(started as date) as date,
    started as time,
    -- Empty where a spelling of these records cannot know it.
    lower(nullif(resourceId, '')) as resource_id,
    location as region,
    cast(null as varchar) as instance,
    correlationId as correlation_id,
    callerIpAddress as caller_ip,
    coalesce(properties.apimSubscriptionId, properties.subscriptionId) as subscription,
    properties.apiId as api,
    properties.apiRevision as api_revision,
    properties.operationId as operation,
    properties.productId as product,
    properties.method as method,
    nullif(split_part(url, '?', 1), '') as url,
    properties.clientProtocol as protocol,
    properties.responseCode as status,
    isRequestSuccess as success,
    durationMs as total_ms,
    properties.clientTime as client_ms,
    properties.cache as cache,
    properties.cacheTime as cache_ms,
    properties.requestSize as request_bytes,
    properties.responseSize as response_bytes,
    properties.backendId as backend,
    properties.backendMethod as backend_method,
    nullif(split_part(backend_url, '?', 1), '') as backend_url,
    properties.backendProtocol as backend_protocol,
    nullif(host, '') as backend_host,
    cast(
        case
            when usual_host is not null then 443
            when stated_port = '' and scheme in ('https', 'wss') then 443
            when stated_port = '' and scheme in ('http', 'ws') then 80
            when try_cast(stated_port as integer) between 1 and 65535
                then try_cast(stated_port as integer)
        end as integer
    ) as backend_port,
    properties.backendResponseCode as backend_status,
    properties.backendTime as backend_ms,
    properties.lastError.source as error_source,
    properties.lastError.section as error_section,
    properties.lastError.reason as error_reason,
    message as error_message,
    properties.lastError.elapsed as error_elapsed_ms,
    lower(nullif(named.ip, '')) as error_ip,
    case
        when try_cast(named.port as integer) between 1 and 65535
            then try_cast(named.port as integer)
    end as error_port,
    cast(coalesce(len(properties.errors), 0) as integer) as errors,
    cast(1 as double) as weight,
    blob,
    position,
    item,
    case
        when category is null then 'no category'
        when category <> 'GatewayLogs' then 'category is not GatewayLogs'
        when properties is null then 'no properties'
        when time is null then 'no time'
        when started is null then 'time is not a timestamp'
        when started < timestamp '2000-01-01' or started >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when resourceId is null then 'no resourceId'
        -- A record in another spelling would be one of nulls.
        when properties.method is null and properties.responseCode is null
            then 'neither method nor responseCode'
        -- 2^31 - 1: beyond that many ms, in three weeks, no request ends.
        when durationMs not between 0 and 2147483647 then 'durationMs is out of range'
        when properties.backendTime not between 0 and 2147483647
            then 'backendTime is out of range'
    end as refused
from placed
