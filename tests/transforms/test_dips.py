"""Dips: what was unwell without an incident about it is set aside, in sentences."""

import polars as pl

from pipeline.transforms.dips import beside, dips, set_aside
from tests.given import at, requests_by_minute, run

NAT = "/subscriptions/0/resourcegroups/hub/providers/microsoft.network/natgateways/out"
NONE_SAID = pl.DataFrame(schema=["resource_id", "said", "time", "what"])
NONE_MEASURED = pl.DataFrame(schema=["resource_id", "measure", "minute", "availability"])


def measured(*minutes: int, measure: str = "datapath") -> pl.DataFrame:
    rows = [
        {
            "resource_id": NAT,
            "measure": measure,
            "minute": at(each),
            "availability": 0.9 - each / 100,
        }
        for each in minutes
    ]
    return pl.DataFrame(rows)


def said(*minutes: float) -> pl.DataFrame:
    rows = [
        {"resource_id": NAT, "said": "health_event", "time": at(each), "what": "unavailable"}
        for each in minutes
    ]
    return pl.DataFrame(rows)


def test_minutes_next_to_each_other_are_one_dip() -> None:
    [one] = dips(measured(10, 11, 13), NONE_SAID)
    assert (one.start, one.stop) == (at(10), at(14))
    assert one.says == (
        "The NAT gateway out: the availability of its datapath was below 90 % in 3 minutes from "
        "2026-03-10 08:10 to 08:14 UTC, 77.0 % at worst"
    )


def test_minutes_far_apart_are_two() -> None:
    assert len(dips(measured(10, 20), NONE_SAID)) == 2


def test_what_azure_said_again_and_again_is_one_dip() -> None:
    [one] = dips(NONE_MEASURED, said(10, 15, 20))
    assert one.says == (
        "The NAT gateway out: Azure said unavailable, from 2026-03-10 08:10 to 08:20 UTC"
    )


def test_what_azure_said_once_was_at_a_moment() -> None:
    [one] = dips(NONE_MEASURED, said(10))
    assert one.says.endswith("Azure said unavailable, at 08:10:00 UTC")


def test_a_dip_without_an_incident_is_set_aside_with_what_became_of_requests() -> None:
    minutes = requests_by_minute([100.0] * 60, [0.0] * 11 + [2.0])
    [says] = set_aside(dips(measured(10, 11), NONE_SAID), [], minutes)
    assert says.endswith("No incident: 2 of 300 requests failed meanwhile.")


def test_a_dip_while_nothing_was_logged_shows_nobody_hit_and_says_why() -> None:
    minutes = requests_by_minute([100.0] * 5)
    [says] = set_aside(dips(measured(10), NONE_SAID), [], minutes)
    assert says.endswith("No request was logged meanwhile, so that nobody was seen to be hit.")


def test_a_dip_beside_an_incident_belongs_to_it() -> None:
    found = dips(measured(10, 75), NONE_SAID)
    near = run(60, 70)
    minutes = requests_by_minute([100.0] * 90)
    assert len(set_aside(found, [near], minutes)) == 1
    assert [each.start for each in beside(found, near)] == [at(75)]


def test_of_many_dips_the_first_are_told_and_the_rest_counted() -> None:
    found = dips(measured(*range(0, 80 * 10, 10)), NONE_SAID)
    told = set_aside(found, [], requests_by_minute([1.0]))
    assert (len(told), told[-1]) == (21, "60 more dips of the same kinds.")
