"""The figure of ports: which destinations it shows, and which numbers."""

import re

import polars as pl
import pytest

from pipeline.config import Egress
from pipeline.figure import Drawing
from pipeline.figures.port_bands import port_bands
from pipeline.limits import Way
from pipeline.transforms.incidents import Run
from pipeline.transforms.ports import Band, bounds
from pipeline.window import Window
from tests import given
from tests.given import CONNECT_TIMEOUT, ORDERS, PAYMENTS, FailureWay

QUIET, BUSY = [100.0] * 60, [800.0, 2000.0] + [1500.0] * 18
UPPER = QUIET + BUSY + [200.0] * 40
NONE_MEASURED = given.measured_ports([1.0]).clear()


def drawn(
    bands: list[Band],
    died: list[FailureWay],
    measured: pl.DataFrame = NONE_MEASURED,
    way: Way | None = None,
    run: Run | None = None,
    window: Window | None = None,
) -> Drawing | None:
    out, seen = way or given.way(units=2), run or given.run(60, 80)
    failures = pl.concat(
        [given.failures_by_minute([0] * 60 + [3] * 20, each) for each in died]
        or [given.failures_by_minute([])]
    )
    return port_bands.draw(
        bands=bands,
        ports=bounds(bands, seen, out),
        measured_ports=measured,
        failures_by_minute=failures,
        ways=given.died_of(*died),
        way=out,
        run=seen,
        window=window or given.hours(2),
    )


def texts(drawing: Drawing | None) -> list[str]:
    assert drawing is not None
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawing.svg)


def to(destination: str, times: float) -> FailureWay:
    return given.times(CONNECT_TIMEOUT, times, destination=destination)


def test_a_row_names_the_destination_the_basis_and_the_limit() -> None:
    told = texts(drawn([given.band(UPPER)], [to(PAYMENTS, 60)]))
    assert f"{PAYMENTS}, from gateway logs" in told
    assert "limit 1,024 (assumed)" in told
    assert {"at least to at most", "estimate", "wanted", "limit", "incident"} <= set(told)
    assert not [each for each in told if "measured" in each]


def test_the_numbers_are_told_to_those_who_cannot_see_them() -> None:
    drawing = drawn([given.band(UPPER)], [to(PAYMENTS, 60)])
    assert drawing
    for number in (
        "at least 200",
        "probably about 1,000",
        "at most 2,000",
        "about 1,200 were wanted",
        "limit is 1,024",
        "60 calls",
    ):
        assert number in drawing.alt
    assert f"<title>{drawing.alt}</title>" in drawing.svg


def test_a_limit_that_the_settings_state_is_not_called_assumed() -> None:
    way = given.way(units=2, ports_per_unit=64)
    assert "limit 64" in texts(drawn([given.band(UPPER, limit=64)], [to(PAYMENTS, 60)], way=way))


def test_what_is_guaranteed_is_not_called_a_limit() -> None:
    way = given.way(egress=Egress.APP_SERVICE)
    told = texts(drawn([given.band(UPPER, limit=128)], [to(PAYMENTS, 60)], way=way))
    assert "guaranteed 128, more may be given" in told


def test_flow_logs_are_named_as_the_basis() -> None:
    band = given.band(UPPER, instance="10.0.0.4", basis="flow_logs")
    assert f"{PAYMENTS}, from flow logs" in texts(drawn([band], [to(PAYMENTS, 60)]))


@pytest.mark.parametrize(("limit", "far"), [(40_000, False), (50_000, True)])
def test_a_limit_too_far_above_the_band_is_told_in_words(limit: int, far: bool) -> None:
    way = given.way(egress=Egress.NAT_GATEWAY)
    told = texts(drawn([given.band(UPPER, limit=limit)], [to(PAYMENTS, 60)], way=way))
    assert any("25 times the peak, far above this axis" in each for each in told) is far
    assert (f"limit {limit:,} (assumed)" in told) is not far


def test_at_most_three_destinations_are_shown_those_with_most_failures_first() -> None:
    names = [f"203.0.113.{place}:443" for place in range(1, 6)]
    bands = [given.band([each * (1 + place) for each in UPPER], names[place]) for place in range(5)]
    died = [to(names[0], 50), to(names[1], 5), to(names[2], 5), to(names[4], 1)]
    titles = [each for each in texts(drawn(bands, died)) if "from gateway logs" in each]
    assert [each.partition(",")[0] for each in titles] == [names[0], names[2], names[1]]


def test_a_destination_whose_calls_went_well_is_not_shown() -> None:
    told = texts(drawn([given.band(UPPER), given.band(UPPER, ORDERS)], [to(PAYMENTS, 60)]))
    assert not [each for each in told if ORDERS in each]


def test_without_a_public_destination_that_failed_there_is_nothing_to_draw() -> None:
    assert drawn([], [to(PAYMENTS, 60)]) is None
    assert drawn([given.band(UPPER, ORDERS)], [to(PAYMENTS, 60)]) is None
    assert drawn([given.band(UPPER)], []) is None


def test_what_was_measured_is_drawn_and_told() -> None:
    measured = given.measured_ports([50.0] * 60 + [1024.0] * 20)
    drawing = drawn([given.band(UPPER)], [to(PAYMENTS, 60)], measured)
    assert "measured: used ports, all destinations" in texts(drawing)
    assert drawing
    assert "up to 1,024 used ports" in drawing.alt


def test_what_was_measured_outside_the_view_is_not_promised() -> None:
    measured = given.measured_ports([50.0] * 10)
    band = given.band(UPPER)
    late = Band(PAYMENTS, None, band.minutes.tail(-30), 1024)
    told = texts(drawn([late], [to(PAYMENTS, 60)], measured))
    assert not [each for each in told if "measured" in each]


def test_minutes_that_no_band_covers_are_not_drawn_as_zero() -> None:
    """Eight hours of data, ports looked at around the incident only: the axis starts there."""
    band = given.band(UPPER)
    late = Band(PAYMENTS, None, band.minutes.tail(-45), 1024)
    told = texts(drawn([late], [to(PAYMENTS, 60)], window=given.hours(3)))
    assert "09:00" in told
    assert "08:30" not in told


def test_what_was_measured_of_the_bands_own_instance_comes_before_the_busiest() -> None:
    measured = pl.concat(
        [
            given.measured_ports([10.0] * 100, instance="10.0.0.4"),
            given.measured_ports([5000.0] * 100, instance="10.0.0.5"),
        ]
    )
    own = drawn([given.band(UPPER, instance="10.0.0.4")], [to(PAYMENTS, 60)], measured)
    any_ = drawn([given.band(UPPER)], [to(PAYMENTS, 60)], measured)
    assert "4,000" not in texts(own)
    assert "4,000" in texts(any_)
