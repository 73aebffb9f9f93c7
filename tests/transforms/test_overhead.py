"""The gateway's own time before and during."""

import polars as pl
import pytest

from pipeline.transforms.overhead import Overhead, overhead
from tests.given import hours, run, series_frame


def own_time(before: float, during: float, negative: int = 0) -> pl.DataFrame:
    frame = series_frame("p95_ms", [before] * 60 + [during] * 60)
    return frame.with_columns(requests=pl.lit(10), negative=pl.lit(negative))


def test_before_and_during_are_medians_over_minutes() -> None:
    frame = own_time(5, 500)
    spiked = frame.with_columns(
        p95_ms=pl.when(pl.int_range(pl.len()) == 30).then(9e9).otherwise(pl.col("p95_ms"))
    )
    assert overhead(spiked, run(60, 90), hours(2)) == Overhead(5, 500, 0)


def test_how_often_parts_exceed_the_total_is_told() -> None:
    found = overhead(own_time(5, 5, negative=1), run(60, 90), hours(2))
    assert found.negative_share == pytest.approx(0.1)


def test_without_a_time_before_nothing_is_said_of_it() -> None:
    assert overhead(own_time(5, 500), run(4, 30), hours(2)).before_ms is None


def test_no_requests_have_no_time() -> None:
    assert overhead(own_time(5, 5).clear(), run(60, 90), hours(2)) == Overhead(None, None, 0)
