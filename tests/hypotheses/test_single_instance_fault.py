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


def test_calls_that_fail_as_often_wherever_they_go_speak_for_it() -> None:
    case = untold({"a": (300.0, 90.0), "b": (100.0, 35.0), "c": (50.0, 14.0)})
    assert case.verdict is Verdict.UNDECIDED
    assert [each.says for each in case.evidence] == [
        "At each of 3 destinations 28.0 % to 35.0 % of the calls failed: as many, wherever they "
        "went."
    ]


def test_one_destination_that_is_well_tells_nothing_of_instances() -> None:
    assert untold({"a": (300.0, 90.0), "b": (100.0, 35.0), "c": (50.0, 0.0)}).evidence == []
    assert untold({"a": (300.0, 90.0), "b": (100.0, 35.0)}).evidence == []
