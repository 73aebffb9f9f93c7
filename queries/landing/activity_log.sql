-- name: activity_log
-- about: What does each event of the activity log say was changed, and how did it end?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day of the event
-- returns: time TIMESTAMP - moment of the event
-- returns: resource_id VARCHAR - resource it is about, in lower case
-- returns: target_id VARCHAR - resource that autoscale scales, in lower case
-- returns: category VARCHAR - kind of event
-- returns: operation VARCHAR - what was done, in lower case
-- returns: status VARCHAR - started, accepted, succeeded, failed, else as told
-- returns: sub_status VARCHAR - mostly a status of HTTP, as told
-- returns: correlation_id VARCHAR - what the events of one change share
-- returns: caller_kind VARCHAR - user, application or service
-- returns: caller VARCHAR - name of the service, or id of the application
-- returns: level VARCHAR - how grave it is
-- returns: duration_ms BIGINT - how long it took
-- returns: description VARCHAR - what the event says
-- returns: old_value VARCHAR - instances or health status before
-- returns: new_value VARCHAR - the same after
-- returns: cause VARCHAR - of a health status
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in the record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    named as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as moment,
            coalesce(nullif(properties.eventCategory, ''), category) as kind,
            properties.eventProperties as deeper,
            lower(resultType) as result,
            -- Names of services look so; addresses and ids of people do not.
            nullif(
                regexp_extract(
                    identity.claims."http://schemas.xmlsoap.org/ws/2005/05/identity/claims/spn",
                    '^[A-Za-z0-9]+\.[A-Za-z0-9.]+/[A-Za-z0-9./]+$'
                ),
                ''
            ) as service,
            nullif(
                regexp_extract(
                    lower(identity.claims.appid),
                    '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                ),
                ''
            ) as application,
            lower(identity.claims.idtyp) as token,
            lower(identity.authorization.evidence.principalType) as principal,
            identity.claims."http://schemas.microsoft.com/identity/claims/scope" as scope
        from records
    )

select
    cast(moment as date) as date,
    moment as time,
    lower(nullif(resourceId, '')) as resource_id,
    lower(coalesce(properties.ResourceName, deeper.ResourceName)) as target_id,
    case when lower(kind) in ('write', 'delete', 'action') then 'Administrative' else kind end
        as category,
    lower(operationName) as operation,
    case result
        when 'start' then 'started'
        when 'accept' then 'accepted'
        when 'success' then 'succeeded'
        when 'failure' then 'failed'
        else nullif(result, '')
    end as status,
    nullif(resultSignature, '') as sub_status,
    nullif(correlationId, '') as correlation_id,
    case
        when service is not null then 'service'
        when token = 'user' or principal = 'user' or scope like '%user_impersonation%' then 'user'
        when token like 'app%' or principal = 'serviceprincipal' then 'application'
    end as caller_kind,
    coalesce(service, application) as caller,
    case
        when lower(level) = 'information' then 'informational'
        when try_cast(level as integer) is null then lower(nullif(level, ''))
    end as level,
    nullif(durationMs, 0) as duration_ms,
    coalesce(
        nullif(resultDescription, ''),
        nullif(concat_ws(': ', nullif(properties.title, ''), nullif(properties.details, '')), ''),
        nullif(concat_ws(': ', nullif(deeper.title, ''), nullif(deeper.details, '')), ''),
        nullif(properties.Description, ''),
        nullif(deeper.Description, ''),
        nullif(properties.statusMessage, ''),
        nullif(properties.message, '')
    ) as description,
    coalesce(
        properties.OldInstancesCount,
        deeper.OldInstancesCount,
        properties.previousHealthStatus,
        deeper.previousHealthStatus
    ) as old_value,
    coalesce(
        properties.NewInstancesCount,
        deeper.NewInstancesCount,
        properties.currentHealthStatus,
        deeper.currentHealthStatus,
        properties.healthStatus,
        deeper.healthStatus
    ) as new_value,
    coalesce(
        properties.cause, deeper.cause, properties.healthEventCause, deeper.healthEventCause
    ) as cause,
    blob,
    position,
    item,
    case
        when time is null then 'no time'
        when moment is null then 'time is not a timestamp'
        when moment < timestamp '2000-01-01' or moment >= timestamp '2100-01-01'
            then 'time is not between 2000 and 2100'
        when nullif(operationName, '') is null then 'no operationName'
        -- 2^31 - 1 ms are three weeks.
        when durationMs not between 0 and 2147483647 then 'durationMs is out of range'
    end as refused
from named
