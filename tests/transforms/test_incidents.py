"""Detection: what is an incident, from when to when, and what is left alone."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from pipeline.transforms.incidents import Run, merged, runs
from pipeline.window import Window
from tests.given import (
    CONNECT_TIMEOUT,
    GATEWAY,
    ORDERS,
    SERVER_ERROR,
    Counts,
    FailureWay,
    at,
    failures_by_minute,
    hours,
    incidents,
    requests_by_minute,
    times,
)

BUSY = 60
SEED = 20260310


def level(*spans: tuple[int, float]) -> list[float]:
    """So many minutes of each value, one span after the other."""
    return [value for minutes, value in spans for _ in range(minutes)]


def found(requests: Counts, failed: Counts, way: FailureWay = CONNECT_TIMEOUT) -> list[Run]:
    """The incidents in a gateway whose failures are all of one way."""
    window = Window(at(0), at(len(requests)))
    frame = requests_by_minute(requests, failed)
    return incidents(frame, failures_by_minute(failed, way), window)


def found_rejected(requests: Counts, failed: Counts, rejected: Counts) -> list[Run]:
    frame = requests_by_minute(requests, failed, rejected)
    turned_away = times(SERVER_ERROR, 1, outcome="rejected", backend_status=401)
    failures = pl.concat([failures_by_minute(failed), failures_by_minute(rejected, turned_away)])
    return incidents(frame, failures, Window(at(0), at(len(requests))))


def poisson(mean: float, minutes: int, seed: int = SEED) -> list[float]:
    counts: list[float] = np.random.default_rng(seed).poisson(mean, minutes).tolist()
    return counts


def test_a_run_of_failures_is_found_from_its_first_start_to_its_last_end() -> None:
    [one] = found(level((120, BUSY)), level((60, 0), (10, 30), (50, 0)))
    assert one.start == at(60) + timedelta(seconds=10)
    assert one.end is not None
    assert one.end - at(69) == timedelta(seconds=50, microseconds=1)
    assert (one.bad_minutes, one.longest_bad_run, one.failures) == (10, 10, 300)
    assert (one.worst_minute, one.worst_rate) == (at(60), 0.5)


def test_a_quiet_gateway_has_no_incident() -> None:
    assert found(level((120, BUSY)), level((120, 0))) == []


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("traffic", "share"), [(3, 0.02), (60, 0.02), (600, 0.002), (6000, 0.01)])
def test_a_steady_day_of_rare_failures_has_no_incident(
    seed: int, traffic: int, share: float
) -> None:
    requests = [each + 1 for each in poisson(traffic, 1440, seed)]
    failed = np.minimum(poisson(traffic * share, 1440, seed + 1000), requests).tolist()
    assert found(requests, failed) == []


@pytest.mark.parametrize("traffic", [10, 60, 600, 6_000, 60_000])
def test_a_steady_background_of_six_per_cent_is_no_incident_at_any_traffic(traffic: int) -> None:
    failed = np.minimum(poisson(0.06 * traffic, 480), traffic).tolist()
    assert found(level((480, traffic)), failed) == []


def test_an_incident_on_top_of_a_steady_background_is_found() -> None:
    background = poisson(0.06 * 600, 240)
    failed = [each + 300 * (100 <= minute < 130) for minute, each in enumerate(background)]
    [one] = found(level((240, 600)), failed)
    assert at(100) <= one.start < at(101)
    assert one.end is not None
    assert at(129) < one.end <= at(130)
    assert 0.05 <= one.usual_rate <= 0.06


def test_a_tenfold_rate_is_an_incident_even_where_few_requests_fail() -> None:
    failed = [each + 27 * (100 <= minute < 130) for minute, each in enumerate(poisson(3, 240))]
    [one] = found(level((240, 600)), failed)
    assert at(100) <= one.start < at(101)


def test_a_gateway_with_a_request_a_minute_that_all_fail_has_an_incident() -> None:
    [one] = found(level((180, 1)), level((90, 0), (40, 1), (50, 0)))
    assert at(90) <= one.start < at(91)
    assert one.end is not None
    assert at(129) < one.end <= at(130)
    assert one.failures == 40


def test_a_gateway_with_a_request_every_five_minutes_that_all_fail_has_one_incident() -> None:
    requests = [minute % 5 == 0 for minute in range(480)]
    failed = [asked and 200 <= minute < 320 for minute, asked in enumerate(requests)]
    [one] = found(requests, failed)
    assert at(200) <= one.start < at(201)
    assert one.failures == 24


def test_a_low_rate_of_failures_at_low_traffic_is_no_incident() -> None:
    failed = np.minimum(poisson(0.1, 1440), 1).tolist()
    assert found(level((1440, 2)), failed) == []


def test_failures_of_a_small_destination_are_not_drowned_by_the_others_traffic() -> None:
    background = poisson(5, 300)
    failed = [each + 15 * (150 <= minute < 180) for minute, each in enumerate(background)]
    [one] = found(level((300, 1000)), failed)
    assert at(146) <= one.start <= at(152)


@pytest.mark.parametrize("share", [0.2, 0.4, 1.0])
def test_data_that_holds_nothing_but_the_incident_is_an_incident(share: float) -> None:
    failed = np.minimum(poisson(600 * share, 60), 600).tolist()
    [one] = found(level((60, 600)), failed)
    assert one.start == at(0) + timedelta(seconds=10)
    assert one.end is None


def test_a_window_that_begins_inside_the_incident_starts_with_it() -> None:
    [one] = found(level((100, BUSY)), level((40, 30), (60, 0)))
    assert one.start == at(0) + timedelta(seconds=10)
    assert one.end is not None
    assert at(39) < one.end <= at(40)


def test_an_incident_at_the_end_of_the_data_has_no_end() -> None:
    [one] = found(level((100, BUSY)), level((80, 0), (20, 30)))
    assert one.end is None
    assert at(99) < one.last <= at(100)


def test_an_incident_that_is_over_when_the_data_ends_has_an_end() -> None:
    [one] = found(level((100, BUSY)), level((70, 0), (20, 30), (10, 0)))
    assert one.end == one.last


def test_an_incident_that_fills_most_of_the_data_at_a_low_rate_is_found() -> None:
    failed = [0.0] * 60 + poisson(18, 300)
    [one] = found(level((360, 600)), failed)
    assert at(60) <= one.start < at(61)
    assert one.end is None


def test_steady_rejections_are_background_however_many() -> None:
    for share in (0.05, 0.2, 0.6):
        rejected = np.minimum(poisson(600 * share, 240), 600).tolist()
        assert found_rejected(level((240, 600)), [0.0] * 240, rejected) == []


def test_rejections_that_begin_at_a_time_are_an_incident() -> None:
    [one] = found_rejected(level((240, 600)), [0.0] * 240, level((200, 0), (40, 120)))
    assert one.counted == "failed,rejected"
    assert at(200) <= one.start < at(201)
    assert one.failures == 40 * 120


def test_rejections_that_begin_early_and_stay_are_an_incident() -> None:
    rejected = [0.0] * 60 + poisson(120, 540)
    [one] = found_rejected(level((600, 600)), [0.0] * 600, rejected)
    assert at(60) <= one.start < at(61)
    assert one.end is None


def test_steady_rejections_are_not_counted_to_an_incident_of_failures() -> None:
    [one] = found_rejected(
        level((240, 600)), level((100, 0), (20, 300), (120, 0)), poisson(60, 240)
    )
    assert one.counted == "failed"
    assert one.failures == 20 * 300


def test_rejections_are_counted_to_the_later_of_two_incidents_alone() -> None:
    [first, second] = found_rejected(
        level((240, 600)),
        level((40, 0), (20, 300), (180, 0)),
        level((160, 0), (20, 300), (60, 0)),
    )
    assert (first.counted, second.counted) == ("failed", "failed,rejected")


def test_two_incidents_an_hour_apart_are_two() -> None:
    both = found(level((240, BUSY)), level((60, 0), (10, 30), (60, 0), (10, 30), (100, 0)))
    assert [one.failures for one in both] == [300, 300]


def apart(minutes: int, second: FailureWay) -> list[Run]:
    """Two runs of ten minutes, so far apart; the first is of connects that timed out."""
    before = level((60, 0), (10, 30), (110, 0))
    after = level((70 + minutes, 0), (10, 30), (100 - minutes, 0))
    both = (np.array(before) + np.array(after)).tolist()
    failures = pl.concat([failures_by_minute(before), failures_by_minute(after, second)])
    return incidents(requests_by_minute(level((180, BUSY)), both), failures, hours(3))


def test_runs_eight_minutes_apart_with_one_destination_and_reason_are_one_incident() -> None:
    [one] = apart(8, CONNECT_TIMEOUT)
    assert (one.failures, one.bad_minutes, one.longest_bad_run) == (600, 20, 10)
    assert one.end is not None
    assert at(87) < one.end <= at(88)


def test_runs_eleven_minutes_apart_are_two_incidents() -> None:
    assert len(apart(11, CONNECT_TIMEOUT)) == 2


@pytest.mark.parametrize(
    "second",
    [times(CONNECT_TIMEOUT, 1, destination=ORDERS), times(CONNECT_TIMEOUT, 1, reason="Timeout")],
)
def test_runs_eight_minutes_apart_that_differ_are_two_incidents(second: FailureWay) -> None:
    assert len(apart(8, second)) == 2


def test_runs_too_small_alone_make_an_incident_together() -> None:
    failed = level((60, 0), (2, 6), (7, 0), (2, 6), (49, 0))
    [one] = found(level((120, 10)), failed)
    assert one.failures == 24


def test_runs_of_two_gateways_that_take_turns_are_joined_each_with_its_own() -> None:
    mine, other = level((30, 0), (10, 30), (8, 0), (10, 30), (62, 0)), level((43, 0), (10, 30))
    second = GATEWAY + "-2"
    frame = pl.concat(
        [
            requests_by_minute(level((120, BUSY)), mine),
            requests_by_minute(level((120, BUSY)), other, gateway=second),
        ]
    )
    failures = pl.concat([failures_by_minute(mine), failures_by_minute(other, gateway=second)])
    both = incidents(frame, failures, hours(2))
    assert [(one.gateway, one.failures) for one in both] == [(GATEWAY, 600), (second, 300)]


def test_half_an_hour_without_data_in_the_middle_does_not_split_an_incident() -> None:
    [one] = found(
        level((60, BUSY), (30, 0), (90, BUSY)), level((50, 0), (10, 30), (30, 0), (10, 30))
    )
    assert one.failures == 600
    assert one.bad_minutes == 20
    assert one.longest_bad_run == 10


def test_failures_before_and_after_three_hours_without_data_are_two_incidents() -> None:
    both = found(
        level((60, BUSY), (180, 0), (60, BUSY)), level((50, 0), (10, 30), (180, 0), (10, 30))
    )
    assert len(both) == 2


def test_a_minute_without_requests_does_not_split_an_incident() -> None:
    requests = [BUSY * (minute != 65) for minute in range(120)]
    failed = [30 * (60 <= minute < 72 and minute != 65) for minute in range(120)]
    [one] = found(requests, failed)
    assert one.failures == 330
    assert one.bad_minutes == 11


def test_a_few_good_minutes_do_not_split_an_incident() -> None:
    [one] = found(level((120, BUSY)), level((60, 0), (5, 30), (3, 0), (5, 30), (47, 0)))
    assert (one.bad_minutes, one.longest_bad_run) == (10, 5)


def test_one_bad_minute_is_no_incident() -> None:
    assert found(level((120, BUSY)), level((60, 0), (1, 50), (59, 0))) == []


def test_fewer_failures_than_the_settings_ask_for_are_no_incident() -> None:
    failed = level((60, 0), (2, 9), (58, 0))
    assert found(level((120, BUSY)), failed) == []
    frame = requests_by_minute(level((120, BUSY)), failed)
    assert len(incidents(frame, failures_by_minute(failed), hours(2), least=18)) == 1


def test_a_record_that_stands_for_many_requests_is_one_chance_not_many() -> None:
    requests, sampled = level((240, 600)), level((240, 60))
    lone = [10.0 * (minute % 20 in (0, 1, 2)) for minute in range(240)]
    frame = requests_by_minute(requests, lone, sampled=sampled)
    assert incidents(frame, failures_by_minute(lone), hours(4)) == []
    many = level((100, 0), (10, 300), (130, 0))
    frame = requests_by_minute(requests, many, sampled=sampled)
    assert len(incidents(frame, failures_by_minute(many), hours(4))) == 1


ABORTED = times(CONNECT_TIMEOUT, 1, outcome="aborted", reason="ClientConnectionFailure")


def with_aborts(failed: Counts, aborted: Counts) -> list[Run]:
    frame = requests_by_minute(level((180, BUSY)), failed, aborted=aborted)
    failures = pl.concat([failures_by_minute(failed), failures_by_minute(aborted, ABORTED)])
    return incidents(frame, failures, hours(3))


def test_callers_that_give_up_in_numbers_are_an_incident_of_their_own() -> None:
    [one] = with_aborts(level((180, 0)), level((60, 0), (10, 20), (110, 0)))
    assert one.counted == "aborted"
    assert at(60) <= one.start < at(61)


def test_callers_that_give_up_while_calls_fail_are_no_incident_of_their_own() -> None:
    [one] = with_aborts(level((58, 0), (15, 30), (107, 0)), level((60, 0), (10, 20), (110, 0)))
    assert one.counted == "failed"


def test_a_handful_of_failures_does_not_hide_callers_that_give_up() -> None:
    [one] = with_aborts(level((63, 0), (1, 7), (116, 0)), level((60, 0), (10, 20), (110, 0)))
    assert one.counted == "aborted"


def test_callers_that_always_give_up_are_no_incident() -> None:
    assert with_aborts(level((180, 0)), poisson(12, 180)) == []


def test_a_lone_failure_of_the_same_kind_just_before_is_where_the_incident_starts() -> None:
    [one] = found(level((120, BUSY)), level((57, 0), (1, 1), (2, 0), (10, 30), (1, 1), (49, 0)))
    assert at(57) < one.start < at(58)
    assert one.end is not None
    assert at(70) < one.end <= at(71)


def test_a_lone_failure_of_another_kind_just_before_is_not_part_of_the_incident() -> None:
    before, after = level((57, 0), (1, 1), (62, 0)), level((60, 0), (10, 30), (50, 0))
    both = (np.array(before) + np.array(after)).tolist()
    failures = pl.concat([failures_by_minute(before, SERVER_ERROR), failures_by_minute(after)])
    [one] = incidents(requests_by_minute(level((120, BUSY)), both), failures, hours(2))
    assert at(60) < one.start < at(61)


def test_a_lone_failure_is_not_the_start_where_its_kind_is_common() -> None:
    failed = [1.0 * (minute % 4 == 1) for minute in range(60)] + level((10, 30), (50, 0))
    [one] = found(level((120, BUSY)), failed)
    assert at(60) < one.start < at(61)


def test_a_failure_that_took_no_time_lies_within_its_run() -> None:
    frame = requests_by_minute(level((60, BUSY)), level((30, 0), (5, 30), (25, 0)))
    frame = frame.with_columns(last_failure_end=pl.col("first_failure"))
    [one] = incidents(frame, failures_by_minute(level((30, 0), (5, 30))), hours(1))
    assert one.last > at(34) + timedelta(seconds=10)


def test_the_order_of_rows_makes_no_difference() -> None:
    failed = level((60, 0), (10, 30), (50, 0))
    frame, failures = requests_by_minute(level((120, BUSY)), failed), failures_by_minute(failed)
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=SEED)
    assert incidents(shuffled, failures, hours(2)) == incidents(frame, failures, hours(2))


def test_a_run_whose_failures_nothing_is_known_of_is_kept() -> None:
    frame = requests_by_minute(level((120, BUSY)), level((60, 0), (10, 30), (50, 0)))
    alone = runs(frame, hours(2), minimum_failures=20, minimum_minutes=2)
    assert merged(alone, failures_by_minute([])) == alone


def test_the_threshold_tells_the_rule_in_the_words_of_the_report() -> None:
    [one] = found(level((120, BUSY)), level((60, 0), (10, 30), (50, 0)))
    assert "more than 2 times and 6 spreads above the usual 0 % of requests" in one.threshold
    assert one.threshold.endswith("; 20 failures in 2 such minutes")
