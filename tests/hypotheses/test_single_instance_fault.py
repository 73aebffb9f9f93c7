"""One sick instance, which gateway logs cannot tell apart."""

from pipeline.finding import Verdict
from pipeline.hypotheses.single_instance_fault import single_instance_fault
from pipeline.hypothesis import Case
from pipeline.transforms.instances import Part
from tests.given import way


def tried(*parts: tuple[float, float], units: int | None = 2) -> Case:
    """Of instances that served so many requests, of which so many failed."""
    requests, failures = (sum(each) for each in zip(*parts, strict=True))
    told = [
        Part(f"gateway-{n}", served, failed, served / requests, failed / failures)
        for n, (served, failed) in enumerate(parts)
    ]
    return single_instance_fault.tried(
        {"way": way(units=units), "instances": told, "calls_during": {}}
    )


def test_one_instance_with_all_failures_and_half_of_the_requests_supports_it() -> None:
    case = tried((500, 100), (500, 0))
    assert (case.verdict, case.would_decide) == (Verdict.SUPPORTED, None)
    [evidence] = case.evidence
    assert evidence.says == (
        "gateway-0 served 50.0 % of the requests and had 100 % of the failures, the most of 2 "
        "instances."
    )
    assert evidence.weight > 3


def test_instances_that_fail_alike_exclude_it() -> None:
    case = tried((500, 100), (500, 80), (200, 30))
    assert case.verdict is Verdict.EXCLUDED
    assert case.evidence[0].says.startswith("Of each of 3 instances 15.0 % to 20.0 %")


def test_the_instance_that_serves_nearly_all_has_nearly_all_failures_and_is_not_sick() -> None:
    case = tried((950, 95), (50, 5))
    assert case.verdict is Verdict.UNDECIDED
    assert abs(case.evidence[0].weight) < 0.1


def test_a_handful_of_failures_on_one_instance_is_chance() -> None:
    assert tried((500, 19), (500, 0)).verdict is Verdict.UNDECIDED


def test_an_instance_that_served_next_to_nothing_is_not_held_against_another() -> None:
    assert tried((500, 100), (5, 0)).verdict is Verdict.UNDECIDED


def test_instances_that_the_logs_tell_go_before_units_that_the_settings_state() -> None:
    assert tried((500, 100), (500, 0), units=1).verdict is Verdict.SUPPORTED


def test_a_gateway_stated_to_have_one_unit_has_no_other() -> None:
    assert untold({}, units=1).verdict is Verdict.EXCLUDED


def untold(calls: dict[str, tuple[float, float]], units: int | None = 2) -> Case:
    """Of logs that tell no instance: calls and failures by destination."""
    return single_instance_fault.tried(
        {"way": way(units=units), "instances": [], "calls_during": calls}
    )


def test_several_units_leave_it_open() -> None:
    case = untold({})
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "VNet flow logs" in case.would_decide


def test_one_unit_that_is_merely_assumed_leaves_it_open() -> None:
    assert untold({}, units=None).verdict is Verdict.UNDECIDED


def called(*shares: float) -> dict[str, tuple[float, float]]:
    """A thousand calls to each of so many destinations, of which such shares failed."""
    return {f"203.0.113.{n}:443": (1000.0, 1000 * part) for n, part in enumerate(shares)}


def test_the_share_of_one_unit_failing_wherever_calls_went_supports_it() -> None:
    case = untold(called(0.32, 0.35, 0.3, 0.0), units=3)
    assert (case.verdict, case.would_decide) == (Verdict.SUPPORTED, None)
    assert [each.says for each in case.evidence] == [
        "At 3 of 4 destinations 30.0 % to 35.0 % of the calls failed: as many, wherever they went.",
        "32.0 % in the middle: about what 1 of 3 units would serve.",
    ]


def test_how_many_units_there_are_need_not_be_known() -> None:
    case = untold(called(0.32, 0.35, 0.3), units=None)
    assert case.verdict is Verdict.SUPPORTED
    assert len(case.evidence) == 1


def test_destinations_that_fail_unlike_each_other_leave_it_open() -> None:
    assert untold(called(0.6, 0.1, 0.3), units=3).verdict is Verdict.UNDECIDED


def test_two_destinations_are_too_few() -> None:
    assert untold(called(0.3, 0.3), units=3).verdict is Verdict.UNDECIDED


def test_destinations_that_fail_wholly_are_no_matter_of_an_instance() -> None:
    assert untold(called(1.0, 0.95, 1.0), units=3).verdict is Verdict.UNDECIDED


def test_destinations_that_are_well_and_called_much_leave_it_open() -> None:
    assert untold(called(0.3, 0.3, 0.3, 0.0, 0.0), units=3).verdict is Verdict.UNDECIDED
