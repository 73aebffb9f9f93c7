"""Wording: one spelling for a number, nothing hidden in a text."""

import pytest

from pipeline import wording


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not known"),
        (0, "0 %"),
        (0.0001, "under 0.1 %"),
        (0.5, "50.0 %"),
        (0.5647, "56.5 %"),
        (0.99951, "over 99.9 %"),
        (1, "100 %"),
    ],
)
def test_a_share_reads_as_nothing_or_all_only_where_it_is(value: float | None, said: str) -> None:
    assert wording.share(value) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 0, "the same minute"),
        (2, 2, "2 min after"),
        (-4, 1, "from 4 min before to 1 min after"),
        (-1, 0, "from 1 min before to the same minute"),
    ],
)
def test_a_lag_says_what_came_first_only_where_it_can(low: int, high: int, said: str) -> None:
    assert wording.lag(low, high) == said


def test_what_is_not_seen_but_acts_is_shown() -> None:
    assert wording.plain("a\u202eb\x00c\u2066d") == "a\N{REPLACEMENT CHARACTER}b" + (
        "\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}d"
    )
    assert wording.plain("Größe 10 µs → 5") == "Größe 10 µs → 5"


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "not known"), (0, "0.0"), (0.017, "under 0.1"), (0.05, "0.1"), (1234.56, "1,234.6")],
)
def test_a_rate_reads_as_nothing_only_where_it_is(value: float | None, said: str) -> None:
    assert wording.rate(value) == said


def test_numbers_that_were_added_up_in_another_order_read_the_same() -> None:
    assert wording.factor(3.7499999999999996) == wording.factor(3.75)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "0 %"), (0.004, "under 1 %"), (0.966, "97 %"), (0.998, "over 99 %"), (1.0, "100 %")],
)
def test_a_probability_is_no_finer_than_per_cent(value: float, said: str) -> None:
    assert wording.probability(value) == said


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [(-1234, 0, "−1,234"), (0.02, 1, "0.0"), (-0.04, 1, "0.0"), (0.58, 2, "+0.58"), (3, 0, "+3")],  # noqa: RUF001
)
def test_a_difference_has_a_sign_unless_there_is_none(value: float, digits: int, said: str) -> None:
    assert wording.signed(value, digits) == said


def test_parts_of_a_whole_that_held_it_down_are_told_last() -> None:
    parts = {"traffic": 1.3, "slowness": -0.3, "retries": 0.001}
    assert wording.shares(parts) == [("traffic", 1.3), ("slowness", -0.3)]


def test_a_long_name_keeps_both_its_ends() -> None:
    name = "payments-" * 20 + "api.contoso.example"
    told = wording.short(name, 40)
    assert len(told) == 40
    assert told.startswith("payments-")
    assert told.endswith("contoso.example")
    assert wording.short("orders.contoso.example", 40) == "orders.contoso.example"


def test_a_blob_is_named_from_its_container_on() -> None:
    blob = (
        "/home/me/in/insights-logs-gatewaylogs/resourceId=/S/y=2026/m=03/d=10/h=09/m=00/PT1H.json"
    )
    assert wording.brief(blob) == "y=2026/m=03/d=10/h=09/m=00/PT1H.json"
    assert wording.brief("/home/me/mine.json") == "mine.json"


def test_a_setting_is_told_as_it_was_stated() -> None:
    told = [wording.amount(each) for each in (0.999, 1024, 1.0, "apim", None)]
    assert told == ["0.999", "1,024", "1", "apim", "not stated"]


def test_one_thing_is_not_many() -> None:
    assert (wording.of(1, "line"), wording.of(0, "line"), wording.of(1234, "line")) == (
        "1 line",
        "0 lines",
        "1,234 lines",
    )


@pytest.mark.parametrize(
    ("end", "said"),
    [("09:00:42", "42 s"), ("09:20:04", "20 min 4 s"), ("11:05:59", "2 h 5 min")],
)
def test_a_span_is_as_fine_as_it_is_long(end: str, said: str) -> None:
    assert wording.span("2026-03-10T09:00:00Z", f"2026-03-10T{end}Z") == said
