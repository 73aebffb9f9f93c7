-- name: request_kinds
-- about: Where did the backend call of each kind of request go, and how did it end?
-- source: calls
-- grain: kind
-- returns: kind BIGINT - the kind's number: the position of the request that stands for it
-- returns: resource_id VARCHAR - resource that logged the requests
-- returns: instance VARCHAR - instance of it that made the calls; null where not told
-- returns: api VARCHAR - id of the API; null where not told
-- returns: caller VARCHAR - subscription of the caller, else its address
-- returns: called VARCHAR - host or address called, as the records name it; null where none was
-- returns: port INTEGER - port called; null where not told
-- returns: host VARCHAR - host called; null where only an address is told
-- returns: ending VARCHAR - answered, shared, reset, refused, unanswered or other; null: no call
-- returns: result VARCHAR - timed (ok, with BackendTime), starved (no connection), failed or other
-- returns: weight DOUBLE - requests that each one stands for
with
    told as (
        select
            *,
            -- What found no address, or no free port of its own machine, asked for none outside.
            called is not null and coalesce(fault, '') not in ('dns', 'local_ports') as asked,
            coalesce(fault, '') in ('connect_timeout', 'connect_failed') as unconnected
        from calls
    )

select
    position as kind,
    gateway as resource_id,
    instance,
    api,
    coalesce(subscription, caller_ip) as caller,
    called,
    port,
    host,
    case
        when not asked then null
        when connected then 'answered'
        when backend_status is not null then 'shared'
        when fault = 'refused' then 'refused'
        when fault = 'reset' then 'reset'
        when unconnected then 'unanswered'
        else 'other'
    end as ending,
    case
        when outcome = 'failed' and unconnected then 'starved'
        when outcome = 'failed' then 'failed'
        when outcome = 'ok' and asked and backend_ms is not null then 'timed'
        else 'other'
    end as result,
    weight
from told
