"""Ports held between bounds, against the limit."""

from datetime import timedelta

import polars as pl
import pytest

from pipeline.config import Egress
from pipeline.limits import Way
from pipeline.transforms.incidents import Run
from pipeline.transforms.ports import Band, Bounds, bands
from pipeline.transforms.ports import bounds as of_bands
from pipeline.transforms.reuse import Reuse
from pipeline.window import MINUTE, Window
from tests.given import ORDERS, PAYMENTS, Counts, at, held, run, series_frame, way

HALF = Reuse(0.5, "assumed", measured=False)
NO_FLOWS = pl.DataFrame(
    schema={
        "source_ip": pl.String,
        "destination": pl.String,
        "minute": pl.Datetime("us"),
        "begun": pl.Int64,
        "lower_peak": pl.Int64,
        "upper_peak": pl.Int64,
        "upper_peak_at": pl.Datetime("us"),
        "inferred": pl.Int64,
    }
)


def ports(
    held_peak: Counts,
    connected: float = 0,
    destination: str = PAYMENTS,
    instance: str | None = None,
    wanted: float = 0,
) -> pl.DataFrame:
    frame = series_frame("held_peak", held_peak, destination=destination)
    return frame.with_columns(
        instance=pl.lit(instance, pl.String),
        in_flight_peak=pl.lit(float(connected)),
        connected_peak=pl.lit(float(connected)),
        wanted_peak=pl.max_horizontal(pl.lit(wanted), pl.col("held_peak").cast(pl.Float64)),
        held_peak_at=pl.col("minute") + timedelta(seconds=7),
    )


def flows(
    upper: Counts, lower: float = 0, source: str = "10.0.0.4", destination: str = PAYMENTS
) -> pl.DataFrame:
    frame = series_frame("upper_peak", upper, destination=destination)
    return frame.select(
        source_ip=pl.lit(source),
        destination="destination",
        minute="minute",
        begun=pl.lit(1, pl.Int64),
        lower_peak=pl.lit(int(lower), pl.Int64),
        upper_peak=pl.col("upper_peak").cast(pl.Int64),
        upper_peak_at=pl.col("minute") + timedelta(seconds=9),
        inferred=pl.lit(0, pl.Int64),
    )


def drawn(
    frame: pl.DataFrame,
    incident: Run,
    out: Way,
    told: pl.DataFrame = NO_FLOWS,
    reuse: Reuse = HALF,
    addresses: dict[str, int] | None = None,
) -> list[Band]:
    window = Window(at(0), at(0) + 120 * MINUTE)
    return bands(frame, told, incident, window, out, reuse, addresses or {})


def bounds(
    frame: pl.DataFrame,
    incident: Run,
    out: Way,
    told: pl.DataFrame = NO_FLOWS,
    reuse: Reuse = HALF,
    addresses: dict[str, int] | None = None,
) -> list[Bounds]:
    return of_bands(drawn(frame, incident, out, told, reuse, addresses), incident, out)


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


def test_the_estimate_leaves_out_calls_that_went_over_open_connections() -> None:
    reused = Reuse(0.9, "measured", measured=True)
    [found] = bounds(ports([900.0] * 90, connected=30), run(60, 80), way(units=3), reuse=reused)
    assert (found.lower_peak, found.estimate_peak, found.upper_peak) == (10, 30, 900)


def test_the_estimate_is_never_below_the_lower_bound() -> None:
    reused = Reuse(1.0, "measured", measured=True)
    [found] = bounds(ports([900.0] * 90, connected=300), run(60, 80), way(), reuse=reused)
    assert found.estimate_peak == found.lower_peak == 300


def test_what_was_wanted_counts_the_calls_that_got_no_port_as_if_they_had() -> None:
    [found] = bounds(ports([900.0] * 90, wanted=4000), run(60, 80), way())
    assert (found.estimate_peak, found.demand_peak) == (450, 2000)


def test_where_instances_are_told_apart_the_bounds_are_those_of_the_one_that_held_most() -> None:
    frame = pl.concat(
        [
            ports([300.0] * 90, connected=100, instance="a"),
            ports([800.0] * 90, connected=50, instance="b"),
        ]
    )
    [found] = bounds(frame, run(60, 80), way(units=2))
    assert (found.instance, found.lower_peak, found.upper_peak) == ("b", 50, 800)


def test_calls_that_tell_no_instance_may_be_of_any() -> None:
    frame = pl.concat(
        [
            ports([300.0] * 90, connected=100, instance="a"),
            ports([800.0] * 90, connected=50),
        ]
    )
    [found] = bounds(frame, run(60, 80), way(units=2))
    assert (found.instance, found.lower_peak, found.upper_peak) == (None, 50, 1100)


def test_the_busiest_of_a_hosts_addresses_takes_its_even_share_at_least_and_all_at_most() -> None:
    frame = ports([900.0] * 90, connected=300, destination="orders.contoso.example:443")
    out = way(ports_per_unit=2000)
    [found] = bounds(frame, run(60, 80), out, addresses={"orders.contoso.example": 3})
    assert (found.lower_peak, found.estimate_peak, found.upper_peak) == (100, 150, 900)


def test_flow_logs_of_the_whole_run_come_before_what_requests_tell() -> None:
    told = pl.concat([flows([40.0] * 100, lower=30), flows([90.0] * 100, 70, source="10.0.0.5")])
    [found] = bounds(ports([900.0] * 90, connected=20), run(60, 80), way(), told)
    assert (found.basis, found.instance) == ("flow_logs", "10.0.0.5")
    assert (found.lower_peak, found.estimate_peak, found.upper_peak) == (70, 90, 90)


@pytest.mark.parametrize(
    "told", [flows([40.0] * 70), flows([40.0] * 100).filter(pl.col("minute") > at(65))]
)
def test_flow_logs_that_begin_late_or_end_early_decide_nothing(told: pl.DataFrame) -> None:
    [found] = bounds(ports([900.0] * 90, connected=20), run(60, 80), way(), told)
    assert (found.basis, found.upper_peak) == ("gateway_logs", 900)


def test_flow_logs_that_do_not_tell_of_a_destination_say_nothing_about_it() -> None:
    told = flows([40.0] * 100, destination=ORDERS)
    [found] = bounds(ports([900.0] * 90), run(60, 80), way(), told)
    assert (found.basis, found.upper_peak) == ("gateway_logs", 900)


def test_sources_behind_one_nat_gateway_share_its_ports() -> None:
    nat = way(egress=Egress.NAT_GATEWAY)
    told = pl.concat([flows([40.0] * 100, lower=30), flows([90.0] * 100, 70, source="10.0.0.5")])
    [found] = bounds(ports([900.0] * 90), run(60, 80), nat, told)
    assert (found.instance, found.lower_peak, found.upper_peak) == (None, 70, 130)


def test_a_firewall_excludes_by_what_one_of_its_instances_has() -> None:
    wall = way(egress=Egress.AZURE_FIREWALL, public_ips=1, firewall_instances=2)
    [below] = bounds(ports([2000.0] * 90), run(60, 80), wall)
    [between] = bounds(ports([3000.0] * 90), run(60, 80), wall)
    assert (below.limit, below.excluded) == (4992, True)
    assert (between.limit, between.excluded) == (4992, False)
