-- name: flow_tuples
-- about: Which network flow does each tuple of a VNet or NSG flow log tell of?
-- source: records
-- grain: blob, position, item
-- returns: date DATE - day of the tuple
-- returns: time TIMESTAMP - moment the tuple tells of
-- returns: flow_log VARCHAR - kind of flow log: vnet or nsg
-- returns: resource_id VARCHAR - what is logged, in lower case
-- returns: mac VARCHAR - interface that saw it
-- returns: rule VARCHAR - rule that let it pass or denied it
-- returns: source_ip VARCHAR - address that opened the flow
-- returns: source_port INTEGER - its port, before any SNAT
-- returns: destination_ip VARCHAR - address the flow goes to
-- returns: destination_port INTEGER - its port
-- returns: nat_ip VARCHAR - null, for these logs do not tell it
-- returns: protocol VARCHAR - tcp, udp, else its IANA number
-- returns: direction VARCHAR - inbound or outbound
-- returns: state VARCHAR - begin, continue, end or deny
-- returns: denied BOOLEAN - whether a rule denied it
-- returns: encryption VARCHAR - X, NX or NX and why not
-- returns: sent_packets BIGINT - source to destination since its last tuple
-- returns: sent_bytes BIGINT - source to destination since its last tuple
-- returns: received_packets BIGINT - destination to source since its last tuple
-- returns: received_bytes BIGINT - destination to source since its last tuple
-- returns: sent_dropped_packets BIGINT - null, for these logs do not tell it
-- returns: received_dropped_packets BIGINT - null, for these logs do not tell it
-- returns: blob VARCHAR - where the record was read from
-- returns: position BIGINT - its place in the blob
-- returns: item BIGINT - its place in the record
-- returns: refused VARCHAR - why it cannot be a row; null if it can
with
    split as (
        select
            *,
            string_split(flowTuple, ',') as told
        from records
    ),

    -- Both kinds tell time, addresses, ports, protocol and direction in this order. Then vnet tells
    -- state and encryption where nsg tells decision and, in version 2, state.
    named as (
        select
            *,
            len(told) as fields,
            told[1] as epoch,
            case
                when length(told[1]) > 15 then null
                when flowLog = 'vnet' then try_cast(told[1] as bigint)
                else try_cast(told[1] as bigint) * 1000
            end as epoch_ms,
            told[2] as source_ip,
            told[3] as destination_ip,
            told[4] as source_port,
            told[5] as destination_port,
            case told[6]
                when 'T' then 'tcp'
                when '6' then 'tcp'
                when 'U' then 'udp'
                when '17' then 'udp'
                else told[6]
            end as protocol,
            told[7] as direction,
            case when flowLog = 'vnet' then told[8] else coalesce(told[9], '') end as state,
            case
                when flowLog = 'vnet' then told[8] = 'D'
                when told[8] in ('A', 'D') then told[8] = 'D'
            end as denied,
            case when flowLog = 'vnet' then told[9] end as encryption,
            coalesce(told[10], '') as sent_packets,
            coalesce(told[11], '') as sent_bytes,
            coalesce(told[12], '') as received_packets,
            coalesce(told[13], '') as received_bytes
        from split
    ),

    timed as (
        select
            *,
            -- From the year 2000 up to 2100; what is beyond is refused below.
            case
                when epoch_ms between 946684800000 and 4102444799999
                    then make_timestamp(epoch_ms * 1000)
            end as moment
        from named
    )

select
    cast(moment as date) as date,
    moment as time,
    flowLog as flow_log,
    lower(resourceId) as resource_id,
    upper(macAddress) as mac,
    rule,
    lower(source_ip) as source_ip,
    try_cast(nullif(source_port, '') as integer) as source_port,
    lower(destination_ip) as destination_ip,
    try_cast(nullif(destination_port, '') as integer) as destination_port,
    cast(null as varchar) as nat_ip,
    protocol,
    case direction when 'I' then 'inbound' when 'O' then 'outbound' end as direction,
    case
        when denied then 'deny'
        else case state when 'B' then 'begin' when 'C' then 'continue' when 'E' then 'end' end
    end as state,
    denied,
    nullif(encryption, '') as encryption,
    try_cast(nullif(sent_packets, '') as bigint) as sent_packets,
    try_cast(nullif(sent_bytes, '') as bigint) as sent_bytes,
    try_cast(nullif(received_packets, '') as bigint) as received_packets,
    try_cast(nullif(received_bytes, '') as bigint) as received_bytes,
    cast(null as bigint) as sent_dropped_packets,
    cast(null as bigint) as received_dropped_packets,
    blob,
    position,
    item,
    case
        when flowTuple is null then 'flowTuples holds null'
        when flowLog = 'vnet' and fields <> 13
            then 'a tuple has 13 fields, this ' || cast(fields as varchar)
        when fields not in (8, 13)
            then 'a tuple has 8 or 13 fields, this ' || cast(fields as varchar)
        when not regexp_matches(epoch, '^\d+$') then 'time of the tuple is not a whole number'
        when moment is null and flowLog = 'vnet'
            then 'time of the tuple is not ms between 2000 and 2100'
        when moment is null then 'time of the tuple is not seconds between 2000 and 2100'
        when not regexp_matches(source_ip, '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'source of the tuple is not an address'
        when not regexp_matches(destination_ip, '^[\d.]+$|^[\da-fA-F:.]*:[\da-fA-F:.]*$')
            then 'destination of the tuple is not an address'
        when
            not regexp_matches(source_port || ',' || destination_port, '^\d{0,5},\d{0,5}$')
            or try_cast(nullif(source_port, '') as integer) > 65535
            or try_cast(nullif(destination_port, '') as integer) > 65535
            then 'a port of the tuple is not between 0 and 65535'
        when
            protocol not in ('tcp', 'udp')
            and (not regexp_matches(protocol, '^\d{1,3}$') or try_cast(protocol as integer) > 255)
            then 'protocol of the tuple is not T, U or a number up to 255'
        when direction not in ('I', 'O') then 'direction of the tuple is not I or O'
        when denied is null then 'decision of the tuple is not A or D'
        when flowLog = 'vnet' and state not in ('B', 'C', 'E', 'D')
            then 'state of the tuple is not B, C, E or D'
        when fields = 13 and flowLog <> 'vnet' and state not in ('B', 'C', 'E')
            then 'state of the tuple is not B, C or E'
        when
            not regexp_matches(
                concat_ws(',', sent_packets, sent_bytes, received_packets, received_bytes),
                '^\d{0,15},\d{0,15},\d{0,15},\d{0,15}$'
            )
            then 'a counter of the tuple is not a whole number'
    end as refused
from timed
