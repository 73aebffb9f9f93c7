"""One sick instance, which gateway logs cannot tell apart."""

from pipeline.finding import Verdict
from pipeline.hypotheses.single_instance_fault import single_instance_fault
from tests.given import way


def test_a_gateway_stated_to_have_one_unit_has_no_other() -> None:
    assert single_instance_fault.tried({"way": way(units=1)}).verdict is Verdict.EXCLUDED


def test_several_units_leave_it_open() -> None:
    case = single_instance_fault.tried({"way": way(units=2)})
    assert case.verdict is Verdict.UNDECIDED
    assert case.would_decide is not None
    assert "VNet flow logs" in case.would_decide


def test_one_unit_that_is_merely_assumed_leaves_it_open() -> None:
    assert single_instance_fault.tried({"way": way()}).verdict is Verdict.UNDECIDED
