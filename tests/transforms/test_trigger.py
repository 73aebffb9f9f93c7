"""What set an incident off: only what moved before it, as far as minutes tell."""

from datetime import timedelta

import polars as pl
import pytest

from pipeline.finding import Trigger
from pipeline.transforms.changes import changes
from pipeline.transforms.latency import Shift
from pipeline.transforms.scale_in import Taken
from pipeline.transforms.trigger import Before, trigger
from tests.given import (
    GATEWAY,
    ORDERS,
    PAYMENTS,
    Counts,
    at,
    change,
    changes_around,
    hours,
    run,
    series_frame,
    shift,
)


def told(
    calls: Counts,
    latency: list[Shift] | None = None,
    mechanism: str = "snat_port_exhaustion",
    destination: str | None = PAYMENTS,
    start: float = 60.5,
) -> tuple[Trigger, str]:
    frame = series_frame("calls", [float(each) for each in calls], destination=PAYMENTS)
    return trigger(mechanism, destination, frame, latency or [], run(start, 90), hours(2))


def usual(minutes: int) -> list[float]:
    return [100.0 + minute % 7 for minute in range(minutes)]


def test_calls_that_rose_in_the_minute_before_are_a_surge() -> None:
    found, why = told(usual(59) + [400.0] * 40)
    assert found is Trigger.TRAFFIC_SURGE
    assert why == (
        f"400 new calls to {PAYMENTS} in the last whole minute before the first failure, "
        "103 a minute usually (3.9 times)."
    )


def of_weeks(levels: list[float]) -> pl.DataFrame:
    """Calls that treble shortly before the onset; in earlier weeks so many were usual."""
    now = series_frame("calls", usual(59) + [400.0] * 40, destination=PAYMENTS)
    weeks = [
        series_frame("calls", [level] * 99, destination=PAYMENTS).with_columns(
            minute=pl.col("minute") - timedelta(weeks=ago)
        )
        for ago, level in enumerate(levels, start=1)
    ]
    return pl.concat([*weeks, now])


def test_calls_as_many_as_in_earlier_weeks_at_the_hour_are_no_surge() -> None:
    frame = of_weeks([390.0, 380.0, 420.0])
    found, why = trigger("snat_port_exhaustion", PAYMENTS, frame, [], run(60.5, 90), hours(2))
    assert found is Trigger.NONE_FOUND
    assert why.startswith(
        f"400 new calls to {PAYMENTS} in the last whole minute before the first failure, 103 a "
        "minute usually (3.9 times); 390 at this weekday and hour of 3 earlier weeks: so many"
    )


def test_calls_far_more_than_in_earlier_weeks_are_a_surge() -> None:
    frame = of_weeks([100.0, 390.0, 110.0])
    found, why = trigger("snat_port_exhaustion", PAYMENTS, frame, [], run(60.5, 90), hours(2))
    assert found is Trigger.TRAFFIC_SURGE
    assert "; 110 at this weekday and hour of 3 earlier weeks." in why


def test_retries_that_follow_the_first_failure_are_no_surge() -> None:
    found, why = told(usual(61) + [900.0] * 30)
    assert found is Trigger.NONE_FOUND
    assert "no surge" in why


def test_calls_that_rose_in_the_minute_of_the_first_failure_are_left_open() -> None:
    found, why = told(usual(60) + [900.0] * 30)
    assert found is Trigger.NONE_FOUND
    assert "900 in the minute of the first failure itself" in why
    assert "minutes do not tell" in why


def test_the_usual_up_and_down_is_no_surge() -> None:
    ragged = [50.0, 300.0] * 30
    found, _ = told(ragged[:59] + [330.0] * 40)
    assert found is Trigger.NONE_FOUND


def test_a_handful_more_calls_is_no_surge() -> None:
    assert told([2.0] * 59 + [6.0] * 40)[0] is Trigger.NONE_FOUND


def test_a_backend_that_got_slower_a_minute_before_is_the_trigger() -> None:
    found, why = told(usual(100), [shift(100, 300, change=55)])
    assert found is Trigger.SLOW_BACKEND
    assert "3.0 times as slow at least 5 min before" in why


def test_a_backend_that_got_slower_with_the_failures_is_not() -> None:
    assert told(usual(100), [shift(100, 300, change=60)])[0] is Trigger.NONE_FOUND


def test_a_slow_backend_is_not_its_own_trigger() -> None:
    found, _ = told(usual(100), [shift(100, 300, change=55)], mechanism="backend_slow")
    assert found is Trigger.NONE_FOUND


def test_another_backend_that_got_slower_is_not_the_trigger() -> None:
    assert told(usual(100), [shift(100, 300, ORDERS, change=55)])[0] is Trigger.NONE_FOUND


@pytest.mark.parametrize(("destination", "start"), [(None, 60.5), (PAYMENTS, 3.0)])
def test_without_a_destination_or_a_time_before_none_is_found(
    destination: str | None, start: float
) -> None:
    found, why = told(usual(100), destination=destination, start=start)
    assert found is Trigger.NONE_FOUND
    assert why == "The data holds too few minutes before the first failure."


def test_a_destination_that_was_not_called_before_has_nothing_to_compare_with() -> None:
    frame = series_frame("calls", [5.0] * 90, destination=PAYMENTS)
    later = frame.filter(pl.col("minute") >= run(60, 90).start)
    found, why = trigger("snat_port_exhaustion", PAYMENTS, later, [], run(60, 90), hours(2))
    assert found is Trigger.NONE_FOUND
    assert "no calls" in why


