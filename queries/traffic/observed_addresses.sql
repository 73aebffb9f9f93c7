-- name: observed_addresses
-- about: Which ip did the gateway resolve a backend's host name to, as failed calls tell?
-- source: requests
-- grain: host, ip
-- returns: host VARCHAR - host in the backend URL
-- returns: ip VARCHAR - address in the error's text of the same record
-- returns: records BIGINT - records that say so
select
    backend_host as host,
    error_ip as ip,
    count(*) as records
from requests
where
    backend_host is not null
    and error_ip is not null
    and backend_host <> error_ip
group by backend_host, error_ip
order by host, ip
