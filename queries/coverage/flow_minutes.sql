-- name: flow_minutes
-- about: In which minutes do flow logs tell of connections on their way out, in how many tuples?
-- source: flows
-- grain: minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- returns: minute TIMESTAMP - start of the minute; one of which nothing is told has no row
-- returns: tuples BIGINT - tuples of outbound TCP, of all sources
select
    date_trunc('minute', time) as minute,
    count(*) as tuples
from flows
where
    flow_log in ('vnet', 'nsg')
    and direction = 'outbound'
    and protocol = 'tcp'
    and time >= $start
    and time < $stop
group by date_trunc('minute', time)
order by minute
