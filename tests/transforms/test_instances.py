"""Instances: their parts of what the logs tell, where they tell enough."""

import polars as pl

from pipeline.transforms.instances import instances


def rows(*told: tuple[str | None, float, float]) -> pl.DataFrame:
    names = {"instance": pl.String, "requests": pl.Float64, "failures": pl.Float64}
    return pl.DataFrame(list(told), schema=names, orient="row")


def test_shares_are_of_what_names_its_instance() -> None:
    first, second = instances(rows(("b", 60, 10), ("a", 40, 90), (None, 50, 0)))
    assert (first.id, first.share_of_requests, first.share_of_failures) == ("a", 0.4, 0.9)
    assert (second.id, second.rate) == ("b", 10 / 60)


def test_failures_that_do_not_name_theirs_leave_all_untold() -> None:
    assert instances(rows(("a", 50, 50), (None, 50, 50))) == []


def test_no_failures_and_no_rows_are_none() -> None:
    assert instances(rows(("a", 50, 0))) == []
    assert instances(rows()) == []
