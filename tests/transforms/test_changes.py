"""Changes near a gateway, in sentences; and what of the activity log was not read."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from pipeline.transforms.changes import Log, changes, log_read
from pipeline.window import Window
from tests.given import EIGHT, GATEWAY, at, change, changes_around

NAT = "/subscriptions/0/resourcegroups/hub/providers/microsoft.network/natgateways/out"


def told(**said: Any) -> str:
    (one,) = changes(changes_around(change(**said)), GATEWAY)
    return one.told(EIGHT)


def test_a_change_names_what_was_done_to_what_by_whom_and_how_it_ended() -> None:
    assert told(
        resource_id=NAT, operation="microsoft.network/natgateways/write", began=10, ended=12
    ) == (
        "microsoft.network/natgateways/write on NAT gateway out (its way out) by application tool "
        "began; it succeeded at 08:12:00 UTC."
    )


def test_a_part_of_the_gateway_is_named_with_it() -> None:
    says = told(resource_id=f"{GATEWAY}/apis/pay/policies/policy", ended=10, began=10)
    assert "on API Management service contoso/pay/policy (the gateway itself)" in says
    assert says.endswith("succeeded.")


def test_a_change_of_a_user_tells_no_name() -> None:
    assert "by a user began" in told(caller_kind="user", caller="id-of-the-tool")


def test_a_change_without_a_caller_tells_none() -> None:
    assert " by " not in told(caller_kind=None, caller=None)


def test_a_change_whose_end_is_not_told_says_so() -> None:
    assert told(ended=None, status="accepted").endswith("was accepted; how it ended is not told.")


def test_a_step_of_autoscale_tells_its_instances() -> None:
    says = told(category="autoscale", old_value="3", new_value="2", ended=10, began=10)
    assert says == (
        "Autoscale took API Management service contoso (the gateway itself) from 3 to 2 "
        "instances: succeeded."
    )


@pytest.mark.parametrize("count", ["", "two", "²", "-3", "1e3", "99999999"])
def test_instances_that_are_no_numbers_are_none(count: str) -> None:
    (one,) = changes(
        changes_around(change(category="autoscale", old_value="3", new_value=count)), GATEWAY
    )
    assert one.instances is None


def test_health_tells_what_azure_said_and_until_when() -> None:
    says = told(
        resource_id=NAT,
        category="resourcehealth",
        new_value="Unavailable",
        cause="PlatformInitiated",
        status="resolved",
        ended=20,
    )
    assert says == (
        "Azure said that NAT gateway out (its way out) was Unavailable, by the platform, until "
        "08:20:00 UTC."
    )


def test_an_end_on_another_day_names_the_day() -> None:
    assert "2026-03-11 08:00:00 UTC" in told(began=10, ended=24 * 60)


HOUR = Window(at(60), at(120))


@pytest.mark.parametrize(
    ("first", "last", "unseen"),
    [
        (None, None, "no activity log of this time was read"),
        (0, 59, "no activity log of this time was read"),
        (120, 130, "no activity log of this time was read"),
        (90, 130, "no event before 09:30:00 UTC"),
        (0, 90, "no event after 09:30:00 UTC"),
        (70, 90, "no event before 09:10:00 and none after 09:30:00 UTC"),
    ],
)
def test_what_the_log_does_not_tell_of_is_named(
    first: float | None, last: float | None, unseen: str
) -> None:
    log = Log(None if first is None else at(first), None if last is None else at(last))
    assert unseen in (log.unseen(HOUR) or "")


def test_a_log_from_before_until_after_tells_of_all() -> None:
    assert Log(at(60), at(120)).unseen(HOUR) is None


def test_the_log_that_was_read_goes_from_its_first_event_to_its_last() -> None:
    frame = pl.DataFrame(
        [{"subscription": "0", "first_at": EIGHT, "last_at": EIGHT + timedelta(1), "events": 2}]
    )
    assert log_read(frame) == Log(EIGHT, EIGHT + timedelta(1))
    assert log_read(frame.clear()) == Log(None, None)
