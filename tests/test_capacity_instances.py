"""The weekly review where the logs tell instances apart: a limit is one instance's own."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.capacity import review
from pipeline.capacity_finding import Review
from pipeline.config import Gateway, Settings
from pipeline.lake import Lake
from pipeline.markdown import written
from pipeline.report import composed
from tests.test_capacity import LIMIT, SETTINGS, day, resource, told
from tests.weeks import GATEWAY, Instances, weeks

PEAK = 600.0
SHARES = (0.6, 0.3, 0.1)
NAMES = ("node-0", "node-1", "node-2")
HOST = "pay.example"


def of(**stated: Any) -> Settings:
    gateway = Gateway(GATEWAY, **{"units": 3, "ports_per_unit": LIMIT, **stated})
    return msgspec.structs.replace(SETTINGS, gateway=(gateway,))


def made(folder: Path, instances: Instances) -> Lake:
    return weeks(folder / "lake", {HOST: lambda _: PEAK}, range(14), instances=instances)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two weeks: the first instance makes most calls, on the last three days the last one does."""
    return made(
        tmp_path_factory.mktemp("uneven"),
        lambda number: dict(zip(NAMES if number < 11 else NAMES[::-1], SHARES, strict=True)),
    )


@pytest.fixture(scope="module")
def pay(lake: Lake) -> dict[str, Any]:
    return resource(told(lake, of()), HOST)


def test_a_row_is_of_the_fullest_instance_at_each_minute_and_names_that_of_the_peak(
    pay: dict[str, Any],
) -> None:
    assert (pay["scope"], pay["peak_instance"]) == ("instance", "node-0")
    assert pay["utilisation"]["peak"] == pytest.approx(0.6 * PEAK / LIMIT, rel=0.05)
    assert pay["headroom"] == pytest.approx(1 - pay["utilisation"]["peak"], abs=1e-4)


def test_each_instance_is_told_by_its_own_minutes_the_fullest_first(pay: dict[str, Any]) -> None:
    top, *others = pay["instances"]
    assert {each["id"] for each in pay["instances"]} == set(NAMES)
    assert top["utilisation"]["peak_at"] == pay["utilisation"]["peak_at"]
    assert top["headroom"] == pay["headroom"]
    # On three days of seven it made a tenth of the calls.
    assert top["utilisation"]["p50"] < pay["utilisation"]["p50"]
    assert others[-1]["id"] == "node-1"
    assert others[-1]["utilisation"]["peak"] == pytest.approx(0.3 * PEAK / LIMIT, rel=0.1)
    assert pay["spread"] == pytest.approx(
        top["utilisation"]["peak"] - others[-1]["utilisation"]["peak"], abs=1e-4
    )


def test_a_day_counts_by_whichever_instance_was_fullest(lake: Lake) -> None:
    """Else the swap on the last days would look as if demand had gone down."""
    shift = resource(told(lake, of()), HOST)
    assert shift["peak_before"] == pytest.approx(shift["utilisation"]["peak"], rel=0.05)


def test_ports_a_request_are_those_of_all_instances(tmp_path: Path) -> None:
    """A scale-out gives each instance fewer, and makes no request cheaper."""
    home = made(
        tmp_path,
        lambda number: dict.fromkeys(NAMES[:2], 0.5) if number < 7 else dict.fromkeys(NAMES, 1 / 3),
    )
    pay = resource(told(home, of()), HOST)
    assert pay["peak_before"] > 1.3 * pay["utilisation"]["peak"]
    shift = pay["shift"]
    assert shift["ports_per_1000_requests"] == pytest.approx(
        shift["ports_per_1000_requests_before"], rel=0.1
    )


def test_an_instance_is_told_of_the_days_that_it_was_there(tmp_path: Path) -> None:
    home = made(
        tmp_path,
        lambda number: {"node-0": 0.5, "node-1": 0.5} if number < 12 else {"node-2": 1.0},
    )
    pay = resource(told(home, of()), HOST)
    by_name = {each["id"]: each["utilisation"] for each in pay["instances"]}
    assert by_name["node-2"]["minutes"] == 2 * 1440
    # What it called last is on hold beyond midnight.
    assert by_name["node-0"]["minutes"] == 6 * 1440
    assert by_name["node-2"]["peak"] == pytest.approx(2 * by_name["node-0"]["peak"], rel=0.1)


def test_calls_of_an_untold_instance_may_be_of_any(tmp_path: Path) -> None:
    home = made(tmp_path, lambda _: {"node-0": 0.5, None: 0.5})
    pay = resource(told(home, of()), HOST)
    assert (pay["scope"], pay["peak_instance"], pay["instances"]) == ("unit", None, [])
    assert pay["utilisation"]["peak"] == pytest.approx(PEAK / 3 / LIMIT, rel=0.05)
    # At most all are of the same, and each call takes a port of its own.
    assert pay["utilisation"]["upper_peak"] == pytest.approx(2 * PEAK / LIMIT, rel=0.05)


def test_instances_that_draw_on_one_pool_are_not_held_against_it_one_by_one(lake: Lake) -> None:
    pay = resource(told(lake, of(egress="nat_gateway")), HOST)
    assert (pay["scope"], pay["instances"], pay["spread"]) == ("total", [], None)


def test_an_hour_without_logs_is_no_minute_of_an_instance(tmp_path: Path) -> None:
    home = weeks(
        tmp_path / "lake",
        {HOST: lambda _: PEAK},
        range(3),
        hours=range(6, 18),
        instances=lambda _: dict.fromkeys(NAMES, 1 / 3),
    )
    for each in resource(told(home, of()), HOST)["instances"]:
        assert each["utilisation"]["minutes"] <= 3 * 12 * 60


def test_the_pages_name_the_fullest_instance_and_how_full_the_others_were(lake: Lake) -> None:
    html = composed(review(lake, of()))
    text = written(html, "figures")
    assert "on node-0, fullest of 3" in text
    assert "Instances, where they differ" in text
    assert "named is that of the peak" in text
    assert "unluckiest" not in text


def test_where_instances_are_alike_one_line_says_so(tmp_path: Path) -> None:
    home = made(tmp_path, lambda _: dict.fromkeys(NAMES, 1 / 3))
    findings: Review = review(home, of()).findings
    text = written(composed(review(home, of())), "figures")
    assert "At 1 destination the peaks of all instances lie less than 5 points apart" in text
    assert "Instances, where they differ" in [each.title for each in findings.figures]


def test_where_no_instance_is_told_the_page_says_how_ports_are_spread(tmp_path: Path) -> None:
    home = weeks(tmp_path / "lake", {HOST: lambda _: PEAK}, range(7))
    text = written(composed(review(home, of(), day(7))), "figures")
    assert "spread evenly over the units, at most is the unluckiest unit" in text
    assert "C11" not in text
