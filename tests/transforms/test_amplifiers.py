"""What made an incident worse: only what came after its onset, and neither cause nor trigger."""

import pytest

from pipeline.finding import Trigger
from pipeline.transforms.amplifiers import amplifiers
from pipeline.transforms.latency import Shift
from pipeline.transforms.slowness import Slowness
from tests.given import PAYMENTS, hours, run, shift
from tests.transforms.test_demand import asked

SLOW = Slowness(2.5, 900)


def found(
    repeats: float = 0.0,
    latency: list[Shift] | None = None,
    mechanism: str = "snat_port_exhaustion",
    trigger: Trigger = Trigger.TRAFFIC_SURGE,
    calls: float = 300.0,
    slower: Slowness | None = None,
) -> dict[str, str]:
    frame = asked([100.0] * 60 + [calls] * 30, repeats)
    return amplifiers(
        mechanism, trigger, PAYMENTS, frame, latency or [], slower, run(60.5, 89), hours(2)
    )


def test_calls_asked_again_in_numbers_are_a_retry_storm() -> None:
    assert found(repeats=0.4) == {
        "retry_storm": "At least 3,600 of 9,000 calls (40.0 %; 0 % before) asked again, within a "
        f"minute, for what had just ended badly: retries to {PAYMENTS}."
    }


@pytest.mark.parametrize(("repeats", "calls"), [(0.05, 300.0), (0.4, 2.0)])
def test_few_repeats_are_no_storm(repeats: float, calls: float) -> None:
    assert found(repeats, calls=calls) == {}


def test_a_trigger_is_not_an_amplifier_too() -> None:
    assert found(repeats=0.4, trigger=Trigger.RETRY_STORM) == {}


def test_answers_that_slowed_after_the_onset_are_a_slow_backend() -> None:
    assert found(latency=[shift(100, 250, change=65)], slower=SLOW) == {
        "slow_backend": f"Answers of {PAYMENTS} took 2.5 times as long once failures went on as "
        "before (900 ms more), by the median of each operation."
    }


@pytest.mark.parametrize(
    ("latency", "slower", "mechanism", "trigger"),
    [
        (shift(100, 250, change=40), SLOW, "snat_port_exhaustion", Trigger.TRAFFIC_SURGE),
        (
            shift(100, 250, change=65),
            Slowness(1.4, 900),
            "snat_port_exhaustion",
            Trigger.TRAFFIC_SURGE,
        ),
        (
            shift(100, 250, change=65),
            Slowness(2.5, 150),
            "snat_port_exhaustion",
            Trigger.TRAFFIC_SURGE,
        ),
        (shift(100, 250, change=65), None, "snat_port_exhaustion", Trigger.TRAFFIC_SURGE),
        (shift(100, 250), SLOW, "snat_port_exhaustion", Trigger.TRAFFIC_SURGE),
        (shift(100, 250, change=65), SLOW, "backend_slow", Trigger.NONE_FOUND),
        (shift(100, 250, change=65), SLOW, "snat_port_exhaustion", Trigger.SLOW_BACKEND),
    ],
    ids=[
        "before",
        "hardly slower",
        "maybe the connect",
        "not told",
        "no step",
        "the mechanism",
        "the trigger",
    ],
)
def test_other_slowness_is_no_amplifier(
    latency: Shift, slower: Slowness | None, mechanism: str, trigger: Trigger
) -> None:
    assert found(latency=[latency], slower=slower, mechanism=mechanism, trigger=trigger) == {}
