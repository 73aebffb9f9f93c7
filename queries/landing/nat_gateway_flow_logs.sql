-- name: nat_gateway_flow_logs
-- about: What passed a NAT gateway between two addresses in each minute?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day of the minute
-- returns: time TIMESTAMP - the minute
-- returns: flow_log VARCHAR - kind of flow log: nat_gateway
-- returns: resource_id VARCHAR - NAT gateway's resource id, in lower case
-- returns: mac VARCHAR - null, for this log does not tell it
-- returns: rule VARCHAR - null, for this log does not tell it
-- returns: source_ip VARCHAR - private address that opened the flows
-- returns: source_port INTEGER - null, for this log does not tell it
-- returns: destination_ip VARCHAR - address the flows go to
-- returns: destination_port INTEGER - null, for this log does not tell it
-- returns: nat_ip VARCHAR - public address that the gateway gave them
-- returns: protocol VARCHAR - null, for this log does not tell it
-- returns: direction VARCHAR - outbound
-- returns: state VARCHAR - null, for this log does not tell it
-- returns: denied BOOLEAN - null, for this log does not tell it
-- returns: encryption VARCHAR - null, for this log does not tell it
-- returns: sent_packets BIGINT - source to destination
-- returns: sent_bytes BIGINT - source to destination
-- returns: received_packets BIGINT - destination to source
-- returns: received_bytes BIGINT - destination to source
-- returns: sent_dropped_packets BIGINT - dropped on the way out
-- returns: received_dropped_packets BIGINT - dropped on the way back
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
    'nat_gateway' as flow_log,
    lower(resourceId) as resource_id,
    cast(null as varchar) as mac,
    cast(null as varchar) as rule,
    lower(nullif(sourceIp, '')) as source_ip,
    cast(null as integer) as source_port,
    lower(nullif(destinationIp, '')) as destination_ip,
    cast(null as integer) as destination_port,
    lower(nullif(natGatewayIp, '')) as nat_ip,
    cast(null as varchar) as protocol,
    'outbound' as direction,
    cast(null as varchar) as state,
    cast(null as boolean) as denied,
    cast(null as varchar) as encryption,
    packetsSent as sent_packets,
    bytesSent as sent_bytes,
    packetsReceived as received_packets,
    bytesReceived as received_bytes,
    packetsSentDropped as sent_dropped_packets,
    packetsReceivedDropped as received_dropped_packets,
    blob,
    position,
    item,
    case
        when time is null then 'no TimeGenerated'
        when moment is null then 'TimeGenerated is not a timestamp'
        when moment < timestamp '2000-01-01' or moment >= timestamp '2100-01-01'
            then 'TimeGenerated is not between 2000 and 2100'
        when not regexp_matches(nullif(sourceIp, ''), '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'SourceIP is not an address'
        when not regexp_matches(nullif(destinationIp, ''), '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'DestinationIP is not an address'
        when not regexp_matches(nullif(natGatewayIp, ''), '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'NatGatewayIP is not an address'
        when packetsSent < 0 then 'PacketsSent is negative'
        when packetsReceived < 0 then 'PacketsReceived is negative'
        when packetsSentDropped < 0 then 'PacketsSentDropped is negative'
        when packetsReceivedDropped < 0 then 'PacketsReceivedDropped is negative'
        when bytesSent < 0 then 'BytesSent is negative'
        when bytesReceived < 0 then 'BytesReceived is negative'
    end as refused
from timed
