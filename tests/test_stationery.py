"""House templates and letterhead: what a house may change, and what it is told where it slips."""

import io
import re
from pathlib import Path

import msgspec
import pypdf
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.config import Letterhead, Paper, settings
from pipeline.errors import PipelineError
from pipeline.figure import Drawing
from pipeline.incident_finding import Issue
from pipeline.report import Report, composed, pdf
from pipeline.stationery import Look, all_sections, checked, title
from tests.exports import blob, lines
from tests.test_report import Elements, assert_kept, drawings, findings

LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 3"><rect width="9" height="3"/></svg>'
)
# As wide and high as the real one.
FIGURE_1 = (
    '<svg viewBox="0 0 504 162"><title>failures and calls</title><rect width="9" height="3"/></svg>'
)


def page(look: Look) -> str:
    checked(look)
    return composed(Report(findings(), drawings(), look))


def house(folder: Path, **files: str) -> Look:
    """A house whose folder has these files; ``__`` in a name stands for a dot."""
    for name, text in files.items():
        path = folder / "rca" / name.replace("__", ".").lstrip("_")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Look(folder=folder)


def test_a_section_of_the_house_stands_for_the_bundled_one(tmp_path: Path) -> None:
    look = house(tmp_path, _20_timeline__html='<section id="i0-timeline"><h2>Ours</h2></section>')
    text = Elements(page(look)).text
    assert "Ours" in text
    assert "How we responded" not in text
    assert "What the failures died of" in text


def test_a_new_section_takes_its_place_by_its_number_and_in_the_contents(tmp_path: Path) -> None:
    own = '<section id="i{{ number }}-contact"><h2>Whom to ask</h2>{{ incident.id }}</section>'
    html = page(house(tmp_path, _22_contact__html=own))
    headings = re.findall(r"<h2>([^<]+)</h2>", html)
    assert headings.index("Timeline") < headings.index("Whom to ask") < headings.index("Impact")
    assert '<a href="#i0-contact">Whom to ask</a>' in html


def test_a_section_of_another_number_moves(tmp_path: Path) -> None:
    look = house(tmp_path, _12_hypotheses__html="<section><h2>Why</h2></section>")
    names = [title(name) for name in all_sections(look)]
    assert names.index("hypotheses") < names.index("timeline")
    assert names.count("hypotheses") == 1


def test_a_style_of_the_house_adds_to_the_bundled_one(tmp_path: Path) -> None:
    html = page(house(tmp_path, house__css=":root { --accent: #004488; }"))
    assert html.index("--accent: #b3361b") < html.index("--accent: #004488")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("_20_timeline__html", "\n{% if %}", "20_timeline.html:2: Expected an expression"),
        ("_20_timeline__html", "\n{{ incident.nothing }}", "20_timeline.html:2: .* 'nothing'"),
        ("timeline__html", "", "timeline.html: is no template; a section is NN_name.html"),
    ],
)
def test_a_slip_in_a_template_is_told_with_its_place(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    with pytest.raises(PipelineError, match=told):
        page(house(tmp_path, **{name: text}))


def test_a_folder_that_holds_no_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"has no folder 'rca'.*rca/house\.css"):
        checked(Look(folder=tmp_path))
    with pytest.raises(PipelineError, match="no such folder"):
        checked(Look(folder=tmp_path / "none"))


def test_a_section_left_out_leaves_no_link_to_it() -> None:
    off = {"timeline": False, "ports": False, "data_and_method": False, "impact": True}
    html = page(Look(Letterhead(sections=off)))
    there = set(re.findall(r'\bid="([^"]*)"', html))
    assert "i0-timeline" not in there
    assert "i0-impact" in there
    links = set(re.findall(r'href="#([^"]*)"', html))
    assert links
    assert links <= there


def test_an_unknown_section_is_told_with_those_there_are() -> None:
    with pytest.raises(PipelineError, match=r"sections\.ports_.*timeline, impact, destinations"):
        checked(Look(Letterhead(sections={"ports_": False})))


