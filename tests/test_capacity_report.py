"""The sections of the capacity review as approved."""

import os
from pathlib import Path

import msgspec
import pytest

from pipeline.capacity_finding import Review
from pipeline.figure import Drawing
from pipeline.report import CapacityReport, composed, section, sections

HERE = Path(__file__).parent / "reports"


@pytest.fixture(scope="module")
def report() -> CapacityReport:
    """Ten weeks: one destination grows, one may grow, one does not, one came, one went.

    A day is missing in the last week, and some calls got no connection.
    """
    found = msgspec.json.decode((HERE / "capacity.json").read_bytes(), type=Review)
    svg = '<svg viewBox="0 0 10 4"><title>a figure</title><rect width="9" height="3"/></svg>'
    return CapacityReport(found, {name: Drawing(svg, "a figure") for name in ("C1", "C2")})


@pytest.mark.parametrize("name", sections("capacity"))
def test_a_section_reads_as_approved(name: str, report: CapacityReport) -> None:
    """Where it should read otherwise: `make approve`, then look at the difference."""
    made = section(name, report, None)
    approved = HERE / name
    if os.environ.get("APPROVE"):
        approved.write_text(made, encoding="utf-8")
    assert made == approved.read_text(encoding="utf-8")


def test_no_approved_section_is_left_without_a_template() -> None:
    approved = {f"capacity/{path.name}" for path in (HERE / "capacity").iterdir()}
    assert approved == set(sections("capacity"))


def test_without_anything_to_review_each_section_still_reads(report: CapacityReport) -> None:
    bare = msgspec.structs.replace(
        report.findings, resources=[], reuse=[], reliability=[], autoscale=[], figures=[], events=[]
    )
    html = composed(CapacityReport(bare, {}))
    assert "Too little is known to say" in html
