"""Markdown: the page once more; what was text stays text."""

import re
from pathlib import Path

import pytest

from pipeline.markdown import escaped, written
from pipeline.report import Format, Report, composed, write
from tests.test_report import HOSTILE, drawings, findings


@pytest.fixture(scope="module")
def page() -> str:
    return composed(Report(findings(), drawings()))


def test_it_says_the_same_in_the_same_order(page: str) -> None:
    told = written(page, "rca-figures")
    page_headings = re.findall(r"<h[123]>([^<]+)</h", page)
    headings = [line.lstrip("# ") for line in told.splitlines() if re.match(r"#{1,3} ", line)]
    assert [each for each in headings if each in page_headings] == page_headings
    for cell in ("17,886", "Who was hit", "connect timeout"):
        assert cell in told


def test_figures_are_linked_and_lie_beside_it(tmp_path: Path) -> None:
    report = Report(findings(), drawings())
    write(report, {Format.MD: tmp_path / "my report.md"})
    links = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (tmp_path / "my report.md").read_text())
    figures = ("F1", "F2", "F5", "F4", "F3", "C1")
    assert links == [f"my%20report-figures/{name}.svg" for name in figures]
    for link in links:
        assert (tmp_path / link.replace("%20", " ")).read_text().startswith("<svg")


def test_a_table_has_as_many_cells_in_each_row(page: str) -> None:
    tables = re.findall(r"(?:^\|.*\n?)+", written(page, "f"), re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.strip().splitlines()}
        assert len(cells) == 1, table


@pytest.mark.parametrize("text", HOSTILE)
def test_text_from_outside_is_neither_tag_nor_link_nor_cell(text: str) -> None:
    told = escaped(text)
    assert not re.search(r"(?<!\\)[<>\[\]|`*_]", told)
    assert not re.search(r"(?<!\\)://", told.replace("\\:", "\\ "))
    unescaped = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", told)
    assert unescaped == text


@pytest.mark.parametrize("text", ["# a heading", "- an item", "1. an item", "> said", "=== "])
def test_a_text_begins_no_block(text: str) -> None:
    assert re.match(r"\\|\d+\\", escaped(text))


def test_code_keeps_backticks_and_cells() -> None:
    html = "<table><tr><th>a</th></tr><tr><td class='code'>x`y|z</td></tr></table>"
    assert written(html, "f").splitlines()[2] == "| ``x`y\\|z`` |"
