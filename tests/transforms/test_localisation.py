"""What failures have in common: the shortest description that tells them from the rest."""

import numpy as np
import polars as pl
import pytest

from pipeline.transforms.localisation import common

Cell = tuple[str | None, str | None, float, float]


def cells(*rows: Cell) -> pl.DataFrame:
    return pl.DataFrame(
        list(rows), schema=["destination", "region", "requests", "failures"], orient="row"
    )


def first(*rows: Cell) -> dict[str, str]:
    return common(cells(*rows), ["destination", "region"])[0].attributes


def test_failures_of_one_destination_are_told_by_it_alone() -> None:
    assert first(("a", "west", 100, 90), ("a", "north", 50, 45), ("b", "west", 400, 0)) == {
        "destination": "a"
    }


def test_failures_of_one_destination_in_one_region_are_told_by_both() -> None:
    frame = cells(("a", "west", 100, 90), ("a", "north", 100, 0), ("b", "west", 100, 0))
    found = [each.attributes for each in common(frame, ["destination", "region"])]
    assert found == [{"destination": "a", "region": "west"}]


def test_no_value_is_a_value_of_its_own() -> None:
    assert first((None, "west", 100, 90), ("b", "west", 400, 0)) == {"destination": "none"}


def test_failures_that_are_everywhere_have_nothing_in_common() -> None:
    spread = cells(("a", "west", 100, 10), ("b", "west", 100, 10), ("c", "north", 100, 10))
    assert common(spread, ["destination", "region"]) == []


def test_what_holds_all_traffic_explains_nothing() -> None:
    assert common(cells(("a", "west", 100, 50)), ["destination", "region"]) == []


def test_no_failures_have_nothing_in_common() -> None:
    assert common(cells(("a", "west", 100, 0)), ["destination", "region"]) == []
    assert common(cells(), ["destination", "region"]) == []


def test_a_handful_of_good_requests_elsewhere_is_no_contrast() -> None:
    assert common(cells(("a", "west", 100, 50), ("b", "west", 1, 0)), ["destination"]) == []


def test_the_shares_and_rates_are_those_of_the_cells() -> None:
    best = common(cells(("a", "west", 100, 90), ("b", "west", 300, 10)), ["destination"])[0]
    assert (best.requests, best.failures) == (100, 90)
    assert best.share_of_failures == pytest.approx(0.9)
    assert best.share_of_requests == pytest.approx(0.25)
    assert best.rate_inside == pytest.approx(0.9)
    assert best.rate_outside == pytest.approx(10 / 300)


def test_the_same_requests_are_described_once() -> None:
    found = common(cells(("a", "west", 100, 90), ("b", "north", 400, 1)), ["destination", "region"])
    assert len({(each.requests, each.failures) for each in found}) == len(found)


def test_the_order_of_cells_makes_no_difference() -> None:
    frame = cells(("a", "west", 100, 90), ("b", "west", 100, 80), ("c", "north", 500, 0))
    assert common(frame, ["destination", "region"]) == common(
        frame.reverse(), ["destination", "region"]
    )


def test_two_causes_are_two_combinations_and_no_more() -> None:
    rows = [(name, "west", 100.0, 90.0 if name in "ab" else 0.0) for name in "abcdefgh"]
    found = common(cells(*rows), ["destination", "region"])
    assert [each.attributes for each in found] == [{"destination": "a"}, {"destination": "b"}]
    assert sum(each.share_of_failures for each in found) == pytest.approx(1)


def test_failures_as_usual_are_no_part_of_what_is_explained() -> None:
    frame = cells(("a", "west", 100, 90), ("b", "west", 9000, 900)).with_columns(
        expected=pl.col("requests") * 0.1
    )
    [only] = common(frame, ["destination", "region"])
    assert only.attributes == {"destination": "a"}


def test_values_of_the_same_requests_are_told_for_nobody_can_tell_which() -> None:
    [only] = common(
        cells(("a", "west", 100, 90), ("b", "north", 400, 0)), ["region", "destination"]
    )
    assert only.attributes == {"region": "west"}
    assert only.same == {"destination": "a"}


def test_a_few_failures_more_than_by_chance_are_nothing_in_common() -> None:
    rows = [(name, "west", 10.0, 3.0 if name == "a" else 1.0) for name in "abcdefgh"]
    assert common(cells(*rows), ["destination", "region"]) == []


def test_of_a_hundred_thousand_cells_it_finds_the_few_that_matter() -> None:
    rng = np.random.default_rng(5)
    count = 100_000
    frame = pl.DataFrame(
        {f"d{n}": rng.integers(0, 5 * n + 5, count).astype(str) for n in range(9)}
    ).with_columns(requests=pl.lit(20.0))
    planted = (pl.col("d1") == "3") & (pl.col("d4") == "7")
    frame = frame.with_columns(failures=pl.when(planted).then(15.0).otherwise(0.1))
    found = common(frame, [f"d{n}" for n in range(9)])
    assert [each.attributes for each in found] == [{"d1": "3", "d4": "7"}]
