-- name: flow_ports_by_minute
-- about: How many ports did each source hold to each ip:port at a minute's peak, as flow logs tell?
-- source: flows
-- grain: source_ip, destination, minute
-- param: start TIMESTAMP
-- param: stop TIMESTAMP
-- param: hold_s INTEGER
-- param: idle_s INTEGER
-- returns: source_ip VARCHAR - private address that opened the flows: an instance
-- returns: destination VARCHAR - ip:port, a public one; IPv6 in brackets
-- returns: minute TIMESTAMP - start of the minute; one without a row is as the one before it
-- returns: begun BIGINT - flows that began in the minute
-- returns: lower_peak BIGINT - ports surely in use: flows open, by tuples before and after
-- returns: upper_peak BIGINT - the same, and those maybe open, and those ended for hold_s or less
-- returns: upper_peak_at TIMESTAMP - second of that peak, the first if several
-- returns: inferred BIGINT - of that peak, only maybe open or held: a begin or an end is not told
with
    sources as (
        select
            source_ip,
            min(time) as told_from,
            date_trunc('second', min(case when flow_log = 'vnet' then time end)) as vnet_from,
            max(case when flow_log = 'vnet' then time end) as vnet_to
        from flows
        where
            flow_log in ('vnet', 'nsg')
            and direction = 'outbound'
        group by source_ip
    ),

    -- A flow that goes on tells so every five minutes, and one such tuple may be lost: what is
    -- silent for longer, and longer than it may idle, is over. So nobody need read further.
    told as (
        select
            source_ip,
            source_port,
            destination_ip,
            destination_port,
            flow_log,
            state,
            time
        from flows
        where
            flow_log in ('vnet', 'nsg')
            and direction = 'outbound'
            and protocol = 'tcp'
            and not denied
            and state in ('begin', 'continue', 'end')
            and time
            >= date_trunc('second', $start)
            - ($hold_s + greatest($idle_s, 600)) * interval '1' second
            and time < $stop + greatest($idle_s, 600) * interval '1' second
    ),

    -- Few are the pairs, and a number is grouped sooner than two texts. What is private or special
    -- needs no port; numbers of an address are compared as texts of one length.
    pairs as (
        select
            row_number() over (
                order by apart.source_ip, apart.destination_ip, apart.destination_port
            ) as pair,
            apart.source_ip,
            apart.destination_ip,
            apart.destination_port,
            sources.told_from,
            sources.vnet_from,
            sources.vnet_to
        from
            (
                select distinct
                    source_ip,
                    destination_ip,
                    destination_port,
                    split_part(destination_ip, '.', 1) as first,
                    split_part(destination_ip, '.', 2) as second
                from told
            ) as apart
        inner join sources
            on apart.source_ip = sources.source_ip
        where
            not (
                apart.first in ('0', '10', '127')
                or (length(apart.first) = 3 and apart.first >= '224')
                or (
                    apart.first = '100'
                    and length(apart.second) = 2
                    and apart.second between '64' and '99'
                )
                or (
                    apart.first = '100'
                    and length(apart.second) = 3
                    and apart.second between '100' and '127'
                )
                or (
                    apart.first = '172'
                    and length(apart.second) = 2
                    and apart.second between '16' and '31'
                )
                or (apart.first = '169' and apart.second = '254')
                or (apart.first = '192' and apart.second = '168')
                -- What Azure itself listens at: DNS, DHCP, probes.
                or apart.destination_ip = '168.63.129.16'
            )
            and not (
                -- Of two and of three signs: no address, and this machine's own.
                apart.destination_ip like '_:'
                or apart.destination_ip like '_:1'
                or apart.destination_ip like 'fc__:%'
                or apart.destination_ip like 'fd__:%'
                or apart.destination_ip like 'fe8_:%'
                or apart.destination_ip like 'fe9_:%'
                or apart.destination_ip like 'fea_:%'
                or apart.destination_ip like 'feb_:%'
                or apart.destination_ip like 'ff__:%'
            )
    ),

    -- Several logs tell the same: of a network, a subnet, an interface. Where both kinds do, that
    -- one counts which tells ms: else each flow would begin twice.
    moments as (
        select
            pairs.pair,
            told.source_port,
            told.time,
            max(case when told.state = 'begin' then 1 else 0 end) as begins,
            max(case when told.state = 'end' then 1 else 0 end) as ends
        from told
        inner join pairs
            on
                told.source_ip = pairs.source_ip
                and told.destination_ip = pairs.destination_ip
                and told.destination_port = pairs.destination_port
        where
            told.flow_log = 'vnet'
            or pairs.vnet_from is null
            or told.time < pairs.vnet_from
            or told.time > pairs.vnet_to
        group by pairs.pair, told.source_port, told.time
    ),

    neighbours as (
        select
            pair,
            source_port,
            time,
            begins,
            ends,
            lag(time) over flow as last_time,
            lead(time) over flow as next_time,
            coalesce(
                lag(time) over flow >= time - greatest($idle_s, 600) * interval '1' second, false
            ) as near_last,
            coalesce(
                lead(time) over flow <= time + greatest($idle_s, 600) * interval '1' second, false
            ) as near_next,
            -- Tuples but for a begin alone are of the flow that was open.
            coalesce(lead(begins) over flow = 0, false) as next_goes_on,
            coalesce(lead(begins) over flow = 0 or lead(ends) over flow = 1, false) as next_joins
        from moments
        window flow as (
            partition by pair, source_port
            order by time
        )
    ),

    -- An end may share its moment with a begin. It is the end of the flow that was open until then;
    -- if none was, the new one is over at once. Yet logs write such an end of flows that go on, as
    -- if to tell their counts so far: what is told to go on does.
    decided as (
        select
            *,
            case
                when ends = 0 then 1
                when begins = 0 then 0
                when near_next and next_goes_on then 1
                when not near_last then 0
            end as decides
        from neighbours
    ),

    known as (
        select
            *,
            case
                when near_last
                    then last_value(decides ignore nulls) over (
                        partition by pair, source_port
                        order by time
                        rows between unbounded preceding and 1 preceding
                    )
                else 0
            end as found_open
        from decided
    ),

    -- Numbers of flows, 0 or 1: that came to the moment from the last, stay open to the next, ended
    -- as told, are open behind it without being told of again, are open before it unbegun.
    parts as (
        select
            pair,
            time,
            last_time,
            next_time,
            begins,
            date_trunc('second', time) as floor_second,
            date_trunc('second', time + interval '0.999999' second) as ceil_second,
            case when begins = 0 or ends = 1 then found_open else 0 end as came,
            case
                when near_next and next_joins then coalesce(decides, found_open)
                else 0
            end as stay,
            case
                when near_next and next_joins then 0
                else coalesce(decides, found_open)
            end as vanish,
            case
                when ends = 0 then 0
                else greatest(found_open, 1 - coalesce(decides, found_open))
            end as ended,
            case when begins = 0 then 1 - found_open else 0 end as unbegun
        from known
    ),

    -- Open at a whole second s: begun by s, not ended by s. Maybe open or held: at some instant of
    -- the second that begins then.
    steps as (
        select
            pair,
            floor_second as second,
            begins as begun,
            0 as lower_step,
            stay + vanish + ended - came - unbegun as upper_step,
            vanish - unbegun as inferred_step
        from parts
        union all
        select
            pair,
            ceil_second as second,
            0 as begun,
            stay - came as lower_step,
            0 as upper_step,
            0 as inferred_step
        from parts
        where stay <> came
        union all
        select
            pair,
            ceil_second + $hold_s * interval '1' second as second,
            0 as begun,
            0 as lower_step,
            -1 as upper_step,
            0 as inferred_step
        from parts
        where ended = 1
        union all
        -- Open for as long as it may idle, unless the next flow of the same ports begins before.
        select
            pair,
            date_trunc(
                'second',
                least(
                    time + $idle_s * interval '1' second,
                    coalesce(next_time, time + $idle_s * interval '1' second)
                )
                + interval '0.999999' second
            )
            + $hold_s * interval '1' second as second,
            0 as begun,
            0 as lower_step,
            -1 as upper_step,
            -1 as inferred_step
        from parts
        where vanish = 1
        union all
        -- Begun before the logs, or the begin is lost: open for as long as it may have idled.
        select
            parts.pair,
            date_trunc(
                'second',
                greatest(
                    parts.time - $idle_s * interval '1' second,
                    coalesce(parts.last_time, pairs.told_from)
                )
            ) as second,
            0 as begun,
            0 as lower_step,
            1 as upper_step,
            1 as inferred_step
        from parts
        inner join pairs
            on parts.pair = pairs.pair
        where parts.unbegun = 1
    ),

    -- Of what was before the window only the sums count.
    changes as (
        select
            pair,
            greatest(second, date_trunc('second', $start)) as second,
            sum(case when second >= date_trunc('second', $start) then begun else 0 end) as begun,
            sum(lower_step) as lower_change,
            sum(upper_step) as upper_change,
            sum(inferred_step) as inferred_change
        from steps
        where second < $stop
        group by pair, greatest(second, date_trunc('second', $start))
    ),

    marks as (
        select
            pair,
            second,
            begun,
            lower_change,
            upper_change,
            inferred_change
        from changes
        where begun <> 0 or lower_change <> 0 or upper_change <> 0 or inferred_change <> 0
    ),

    -- What the window, a minute with a change and the one after it begin with counts in them.
    turns as (
        select
            pair,
            date_trunc('second', $start) as second
        from marks
        union distinct
        select
            pair,
            date_trunc('minute', second) as second
        from marks
        union distinct
        select
            pair,
            date_trunc('minute', second) + interval '60' second as second
        from marks
    ),

    seconds as (
        select
            pair,
            second,
            begun,
            lower_change,
            upper_change,
            inferred_change
        from marks
        union all
        select
            pair,
            second,
            0 as begun,
            0 as lower_change,
            0 as upper_change,
            0 as inferred_change
        from turns
    ),

    levels as (
        select
            pair,
            second,
            date_trunc('minute', second) as minute,
            begun,
            sum(lower_change) over past as lower_level,
            sum(upper_change) over past as upper_level,
            sum(inferred_change) over past as inferred_level
        from seconds
        window past as (
            partition by pair
            order by second
            range between unbounded preceding and current row
        )
    ),

    peaks as (
        select
            pair,
            minute,
            sum(begun) as begun,
            max(lower_level) as lower_peak,
            max(upper_level) as upper_peak,
            max_by(second, row(upper_level, -epoch(second))) as upper_peak_at,
            max_by(inferred_level, row(upper_level, -epoch(second))) as inferred
        from levels
        where
            second >= date_trunc('second', $start)
            and second < $stop
        group by pair, minute
    )

select
    pairs.source_ip,
    -- The brackets of an IPv6 address, by their numbers.
    case
        when pairs.destination_ip like '%:%' then chr(91) || pairs.destination_ip || chr(93)
        else pairs.destination_ip
    end
    || ':' || cast(pairs.destination_port as varchar) as destination,
    peaks.minute,
    cast(peaks.begun as bigint) as begun,
    cast(peaks.lower_peak as bigint) as lower_peak,
    cast(peaks.upper_peak as bigint) as upper_peak,
    peaks.upper_peak_at,
    cast(peaks.inferred as bigint) as inferred
from peaks
inner join pairs
    on peaks.pair = pairs.pair
order by pairs.source_ip, destination, peaks.minute
