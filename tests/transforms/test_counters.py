"""What port counters prove, what they exclude, and what they leave open."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from pipeline.ask import ask
from pipeline.dataset import Type
from pipeline.datasets import datasets
from pipeline.engines.duckdb import DuckDB
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.query import queries
from pipeline.transforms.counters import (
    Counter,
    allocated,
    counters,
    measured,
    new_connections,
)
from pipeline.window import MINUTE
from tests import tables
from tests.given import at

LB, NAT, FIREWALL, SITE = "/lb/lb-out", "/nat/nat-out", "/fw/fw-hub", "/sites/shop"
TYPES = {
    LB: "microsoft.network/loadbalancers",
    NAT: "microsoft.network/natgateways",
    FIREWALL: "microsoft.network/azurefirewalls",
}
A, B = "10.0.0.4", "10.0.0.5"
FAILED, SUCCESSFUL, ATTEMPTED = (
    f"{state}_connections" for state in ("failed", "successful", "attempted")
)
REAL = Path(__file__).parents[2] / "data" / "samples" / "real"
Row = dict[str, object]


def schema(query: str) -> pl.Schema:
    """The columns that a query answers with."""
    types = {each.name: Type(each.type.lower()) for each in queries()[query].returns}
    return pl.DataFrame(tables.arrow([], types)).schema


COUNTED, SPOKEN = schema("port_counters_by_minute"), schema("port_events")


def told(counter: str, values: Iterable[float | None], **changed: object) -> list[Row]:
    """A value a minute from eight on; null where the minute tells none."""
    resource_id = str(changed.get("resource_id", LB))
    return [
        {
            "resource_id": resource_id,
            "resource_type": TYPES[resource_id],
            "minute": at(minute),
            "grain_s": 60.0,
            "counter": counter,
            "value": value,
            "statistic": "total" if counter.endswith("_connections") else "maximum",
            "series": 1,
            **changed,
        }
        for minute, value in enumerate(values)
        if value is not None
    ]


def ports(used: Iterable[float], allocated: Iterable[float], **changed: object) -> list[Row]:
    return told("used_ports", used, **changed) + told("allocated_ports", allocated, **changed)


def spoken(event: str, first: float, last: float, events: int = 1, **changed: object) -> list[Row]:
    row = {
        "resource_id": LB,
        "event": event,
        "first_at": at(first),
        "last_at": at(last),
        "events": events,
        **changed,
    }
    return [row | {"peak_at": at(first)} if "peak" in row else row]


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COUNTED)


def found(
    rows: Sequence[Row] = (), events: Sequence[Row] = (), start: float = 0, stop: float = 5
) -> list[Counter]:
    said = pl.DataFrame(events, schema=SPOKEN)
    return counters(frame(rows), said, at(start), at(stop))


def only(
    rows: Sequence[Row] = (), events: Sequence[Row] = (), start: float = 0, stop: float = 5
) -> Counter:
    (counter,) = found(rows, events, start, stop)
    return counter


def test_nothing_told_says_nothing() -> None:
    assert found() == []


def test_failed_connections_prove_that_ports_ran_out() -> None:
    rows = told(FAILED, [0, 0, 3, 1200, 0], instance=A) + told(FAILED, [0, 0, 0, 9, 0], instance=B)
    assert only(rows) == Counter(
        LB,
        A,
        "The load balancer lb-out counted 1,212 failed SNAT connections in 2 minutes, the first at "
        "08:02 UTC; 1,203 of them from 10.0.0.4, the rest from 1 other back end.",
        True,
        at(2),
        "failed_connections",
    )


def test_failed_connections_told_split_and_whole_are_not_added_up() -> None:
    rows = told(FAILED, [0, 7], instance=A) + told(FAILED, [0, 9])
    assert "counted 9 failed SNAT connections in 1 minute, " in only(rows).says
    assert "; 7 of them from 10.0.0.4." in only(rows).says


def test_where_one_back_end_counted_all_of_them_its_number_is_not_told_twice() -> None:
    says = only(told(FAILED, [0, 0, 3, 1200, 0], instance=A)).says
    assert says.startswith("The load balancer lb-out counted 1,203 failed SNAT connections in ")
    assert says.endswith("; all of them from 10.0.0.4.")


def test_a_nat_gateway_may_lack_ports_or_room() -> None:
    says = only(told(FAILED, [5], resource_id=NAT)).says
    assert says.startswith("The NAT gateway nat-out counted 5 failed SNAT connections")
    assert says.endswith("; it had no port left, or no room for another connection.")


def test_the_greatest_sample_is_the_least_that_failed() -> None:
    assert "counted at least 3 failed" in only(told(FAILED, [0, 2.5], statistic="maximum")).says


def test_udp_alone_says_nothing_of_calls() -> None:
    assert found(told(FAILED, [5, 5], resource_id=NAT, protocol="udp")) == []


def test_what_tcp_did_not_fail_failed_over_udp() -> None:
    of_tcp = told(FAILED, [0] * 5, resource_id=NAT, protocol="tcp")
    assert only(of_tcp + told(FAILED, [7] * 5, resource_id=NAT)).proves is False


def test_a_count_of_zero_in_every_minute_excludes() -> None:
    assert only(told(FAILED, [9, 0, 0, 0, 9]), start=1.5, stop=3.5) == Counter(
        LB,
        None,
        "The load balancer lb-out counted 0 failed SNAT connections in each of 3 minutes from "
        "08:01 to 08:04 UTC.",
        False,
        at(1),
        "failed_connections",
    )


def test_a_missing_minute_excludes_nothing_and_is_named() -> None:
    counter = only(told(FAILED, [0, None, 0, None, None, 0, None, 0, None, 0]), stop=10)
    assert counter.proves is None
    assert counter.says == (
        "The load balancer lb-out counted 0 failed SNAT connections in 5 of 10 minutes from 08:00 "
        "to 08:10 UTC; not told of all: 08:01, 08:03 to 08:04, 08:06 and 1 minute more."
    )


def test_a_longer_grain_of_zero_excludes_all_its_minutes() -> None:
    hour = told(FAILED, [0], grain_s=3600.0)
    assert only(hour, start=10, stop=20).proves is False


def test_a_longer_grain_that_reaches_beyond_proves_nothing() -> None:
    hour = told(FAILED, [50], grain_s=3600.0)
    counter = only(hour, start=10, stop=20)
    assert counter.proves is None
    assert "and more than 0 from 08:00 to 09:00 UTC (total of that time)" in counter.says
    within = only(hour, start=0, stop=60)
    assert within.proves is True
    assert "in 1 span of 60 min, the first at 08:00 UTC" in within.says


def test_all_back_ends_must_count_zero() -> None:
    rows = told(FAILED, [0] * 5, instance=A)
    assert only(rows).proves is False
    late = rows + told(FAILED, [None, 0, 0, 0, 0], instance=B)
    assert only(late).proves is None
    assert only(late, start=1).proves is False


def test_a_back_end_without_a_count_of_failures_excludes_nothing() -> None:
    rows = told(FAILED, [0] * 5, instance=A) + told(SUCCESSFUL, [8] * 5, instance=B)
    assert "not told of all: 08:00 to 08:04." in only(rows).says


def test_ten_series_may_have_been_cut_off() -> None:
    ten = [row for each in range(10) for row in told(FAILED, [0] * 5, instance=f"10.0.0.{each}")]
    assert only(ten).proves is None
    assert "10 series were read, and others may have been cut off" in only(ten).says
    assert only(ten + told(FAILED, [0] * 5)).proves is False
    assert only(ten + told(FAILED, [0] * 5, instance="10.0.0.10")).proves is False


def test_no_failed_state_at_all_is_not_zero() -> None:
    counter = only(told(ATTEMPTED, [40] * 5, resource_id=NAT))
    assert (counter.name, counter.proves) == ("failed_connections", None)
    assert counter.says.endswith("no failed ones: what is not told is not 0.")


def test_connections_without_their_states_tell_no_failures() -> None:
    counter = only(told("connections", [40, 60]))
    assert (counter.name, counter.proves, counter.at) == ("connections", None, at(0))
    assert "counted 100 SNAT connections of all states together" in counter.says


def test_all_ports_used_proves() -> None:
    rows = ports([900, 1024, 1024], [1024] * 3, instance=A) + ports([5] * 3, [1024] * 3, instance=B)
    assert only(rows) == Counter(
        LB,
        A,
        "All 1,024 SNAT ports of 10.0.0.4 on the load balancer lb-out were in use in 2 minutes, "
        "first at 08:01 UTC (maximum of that minute).",
        True,
        at(1),
        "used_is_allocated",
    )


def test_every_back_end_at_its_limit_is_counted() -> None:
    rows = ports([64], [64], instance=A) + ports([64], [64], instance=B)
    assert only(rows).says.endswith("; so were those of 1 other back end.")


def test_an_average_at_the_limit_proves_and_is_called_one() -> None:
    counter = only(ports([64], [64], instance=A, statistic="average"))
    assert counter.proves is True
    assert "(average of that minute)" in counter.says


def test_fewer_used_than_allocated_prove_nothing() -> None:
    assert only(ports([900, 1000], [1024] * 2, instance=A)) == Counter(
        LB,
        A,
        "At most 1,000 of 1,024 SNAT ports (97.7 %) of 10.0.0.4 on the load balancer lb-out were "
        "in use, at 08:01 UTC (maximum of that minute), as told of 2 of 5 minutes; shorter peaks "
        "do not show.",
        None,
        at(1),
        "used_ports",
    )


def test_no_ports_allocated_are_not_all_used() -> None:
    assert only(ports([0], [0], instance=A)).proves is None


def test_how_many_were_allocated_may_not_be_told() -> None:
    assert only(told("used_ports", [900])).says == (
        "Up to 900 SNAT ports of the load balancer lb-out were in use, at 08:00 UTC (maximum of "
        "that minute); how many were allocated is not told."
    )


@pytest.mark.parametrize(
    "of_allocated", [{"statistic": "average"}, {"series": 2}], ids=["statistic", "frontends"]
)
def test_what_is_told_in_different_ways_is_not_compared(of_allocated: dict[str, object]) -> None:
    rows = told("used_ports", [64], instance=A) + told(
        "allocated_ports", [64], instance=A, **of_allocated
    )
    assert only(rows).proves is None
    assert "told in another way" in only(rows).says


def test_the_greatest_of_several_back_ends_need_not_be_of_one() -> None:
    assert only(ports([2048], [2048], series=2)).proves is None
    assert only(ports([1024], [1024])).says.startswith(
        "All 1,024 SNAT ports of at least one back end of the load balancer lb-out"
    )
    assert only(ports([2048], [2048], series=2, statistic="average")).says.startswith(
        "All 2,048 SNAT ports of each back end of the load balancer lb-out"
    )


def test_ports_all_used_before_the_window_do_not_count() -> None:
    assert only(ports([64, 8], [64, 64], instance=A), start=1).proves is None
    assert found(ports([64, 8], [64, 64], instance=A), start=2) == []


def test_a_firewall_proves_at_all_of_its_ports() -> None:
    counter = only(told("port_utilisation", [0.99, 1.0], resource_id=FIREWALL))
    assert (counter.name, counter.proves, counter.at) == ("firewall_utilisation", True, at(1))
    assert counter.says.startswith("The firewall fw-hub had all of its SNAT ports in use in 1 min")


@pytest.mark.parametrize(("peak", "near"), [(0.95, True), (0.949, False)])
def test_a_firewall_below_all_of_its_ports_may_be_near(peak: float, near: bool) -> None:
    counter = only(told("port_utilisation", [peak, 0.1], resource_id=FIREWALL))
    assert counter.proves is None
    assert ("near the limit" in counter.says) is near


def test_active_connections_are_told() -> None:
    counter = only(told("total_connections", [400, 41_000], resource_id=NAT))
    assert (counter.name, counter.proves, counter.at) == ("connections", None, at(1))
    assert counter.says.startswith("Up to 41,000 connections were active on the NAT gateway nat")


def test_an_event_of_exhaustion_proves() -> None:
    rows = spoken("snat_port_exhaustion", 2, 7, 2, instance=A)
    assert only(events=rows + spoken("snat_port_exhaustion", 4, 4, instance=B)) == Counter(
        LB,
        A,
        "The load balancer lb-out itself said from 08:02 to 08:07 UTC (3 times) that 10.0.0.4 and "
        "10.0.0.5 had used all SNAT ports allocated and could not connect.",
        True,
        at(2),
        "snat_port_exhaustion_event",
    )


def test_an_event_of_high_usage_proves_nothing() -> None:
    counter = only(events=spoken("high_snat_port_usage", 2, 2))
    assert (counter.name, counter.proves) == ("high_snat_port_usage_event", None)
    assert "said at 08:02 UTC that a back end used more than 75 %" in counter.says


def test_events_that_ended_before_the_window_or_come_after_it_do_not_count() -> None:
    rows = spoken("snat_port_exhaustion", 0, 9) + spoken("snat_port_exhaustion", 20, 25)
    assert found(events=rows, start=10, stop=20) == []
    assert only(events=rows, start=8, stop=10).at == at(0)


def test_failures_of_the_detector_prove() -> None:
    event, of_site = "snat_connections_failed", {"resource_id": SITE}
    rows = [
        *spoken(event, 0, 5, 2, instance="wn0", total=9.0, peak=5.0, **of_site),
        *spoken(event, 0, 5, 2, instance="wn1", total=1.0, peak=1.0, **of_site),
        *spoken(event, 0, 5, 2, total=10.0, peak=6.0, **of_site),
    ]
    assert only(events=rows) == Counter(
        SITE,
        "wn0",
        "The SNAT detector of shop counted 10 failed connections from 08:00 to 08:05 UTC (6 "
        "times); 9 of them from wn0.",
        True,
        at(0),
        "detector_failures",
    )


def test_a_detector_that_tells_zero_excludes_nothing() -> None:
    rows = spoken("snat_connections_failed", 0, 0, total=0.0, peak=0.0, resource_id=SITE)
    counter = only(events=rows)
    assert (counter.name, counter.proves) == ("detector_failures", None)
    assert "is not documented, so that this excludes nothing" in counter.says


def test_ports_that_the_detector_saw_in_use_prove_nothing() -> None:
    rows = spoken("snat_ports_used", 1, 4, 2, resource_id=SITE, instance="wn0", peak=128.0)
    counter = only(events=rows)
    assert (counter.name, counter.proves, counter.instance) == ("used_ports", None, "wn0")
    assert "up to 128 ports in use on wn0, at 08:01 UTC" in counter.says


def test_proofs_come_first_then_what_excludes() -> None:
    rows = (
        told("total_connections", [4], resource_id=NAT)
        + told(FAILED, [0] * 5, resource_id=NAT)
        + ports([64], [64], instance=A)
    )
    assert [each.proves for each in found(rows)] == [True, False, None]


def test_a_window_of_several_days_names_them() -> None:
    assert "at 2026-03-10 08:01 UTC" in only(told(FAILED, [0, 1]), stop=1440).says


def test_a_name_cannot_turn_a_sentence() -> None:
    assert "\u202e" not in only(told(FAILED, [1], instance="\u202eevil")).says


def test_what_was_measured_is_told_by_minute() -> None:
    rows = (
        ports([7, 8], [64, 64], instance=A, protocol="tcp")
        + told("used_ports", [99], instance=A, protocol="udp")
        + told("used_ports", [9], instance=A)
        + told("used_ports", [5], grain_s=300.0)
        + told("used_ports", [4])
    )
    assert measured(frame(rows)).rows() == [
        (LB, None, at(0), 4.0, None),
        (LB, A, at(0), 7.0, 64.0),
        (LB, A, at(1), 8.0, 64.0),
    ]


def test_new_connections_are_those_that_came_about() -> None:
    rows = (
        told(SUCCESSFUL, [10, 20], instance=A)
        + told(SUCCESSFUL, [None, 5], instance=B)
        + told(SUCCESSFUL, [10, 24])
        + told("pending_connections", [90, 90])
        + told(FAILED, [90, 90])
        + told(ATTEMPTED, [None, 9, 4], resource_id=NAT, protocol="tcp")
        + told(ATTEMPTED, [None, 99], resource_id=NAT)
        + told(FAILED, [None, 2, 5], resource_id=NAT, protocol="tcp")
        + told(SUCCESSFUL, [500], grain_s=300.0)
        + told(SUCCESSFUL, [500], statistic="average")
    )
    assert new_connections(frame(rows)).rows() == [
        (at(0), 10.0),
        (at(1), 32.0),
        (at(2), 0.0),
    ]


def test_connections_without_their_states_are_not_new_ones() -> None:
    assert new_connections(frame(told("connections", [40]))).is_empty()


LB_ID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Network/loadBalancers/lb"
ANSWER = {
    "interval": "PT1M",
    "timespan": "2026-03-10T10:00:00Z/2026-03-10T10:02:00Z",
    "value": [
        {
            "id": f"{LB_ID}/providers/Microsoft.Insights/metrics/SnatConnectionCount",
            "name": {"value": "SnatConnectionCount"},
            "unit": "Count",
            "timeseries": [
                {
                    "metadatavalues": [{"name": {"value": "connectionstate"}, "value": state}],
                    "data": [
                        {"timeStamp": "2026-03-10T10:00:00Z", "total": total},
                        {"timeStamp": "2026-03-10T10:01:00Z"},
                    ],
                }
                for state, total in (("Failed", 3), ("Successful", 40))
            ],
        }
    ],
}
STORED = {
    "count": 9,
    "total": 43,
    "minimum": 0,
    "maximum": 9,
    "average": 4.7,
    "resourceId": LB_ID.upper(),
    "time": "2026-03-10T10:00:00.0000000Z",
    "metricName": "SnatConnectionCount",
    "timeGrain": "PT1M",
}


def answered(exports: Path, home: Path) -> tuple[int, dict[str, pl.DataFrame]]:
    """How many metrics were landed, and what both queries answer of twenty years."""
    lake, engine = Lake(home), DuckDB()
    landed = land([str(exports)], lake).rows["metrics"]
    for name in ("metrics", "health_events"):
        engine.attach(name, datasets()[name], lake.files(name))
    years = {"start": datetime(2015, 1, 1), "stop": datetime(2035, 1, 1)}
    answers = ask(engine, ["port_counters_by_minute", "port_events"], years)
    return landed, {name: answer.frame for name, answer in answers.items()}


def test_what_an_answer_and_an_export_tell_of_a_minute_stands_beside_each_other(
    tmp_path: Path,
) -> None:
    exports = tmp_path / "exports"
    exports.mkdir()
    for name, record in (("answer.json", ANSWER), ("PT1H.json", STORED)):
        (exports / name).write_text(f"{json.dumps(record)}\n", encoding="utf-8")
    landed, answers = answered(exports, tmp_path / "lake")
    assert landed == 3
    counted = answers["port_counters_by_minute"]
    assert dict(counted.select("counter", "value").iter_rows()) == {
        "connections": 43,
        "failed_connections": 3,
        "successful_connections": 40,
    }
    ten = tables.moment("10:00")
    (counter,) = counters(counted, answers["port_events"], ten, ten + 2 * MINUTE)
    assert counter.says == (
        "The load balancer lb counted 3 failed SNAT connections in 1 minute, the first at 10:00 "
        "UTC."
    )


def test_real_metrics_of_other_resources_are_no_port_counters(tmp_path: Path) -> None:
    for folder in ("metrics-rest", "platform-metrics-storage"):
        landed, answers = answered(REAL / folder, tmp_path / folder)
        assert landed
        assert all(frame.is_empty() for frame in answers.values())


def test_ports_allocated_are_those_of_the_back_end_that_was_given_fewest() -> None:
    rows = (
        told("allocated_ports", [64, 128, 128], instance=A)
        + told("allocated_ports", [96, 96, 96], instance=B)
        + told("allocated_ports", [7])
    )
    assert allocated(frame(rows), at(0.5), at(2)) == (96, LB)
    assert allocated(frame(rows), at(10), at(20)) is None
    assert allocated(frame(told("used_ports", [5], instance=A)), at(0), at(2)) is None
