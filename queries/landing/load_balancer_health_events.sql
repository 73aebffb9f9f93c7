-- name: load_balancer_health_events
-- about: Which frontend or backend does each health event of a load balancer tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day of the event
-- returns: time TIMESTAMP - moment at which the load balancer saw it
-- returns: resource_id VARCHAR - load balancer, in lower case
-- returns: event VARCHAR - what is the matter
-- returns: severity VARCHAR - critical or warning
-- returns: description VARCHAR - what the event says
-- returns: frontend_ip VARCHAR - frontend whose ports they are
-- returns: backend_ip VARCHAR - backend that the description names
-- returns: instance VARCHAR - null, for backends are told by address
-- returns: protocol VARCHAR - null, for it is not told
-- returns: value DOUBLE - null, for it is not told
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in the record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    timed as (
        select
            *,
            -- A cast to timestamp would pass over an offset such as +02:00.
            case
                when time like '%Z' then try_cast(time as timestamp)
                else cast(try_cast(time as timestamptz) as timestamp)
            end as moment
        from records
    )

select
    cast(moment as date) as date,
    moment as time,
    lower(nullif(resourceId, '')) as resource_id,
    -- An abbreviation within would be torn apart by the general rule.
    case lower(healthEventType)
        when 'snatportexhaustion' then 'snat_port_exhaustion'
        when 'highsnatportusage' then 'high_snat_port_usage'
        else lower(regexp_replace(healthEventType, '([a-z0-9])([A-Z])', '\1_\2', 'g'))
    end as event,
    lower(nullif(severity, '')) as severity,
    nullif(description, '') as description,
    -- Both addresses end at a blank or at the end of a sentence.
    lower(
        coalesce(
            nullif(frontendIp, ''),
            nullif(
                regexp_extract(
                    description,
                    '(?i)frontend ip(?:s [^\d:]{1,60} is)? '
                    || '((?:\d{1,3}\.){3}\d{1,3}|[\da-f]*:[\da-f:]+)',
                    1
                ),
                ''
            )
        )
    ) as frontend_ip,
    lower(
        nullif(
            regexp_extract(
                description,
                '(?i)backend ip ((?:\d{1,3}\.){3}\d{1,3}|[\da-f]*:[\da-f:]+)',
                1
            ),
            ''
        )
    ) as backend_ip,
    cast(null as varchar) as instance,
    cast(null as varchar) as protocol,
    cast(null as double) as value,
    blob,
    position,
    item,
    case
        when time is null then 'no TimeGenerated'
        when moment is null then 'TimeGenerated is not a timestamp'
        when moment < timestamp '2000-01-01' or moment >= timestamp '2100-01-01'
            then 'TimeGenerated is not between 2000 and 2100'
        when nullif(healthEventType, '') is null then 'no HealthEventType'
        when not regexp_matches(nullif(frontendIp, ''), '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'FrontendIP is not an address'
    end as refused
from timed
