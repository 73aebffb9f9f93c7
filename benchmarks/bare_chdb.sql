-- The same as bare.sql in ClickHouse's words.
insert into function file($output, Parquet)
select
    toDate(moment) as date,
    moment as time,
    lower(resourceId) as resource_id,
    location as region,
    cast(null as Nullable(String)) as instance,
    correlationId as correlation_id,
    callerIpAddress as caller_ip,
    properties.apimSubscriptionId as subscription,
    properties.apiId as api,
    properties.apiRevision as api_revision,
    properties.operationId as operation,
    properties.productId as product,
    properties.method as method,
    substringIndex(properties.url, '?', 1) as url,
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
    substringIndex(properties.backendUrl, '?', 1) as backend_url,
    properties.backendProtocol as backend_protocol,
    splitByChar('/', ifNull(properties.backendUrl, ''))[3] as backend_host,
    cast(443 as Int32) as backend_port,
    properties.backendResponseCode as backend_status,
    properties.backendTime as backend_ms,
    properties.lastError.source as error_source,
    properties.lastError.section as error_section,
    properties.lastError.reason as error_reason,
    properties.lastError.message as error_message,
    properties.lastError.elapsed as error_elapsed_ms,
    cast(null as Nullable(String)) as error_ip,
    cast(null as Nullable(Int32)) as error_port,
    length(properties.errors) as errors,
    1.0 as weight,
    _path as blob,
    rowNumberInAllBlocks() as position,
    cast(1 as Int64) as item
from
    (
        select *, parseDateTime64BestEffort(time, 6, 'UTC') as moment, _path
        from file($blobs, JSONEachRow, $columns)
    )
order by moment
settings
    max_threads = $threads, use_hive_partitioning = 0, output_format_parquet_compression_method = 'zstd'
