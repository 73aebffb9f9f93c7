"""What failures have in common: the shortest description that tells them from the rest."""

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
    assert {"destination": "a", "region": "west"} in found
    assert {"region": "north"} not in found


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
