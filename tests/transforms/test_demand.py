"""Why demand rose: the parts add up to the whole, and each factor is found where it was planted."""

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.transforms.demand import Rise, rise
from tests.given import ORDERS, PAYMENTS, Counts, at, hours, run

HOLD_S = 240.0
ONSET = 60.5
UNMEASURED = pl.DataFrame(schema={"minute": pl.Datetime("us"), "connections": pl.Float64})


def asked(
    calls: Counts, repeats: float = 0.0, answer_ms: Counts = (), destination: str = PAYMENTS
) -> pl.DataFrame:
    """Calls a minute from eight on; from the onset on, ``repeats`` (0 to 1) of them are repeats."""
    return pl.DataFrame(
        {
            "destination": destination,
            "minute": [at(minute) for minute in range(len(calls))],
            "calls": [float(each) for each in calls],
            "repeats": [
                each * repeats if minute >= 60 else 0.0 for minute, each in enumerate(calls)
            ],
            "answered": [float(each) for each in calls],
            "answered_ms": [
                each * (answer_ms[minute] if answer_ms else 100.0)
                for minute, each in enumerate(calls)
            ],
        }
    ).cast({"minute": pl.Datetime("us")})


def opened(connections: Counts) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "minute": [at(minute) for minute in range(len(connections))],
            "connections": [float(each) for each in connections],
        }
    ).cast({"minute": pl.Datetime("us")})


def risen(
    frame: pl.DataFrame, connections: pl.DataFrame = UNMEASURED, hold_s: float = HOLD_S
) -> Rise:
    found = rise(frame, connections, PAYMENTS, run(ONSET, 90), hours(2), hold_s)
    assert found is not None
    return found


def test_more_operations_are_traffic() -> None:
    found = risen(asked([100] * 60 + [300] * 30))
    assert found.times == pytest.approx(3)
    assert found.shares == pytest.approx(
        {"traffic": 1, "slowness": 0, "retries": 0, "lost_reuse": 0}
    )


def test_calls_that_repeat_failed_ones_are_retries() -> None:
    found = risen(asked([100] * 60 + [400] * 30, repeats=0.5))
    assert found.traffic == pytest.approx(2)
    assert found.retries == pytest.approx(2)
    assert found.shares["retries"] == pytest.approx(0.5)


def test_longer_answers_count_beside_the_hold_time() -> None:
    slow = asked([100] * 90, answer_ms=[1_000.0] * 60 + [181_000.0] * 30)
    assert risen(slow, hold_s=59.0).times == pytest.approx(4)
    assert risen(slow, hold_s=59.0).shares["slowness"] == pytest.approx(1)


def test_more_connections_a_call_are_lost_reuse() -> None:
    found = risen(asked([100] * 90), opened([10] * 60 + [40] * 60))
    assert found.reuse == pytest.approx(4)
    assert found.shares["lost_reuse"] == pytest.approx(1)


def test_connections_told_of_only_a_part_of_the_time_tell_nothing() -> None:
    late = opened([10] * 120).filter(pl.col("minute") >= at(50))
    assert risen(asked([100] * 60 + [300] * 30), late).reuse is None


@pytest.mark.parametrize(
    "frame",
    [
        asked([100] * 90),
        asked([300] * 60 + [100] * 30),
        asked([0] * 60 + [100] * 30),
        asked([100] * 60 + [300] * 30, destination=ORDERS),
    ],
    ids=["as many", "fewer", "none before", "elsewhere"],
)
def test_what_did_not_rise_or_cannot_be_compared_has_no_reasons(frame: pl.DataFrame) -> None:
    assert rise(frame, UNMEASURED, PAYMENTS, run(ONSET, 90), hours(2), HOLD_S) is None


def test_without_minutes_before_there_is_nothing_to_compare_with() -> None:
    frame = asked([300] * 30)
    assert rise(frame, UNMEASURED, PAYMENTS, run(1, 20), hours(1), HOLD_S) is None


@given(
    traffic=st.floats(0.5, 10),
    repeats=st.floats(0, 0.9),
    answer_ms=st.floats(10, 200_000),
    connections=st.floats(1, 500),
)
def test_the_shares_add_up_to_the_rise(
    traffic: float, repeats: float, answer_ms: float, connections: float
) -> None:
    frame = asked(
        [100] * 60 + [100 * traffic / (1 - repeats)] * 30,
        repeats,
        answer_ms=[100.0] * 60 + [answer_ms] * 30,
    )
    measured = opened([50] * 60 + [connections] * 60)
    found = rise(frame, measured, PAYMENTS, run(ONSET, 90), hours(2), HOLD_S)
    assume(found is not None)
    assert found is not None
    assert sum(found.shares.values()) == pytest.approx(1)
    product = found.traffic * found.retries * found.slowness * (found.reuse or 1)
    assert found.times == pytest.approx(product)
