"""Ports held between bounds, against the limit."""

from datetime import timedelta

import polars as pl
import pytest

from pipeline.config import Egress
from pipeline.transforms.ports import bounds
from tests.given import ORDERS, PAYMENTS, Counts, at, held, run, series_frame, way


def ports(held_peak: Counts, connected: float = 0, destination: str = PAYMENTS) -> pl.DataFrame:
    frame = series_frame("held_peak", held_peak, destination=destination)
    return frame.with_columns(
        connected_peak=pl.lit(float(connected)),
        held_peak_at=pl.col("minute") + timedelta(seconds=7),
    )


def test_the_upper_bound_is_the_highest_peak_and_when_it_was() -> None:
    [found] = bounds(ports([10.0] * 60 + [500.0, 900.0, 700.0]), run(60, 63), way())
    assert (found.upper_peak, found.limit) == (900, 1024)
    assert found.peak_at == at(61) + timedelta(seconds=7)
    assert found.excluded


def test_the_lower_bound_is_spread_evenly_over_units_and_the_upper_one_is_not() -> None:
    [found] = bounds(ports([900.0] * 90, connected=301), run(60, 80), way(units=3))
    assert (found.lower_peak, found.upper_peak) == (101, 900)


def test_units_share_the_ports_of_a_nat_gateway() -> None:
    nat = way(units=3, egress=Egress.NAT_GATEWAY)
    [found] = bounds(ports([900.0] * 90, connected=301), run(60, 80), nat)
    assert (found.lower_peak, found.limit) == (301, 50_000)


def test_a_peak_one_hold_time_before_the_first_failure_counts() -> None:
    early = [10.0] * 56 + [2000.0] + [10.0] * 30
    [found] = bounds(ports(early), run(60.5, 80), way())
    assert found.upper_peak == 2000
    assert not found.excluded


def test_a_peak_long_before_the_first_failure_does_not_count() -> None:
    [found] = bounds(ports([10.0] * 40 + [2000.0] + [10.0] * 60), run(60, 80), way())
    assert found.upper_peak == 10


def test_a_peak_after_the_last_failure_does_not_count() -> None:
    [found] = bounds(ports([10.0] * 85 + [2000.0]), run(60, 80), way())
    assert found.upper_peak == 10


def test_a_minute_without_a_row_is_as_the_one_before() -> None:
    [found] = bounds(ports([10.0] * 30 + [2000.0]), run(60, 80), way())
    assert found.upper_peak == 2000


def test_a_destination_that_held_nothing_is_left_out() -> None:
    assert bounds(ports([10.0] * 30 + [0.0]), run(60, 80), way()) == []


def test_an_upper_bound_at_the_limit_does_not_exclude() -> None:
    assert held(1023).excluded
    assert not held(1024).excluded


def test_the_destination_that_held_most_comes_first() -> None:
    frame = pl.concat([ports([10.0] * 90), ports([20.0] * 90, destination=ORDERS)])
    assert [each.destination for each in bounds(frame, run(60, 80), way())] == [ORDERS, PAYMENTS]


@pytest.mark.parametrize(("weighted", "whole"), [(3.0000000001, 3), (3.01, 4)])
def test_part_of_a_port_is_a_port_and_what_adding_up_leaves_is_none(
    weighted: float, whole: int
) -> None:
    [found] = bounds(ports([weighted] * 90), run(60, 80), way())
    assert found.upper_peak == whole


def test_the_limit_is_the_one_that_the_settings_state() -> None:
    [found] = bounds(ports([100.0] * 90), run(60, 80), way(ports_per_unit=64))
    assert (found.limit, found.excluded) == (64, False)


def test_a_host_of_unknown_address_may_share_the_address_and_counts() -> None:
    frame = pl.concat(
        [
            ports([700.0] * 90, destination="203.0.113.10:443"),
            ports([400.0] * 90, destination="orders.contoso.example:443"),
            ports([300.0] * 90, destination="rates.fabrikam.example:8080"),
            ports([200.0] * 90, destination="203.0.113.20:443"),
        ]
    )
    found = {each.destination: each for each in bounds(frame, run(60, 80), way())}
    assert found["203.0.113.10:443"].upper_peak == 1100
    assert found["203.0.113.10:443"].sharing == 1
    assert not found["203.0.113.10:443"].excluded
    assert found["rates.fabrikam.example:8080"].upper_peak == 300
    assert found["orders.contoso.example:443"].sharing == 0
