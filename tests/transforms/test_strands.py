"""Incidents that overlap at one gateway are told apart by destination and reason, or not at all."""

import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.transforms.strands import own_minutes, parted
from pipeline.window import floor
from tests.given import (
    CONNECT_TIMEOUT,
    ORDERS,
    PAYMENTS,
    SERVER_ERROR,
    Counts,
    FailureWay,
    at,
    failures_by_minute,
    hours,
    incidents,
    requests_by_minute,
)

REQUESTS = [600.0] * 120
ORDERS_BROKEN: FailureWay = (ORDERS, *SERVER_ERROR[1:])
ORDERS_UNREACHABLE: FailureWay = (ORDERS, *CONNECT_TIMEOUT[1:])
NO_BACKEND: FailureWay = (None, "failed", "ExpressionValueEvaluationFailure", "other", None, 1)


def spell(start: int, stop: int, count: float) -> list[float]:
    """So many failures a minute from one minute to another, of two hours."""
    return [count if start <= minute < stop else 0.0 for minute in range(120)]


def told_apart(*kinds: tuple[FailureWay, Counts]) -> list[Run]:
    """The incidents of two hours at a gateway where calls failed in so many ways."""
    failed = [sum(counts) for counts in zip(*(counts for _, counts in kinds), strict=True)]
    requests = requests_by_minute(REQUESTS, failed)
    failures = pl.concat([failures_by_minute(counts, way) for way, counts in kinds])
    return parted(incidents(requests, failures, hours(2)), requests, failures, hours(2))


def test_two_backends_that_fail_for_different_reasons_are_two_incidents() -> None:
    first, second = told_apart(
        (CONNECT_TIMEOUT, spell(60, 80, 50)), (ORDERS_BROKEN, spell(70, 100, 30))
    )
    assert (floor(first.start), floor(first.last)) == (at(60), at(79))
    assert (floor(second.start), floor(second.last)) == (at(70), at(99))
    assert (first.failures, second.failures) == (1000, 900)
    assert (first.elsewhere, second.elsewhere) == ((ORDERS,), (PAYMENTS,))


def test_two_that_fail_for_the_same_reason_stay_one() -> None:
    [one] = told_apart(
        (CONNECT_TIMEOUT, spell(60, 80, 50)), (ORDERS_UNREACHABLE, spell(70, 100, 30))
    )
    assert (one.failures, one.elsewhere) == (1900, ())


def test_one_destination_that_fails_in_two_ways_stays_one() -> None:
    [one] = told_apart((CONNECT_TIMEOUT, spell(60, 80, 50)), (SERVER_ERROR, spell(70, 100, 30)))
    assert one.elsewhere == ()


def test_a_few_failures_beside_an_incident_are_none_of_their_own() -> None:
    [one] = told_apart((CONNECT_TIMEOUT, spell(60, 80, 50)), (ORDERS_BROKEN, spell(60, 80, 5)))
    assert (one.failures, one.elsewhere) == (1100, ())


def test_what_would_be_no_incident_alone_is_none_beside_another() -> None:
    rare = [2.0 if minute % 2 else 0.0 for minute in range(120)]
    [one] = told_apart((CONNECT_TIMEOUT, spell(60, 70, 20)), (ORDERS_BROKEN, rare))
    assert one.elsewhere == ()


def test_failures_of_no_destination_stay_with_the_largest() -> None:
    first, second = told_apart(
        (CONNECT_TIMEOUT, spell(60, 80, 50)),
        (ORDERS_BROKEN, spell(70, 100, 30)),
        (NO_BACKEND, spell(60, 80, 10)),
    )
    assert (first.failures, second.failures) == (1200, 900)
    assert second.elsewhere == ("", PAYMENTS)


def test_apart_in_time_they_are_two_anyway() -> None:
    first, second = told_apart(
        (CONNECT_TIMEOUT, spell(30, 40, 50)), (ORDERS_BROKEN, spell(80, 90, 30))
    )
    assert (first.elsewhere, second.elsewhere) == ((), ())


def test_a_strand_has_all_requests_and_its_own_failures() -> None:
    failures = pl.concat([failures_by_minute([0, 4]), failures_by_minute([3, 4], ORDERS_BROKEN)])
    own = own_minutes(requests_by_minute([10, 20], [3, 8]), failures, (ORDERS,))
    assert own["requests"].to_list() == [10, 20]
    assert own["failed"].to_list() == [0, 4]
    assert own["first_failure"].to_list() == [None, at(1 + 1 / 6)]
