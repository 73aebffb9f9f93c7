"""What got through while connects waited in vain: silences, good minutes, and failures' beat."""

from datetime import timedelta

import polars as pl
import pytest

from pipeline.transforms.through import through
from pipeline.window import Window
from tests.given import ORDERS, PAYMENTS, at, fared, run

WAVES = [40, 20, 0, 20]


def test_the_longest_stretch_in_which_all_calls_failed() -> None:
    got = fared([50, 50, 49, 50, 50, 50, 0])
    assert got.silence == Window(at(3), at(6))
    assert (got.calls, got.answered) == (350, 51)


def test_no_silence_where_something_got_through_each_minute() -> None:
    assert fared([49, 40, 49]).silence is None


def test_a_minute_without_a_call_does_not_end_a_silence() -> None:
    minutes = [(0, 1), (1, 5), (4, 5), (6, 0)]
    frame = pl.DataFrame(
        [
            {"destination": PAYMENTS, "minute": at(minute), "calls": 5.0, "failed": float(failed)}
            for minute, failed in minutes
        ]
    )
    got = through(frame, PAYMENTS, run(0, 6.5), 240, None)
    assert got is not None
    assert got.silence == Window(at(1), at(5))


def test_four_minutes_of_silence_are_no_more_than_ports_explain() -> None:
    assert not fared([10, 50, 50, 50, 10]).cut_off
    assert fared([10, 50, 50, 50, 50, 10]).cut_off


@pytest.mark.parametrize(("hold_s", "patience"), [(65, 240), (240, 240), (600, 600)])
def test_ports_keep_calls_out_for_their_hold_at_most_and_four_minutes_at_least(
    hold_s: float, patience: float
) -> None:
    assert fared([10, 10], hold_s=hold_s).patience == timedelta(seconds=patience)


def test_calls_that_take_minutes_keep_their_port_as_long() -> None:
    frame = pl.DataFrame({"destination": [PAYMENTS], "minute": [at(0)], "calls": [1.0]})
    got = through(frame.with_columns(failed=pl.lit(1.0)), PAYMENTS, run(0, 1), 240, 200_000)
    assert got is not None
    assert got.patience == timedelta(seconds=440)


def test_good_minutes_are_those_inside_in_which_nearly_none_failed() -> None:
    assert fared([0, 30, 0, 1, 30, 0]).good_minutes == 2
    assert fared([0, 3, 0, 0, 3, 0], calls=9).good_minutes == 0


def test_failures_that_come_back_every_four_minutes_echo_a_hold_of_240_s() -> None:
    got = fared(WAVES * 4)
    assert got.echo == pytest.approx(1)
    assert got.off_beat == pytest.approx(-1)
    assert got.echoes


def test_failures_that_come_back_every_five_minutes_do_not() -> None:
    assert not fared([40, 20, 0, 10, 20] * 4).echoes


def test_failures_that_come_back_every_two_minutes_do_not() -> None:
    assert not fared([40, 0] * 8).echoes


def test_steady_failures_do_not() -> None:
    got = fared([25] * 16)
    assert (got.echo, got.echoes) == (None, False)


def test_a_run_of_two_holds_is_too_short_to_tell() -> None:
    assert fared(WAVES * 2).echo is None


def test_minutes_cannot_tell_the_beat_of_a_nat_gateway() -> None:
    assert fared([40, 0] * 8, hold_s=65).echo is None


def test_nothing_is_told_of_a_destination_that_was_not_called() -> None:
    frame = pl.DataFrame(
        {"destination": [ORDERS], "minute": [at(0)], "calls": [1.0], "failed": [1.0]}
    )
    assert through(frame, PAYMENTS, run(0, 1), 240, None) is None
    assert through(frame, None, run(0, 1), 240, None) is None