def changed(
    *said: dict[str, object],
    mechanism: str = "snat_port_exhaustion",
    calls: Counts | None = None,
    taken: tuple[Taken, ...] = (),
    lost: str | None = None,
) -> tuple[Trigger, str]:
    """With changes near the gateway; the first request failed at 09:00:30."""
    frame = series_frame("calls", list(calls or usual(100)), destination=PAYMENTS)
    near = changes(changes_around(*said), GATEWAY) if said else []
    before = Before(near, taken, lost)
    return trigger(mechanism, PAYMENTS, frame, [], run(60.5, 90), hours(2), before)


ROUTES = "/subscriptions/0/resourcegroups/rg/providers/microsoft.network/routetables/r"


def test_a_change_that_ended_before_the_first_failure_is_named_and_not_blamed() -> None:
    found, why = changed(change(began=49, ended=50))
    assert found is Trigger.CONFIGURATION_CHANGE
    assert why == (
        "microsoft.apimanagement/service/write on API Management service contoso (the gateway "
        "itself) by application tool; it was done at 08:50:00 UTC, 10 min before the first "
        "failure. That it came before is what the records tell, not that it led to it."
    )


@pytest.mark.parametrize("ended", [60.5, 61, 75])
def test_a_change_with_the_first_failure_or_after_it_explains_nothing(ended: float) -> None:
    assert changed(change(began=ended, ended=ended))[0] is Trigger.NONE_FOUND


def test_a_change_that_was_under_way_is_told_and_not_ordered() -> None:
    found, why = changed(change(began=58, ended=62))
    assert found is Trigger.NONE_FOUND
    assert "was under way when the first request failed: which came first is not told." in why


def test_a_change_nearer_than_two_clocks_agree_is_not_ordered() -> None:
    found, why = changed(change(began=60.4, ended=60.4))
    assert found is Trigger.NONE_FOUND
    assert "which came first is not told" in why


@pytest.mark.parametrize(
    "said",
    [
        change(began=-2, ended=0),
        change(ended=50, status="failed"),
        change(began=50, ended=None, status="accepted"),
        change(began=50, ended=50, near="subscription", resource_id=ROUTES),
        change(began=50, ended=50, category="resourcehealth"),
    ],
    ids=["long before", "failed", "of no end", "far away", "health"],
)
def test_a_change_that_cannot_be_held_against_it_is_none(said: dict[str, object]) -> None:
    assert changed(said)[0] is Trigger.NONE_FOUND


@pytest.mark.parametrize(
    ("mechanism", "found"),
    [
        ("backend_unreachable", Trigger.CONFIGURATION_CHANGE),
        ("tls_failure", Trigger.NONE_FOUND),
        ("backend_slow", Trigger.NONE_FOUND),
    ],
)
def test_a_change_to_the_network_of_the_group_explains_what_a_network_can_do(
    mechanism: str, found: Trigger
) -> None:
    near = change(began=50, ended=50, near="group", resource_id=ROUTES)
    assert changed(near, mechanism=mechanism)[0] is found


def test_a_backend_that_is_slow_by_itself_is_not_explained_by_a_change_of_the_gateway() -> None:
    assert changed(change(ended=50), mechanism="backend_slow")[0] is Trigger.NONE_FOUND


def test_of_several_changes_the_gateways_own_goes_first_and_then_the_latest() -> None:
    found, why = changed(
        change(began=30, ended=30, operation="first"),
        change(began=40, ended=40, operation="second"),
        change(began=50, ended=50, operation="routes", near="group", resource_id=ROUTES),
    )
    assert found is Trigger.CONFIGURATION_CHANGE
    assert why.startswith("second on ")
    assert why.endswith("2 more ended in the hour before.")


def test_units_taken_away_before_are_a_scale_in_where_want_of_them_is_the_mechanism() -> None:
    taken = (Taken(at(50), "Autoscale took it from 3 to 2 instances"),)
    found, why = changed(taken=taken)
    assert found is Trigger.SCALE_IN
    assert "it was done at 08:50:00 UTC, 10 min before the first failure" in why
    assert changed(taken=taken, mechanism="dns_failure")[0] is Trigger.NONE_FOUND


def test_units_taken_away_afterwards_explain_nothing() -> None:
    assert changed(taken=(Taken(at(61), "It shrank"),))[0] is Trigger.NONE_FOUND


def test_lost_reuse_goes_before_the_change_that_it_came_with() -> None:
    found, why = changed(change(began=50, ended=50), lost="Reuse was lost.")
    assert found is Trigger.LOST_CONNECTION_REUSE
    assert why.startswith("Reuse was lost. Before that, too: microsoft.apimanagement")


def test_lost_reuse_explains_a_want_of_ports_alone() -> None:
    assert changed(lost="Reuse was lost.", mechanism="tls_failure")[0] is Trigger.NONE_FOUND


def test_a_surge_that_was_measured_goes_before_what_was_recorded() -> None:
    found, why = changed(change(began=50, ended=50), calls=usual(59) + [400.0] * 40)
    assert found is Trigger.TRAFFIC_SURGE
    assert "Before that, too: " in why


def test_a_change_is_named_even_where_there_are_too_few_minutes_to_compare() -> None:
    before = Before(changes(changes_around(change(began=-7, ended=-7)), GATEWAY))
    empty = series_frame("calls", [], destination=PAYMENTS)
    found, _ = trigger("dns_failure", None, empty, [], run(3, 90), hours(2), before)
    assert found is Trigger.CONFIGURATION_CHANGE


def test_calls_that_rose_with_the_failures_keep_a_change_before_from_being_the_trigger() -> None:
    found, why = changed(change(began=20, ended=20), calls=usual(60) + [900.0] * 30)
    assert found is Trigger.NONE_FOUND
    assert "minutes do not tell. Before that, too: " in why