@pytest.fixture
def headed(tmp_path: Path) -> Look:
    (tmp_path / "logo.svg").write_text(LOGO)
    config = tmp_path / "gateway-rca.toml"
    config.write_text(
        '[report]\ntitle = "Post-incident review"\nlogo = "logo.svg"\npaper = "letter"\n'
        'confidentiality = "Confidential"\nauthors = ["A. Ames", "B. Byron"]\n'
        'time_zone = "Europe/Vienna"\n[report.sections]\nbackend_time = false\n'
    )
    return Look(settings(config).report)


def test_the_letterhead_is_on_the_page(headed: Look) -> None:
    report = Report(findings(), drawings(), headed)
    content = pdf(composed(report), report)
    assert content
    assert_kept(content)
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert [round(float(each)) for each in reader.pages[0].mediabox[2:]] == [612, 792]
    first, second = (" ".join(reader.pages[n].extract_text().split()) for n in (0, 1))
    for told in ("Post-incident review", "A. Ames, B. Byron", "2026-03-10 10:39:25 CET (", "UTC"):
        assert told in first.replace("\n", " ") or told.removesuffix(" (") in first, told
    assert "Confidential" in first
    assert "Confidential" in second
    assert reader.metadata
    assert reader.metadata.title.startswith("Post-incident review")  # type: ignore[union-attr]


def test_page_1_is_one_page_with_all_that_can_stand_on_it(headed: Look) -> None:
    """Letter, a letterhead, local time, a stamp, a comparison, a verdict that is left open."""
    wanting = ["land: az://contosologs/insights-metrics-pt1m cannot be reached: no such container"]
    issued = msgspec.structs.replace(findings(), issue=Issue("contoso-1", 1, [], wanting))
    assert issued.comparison
    drawn = {**drawings(), "F1": Drawing(FIGURE_1, "failures and calls")}
    content = pdf(composed(Report(issued, drawn, headed)))
    assert content
    reader = pypdf.PdfReader(io.BytesIO(content))
    first, second = (" ".join(reader.pages[n].extract_text().split()) for n in (0, 1))
    for told in ("INCOMPLETE", "Undecided", "What would decide", "Did it get better", "Timeline 2"):
        assert told in first, told
    assert "All times are UTC" in second


def test_without_a_letterhead_there_is_none() -> None:
    assert 'class="letterhead"' not in page(Look())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ('time_zone = "Europe/Wien"', "'Europe/Wien' is no time zone.*'Europe/Vienna'"),
        ('paper = "a3"', "a3"),
        ("logos = 1", "logos"),
    ],
)
def test_a_slip_in_the_settings_is_told(tmp_path: Path, said: str, told: str) -> None:
    config = tmp_path / "gateway-rca.toml"
    config.write_text(f"[report]\n{said}\n")
    with pytest.raises(PipelineError, match=told):
        settings(config)


@pytest.mark.parametrize(
    ("name", "told"), [("none.png", "cannot be read"), ("logo.txt", r"ends in \.png, \.svg, \.jpg")]
)
def test_a_logo_that_cannot_be_shown_is_told(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "logo.txt").write_text("x")
    with pytest.raises(PipelineError, match=told):
        checked(Look(Letterhead(logo=str(tmp_path / name))))


def test_the_command_finds_a_slip_before_it_reads_anything(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    (tmp_path / "house").mkdir()
    ran = CliRunner().invoke(
        main,
        ["incident", str(tmp_path / "in"), "--output", str(tmp_path / "rca.pdf"),
         "--template", str(tmp_path / "house")],
    )  # fmt: skip
    assert ran.exit_code == 2
    assert "has no folder 'rca'" in ran.output
    assert "land:" not in ran.output


def test_paper_is_a4_or_letter() -> None:
    assert "@page{size:a4}" in page(Look())
    assert "@page{size:letter}" in page(Look(Letterhead(paper=Paper.LETTER)))
