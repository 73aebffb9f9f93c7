"""What the failures of an incident died of."""

import polars as pl
import pytest

from pipeline.transforms.ways import ways
from tests.given import (
    CONNECT_TIMEOUT,
    ORDERS,
    PAYMENTS,
    SERVER_ERROR,
    died_of,
    failures_by_minute,
    run,
    times,
)


def test_only_what_counts_as_a_failure_within_the_run_is_counted() -> None:
    turned_away = times(SERVER_ERROR, 1, outcome="rejected", backend_status=401)
    frame = pl.concat([failures_by_minute([1.0] * 60), failures_by_minute([5.0] * 60, turned_away)])
    assert ways(frame, run(10.5, 19.5)).failures == 10
    assert ways(frame, run(10.5, 19.5, counted="failed,rejected")).failures == 60
    assert ways(frame, run(10.5, 19.5, counted="aborted")).failures == 0


def test_a_failed_connect_has_no_backend_status() -> None:
    odd = times(CONNECT_TIMEOUT, 7, backend_status=200)
    assert died_of(times(CONNECT_TIMEOUT, 3), odd).connect_failures == 3


def test_a_refused_connect_did_not_wait_in_vain() -> None:
    assert died_of(times(CONNECT_TIMEOUT, 3, fault="refused")).connect_failures == 0


def test_failures_that_carry_nothing_are_not_told() -> None:
    silent = times(CONNECT_TIMEOUT, 4, reason=None, fault=None)
    assert died_of(silent, times(SERVER_ERROR, 2), times(CONNECT_TIMEOUT, 1)).told == 3


def test_destinations_come_worst_first_and_the_unknown_one_last_of_equals() -> None:
    kinds = [
        times(CONNECT_TIMEOUT, 5),
        times(CONNECT_TIMEOUT, 9, destination=ORDERS),
        times(CONNECT_TIMEOUT, 5, destination=None),
    ]
    assert died_of(*kinds).by_destination() == [(ORDERS, 9), (PAYMENTS, 5), (None, 5)]


def test_a_share_of_no_failures_is_none() -> None:
    assert died_of(times(CONNECT_TIMEOUT, 4)).share(1) == pytest.approx(0.25)
    assert died_of().share(0) == 0
