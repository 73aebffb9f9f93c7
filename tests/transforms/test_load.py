"""Load: medians before and during, and how much of the incident a value is of."""

import polars as pl
import pytest

from pipeline.transforms.load import Load, loads
from tests.given import GATEWAY, Counts, at, hours, run


def told(
    means: Counts, first: int = 0, grain_s: float = 60, peak: float | None = None
) -> list[Load]:
    rows = [
        {
            "resource_id": GATEWAY,
            "measure": "capacity",
            "minute": at(first + n * grain_s / 60),
            "grain_s": grain_s,
            "mean": mean,
            "peak": peak,
        }
        for n, mean in enumerate(means)
    ]
    frame = pl.DataFrame(rows, schema_overrides={"peak": pl.Float64})
    return loads(frame, run(60.5, 90), hours(2))


def test_load_before_and_during_are_medians_of_minutes() -> None:
    [load] = told([0.3] * 60 + [0.95] * 30)
    assert (load.before, load.during, load.highest) == (0.3, 0.95, 0.95)
    assert load.told == 1
    assert load.own
    assert load.rose


def test_a_peak_within_a_minute_is_the_highest() -> None:
    [load] = told([0.3] * 90, peak=0.8)
    assert (load.highest, load.low, load.rose) == (0.8, False, False)


def test_minutes_that_are_missing_are_not_told_and_not_0() -> None:
    [load] = told([0.3] * 75)
    assert load.told == pytest.approx(0.5)
    assert not load.low


def test_a_longer_grain_tells_of_all_its_minutes() -> None:
    [load] = told([0.3] * 18, grain_s=300)
    assert load.told == 1
    assert load.low


def test_without_minutes_before_it_did_not_surely_rise() -> None:
    [load] = told([0.95] * 30, first=60)
    assert load.before is None
    assert not load.rose


def test_what_is_not_of_the_incident_tells_nothing() -> None:
    assert told([0.3] * 50) == []
