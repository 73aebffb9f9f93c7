-- name: requests_by_minute
-- about: How many requests came in each minute, and how did they end?
-- source: calls
-- grain: gateway, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: gateway VARCHAR - resource that logged them; each is a place by itself
-- returns: minute TIMESTAMP - start of the minute
-- returns: requests DOUBLE - requests started, those included whose end is not known
-- returns: failed DOUBLE - of these, ended badly for a reason on this side of the caller
-- returns: rejected DOUBLE - of these, turned away by the backend with 401, 403 or 429
-- returns: aborted DOUBLE - of these, given up by the caller
-- returns: callers BIGINT - distinct caller addresses
-- returns: sampled BIGINT - records that stand for more than one request
-- returns: first_failure TIMESTAMP - start of the first that failed or was rejected
-- returns: last_failure_end TIMESTAMP - end of the last of these to end
-- returns: first_abort TIMESTAMP - start of the first that its caller gave up
-- returns: last_abort_end TIMESTAMP - end of the last of these to end
select
    gateway,
    minute,
    sum(weight) as requests,
    sum(case when outcome = 'failed' then weight else 0 end) as failed,
    sum(case when outcome = 'rejected' then weight else 0 end) as rejected,
    sum(case when outcome = 'aborted' then weight else 0 end) as aborted,
    count(distinct caller_ip) as callers,
    sum(case when weight > 1 then 1 else 0 end) as sampled,
    min(case when outcome in ('failed', 'rejected') then time end) as first_failure,
    max(case when outcome in ('failed', 'rejected') then ended end) as last_failure_end,
    min(case when outcome = 'aborted' then time end) as first_abort,
    max(case when outcome = 'aborted' then ended end) as last_abort_end
from calls
where
    time >= $start
    and time < $stop
group by gateway, minute
order by gateway, minute
