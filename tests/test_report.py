"""The report: its sections as approved, its promises about escaping, fetching, tags and bytes."""

import base64
import hashlib
import io
import os
import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jsonschema
import msgspec
import page
import pikepdf
import polars as pl
import pypdf
import pytest

from pipeline.figure import Drawing
from pipeline.finding import Assumption, Exhaustion, encoded
from pipeline.incident_finding import Findings, Issue
from pipeline.printing import Attached, Bounds
from pipeline.printing import printed as printed_
from pipeline.report import Format, Report, composed, pdf, section, sections, write
from pipeline.schema import schema

HERE = Path(__file__).parent / "reports"
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% for x in y %}",
    "file:///etc/passwd",
    "\u202eright to left \u05e9\u05dc\u05d5\u05dd",
    "\N{PILE OF POO}\N{COMBINING ACUTE ACCENT}" * 3,
    "https://evil.example/" + "a" * 4000,
    '"><link rel="attachment" href="file:///etc/passwd">',
)


def findings() -> Findings:
    return msgspec.json.decode((HERE / "findings.json").read_bytes(), type=Findings)


def drawings() -> dict[str, Drawing]:
    svg = '<svg viewBox="0 0 10 4"><title>a figure</title><rect width="9" height="3"/></svg>'
    return {name: Drawing(svg, "a figure") for name in ("F1", "F2", "F3", "F4", "F5", "C1")}


@pytest.fixture(scope="module")
def report() -> Report:
    return Report(findings(), drawings())


@pytest.fixture(scope="module")
def full(report: Report) -> Report:
    """With numbers behind each figure, which the PDF has attached."""
    rows = pl.DataFrame({"minute": ["09:30"], "failed": [7]})
    return Report(
        report.findings,
        {name: Drawing(each.svg, each.alt, rows) for name, each in report.drawings.items()},
    )


@pytest.fixture(scope="module")
def printed(full: Report) -> bytes:
    content = pdf(composed(full), full)
    assert content is not None, "Pango is missing; make test installs it"
    return content


class Elements(HTMLParser):
    """Collects the elements of a page with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", sections())
def test_a_section_reads_as_approved(name: str, report: Report) -> None:
    """Where it should read otherwise: `make approve`, then look at the difference."""
    made = section(name, report, 0)
    approved = HERE / name
    if os.environ.get("APPROVE"):
        approved.write_text(made, encoding="utf-8")
    assert made == approved.read_text(encoding="utf-8")


def test_no_approved_section_is_left_without_a_template() -> None:
    assert {f"rca/{path.name}" for path in (HERE / "rca").iterdir()} == set(sections())


def test_without_an_incident_the_first_page_says_so(report: Report) -> None:
    quiet = Report(msgspec.structs.replace(report.findings, incidents=[], figures=[]), {})
    text = Elements(composed(quiet)).text
    assert "No incident found" in text
    assert "Timeline" not in text


def test_a_comparison_is_told_where_one_was_asked_for_and_nowhere_else(report: Report) -> None:
    told = Elements(composed(report)).text
    assert "Did it get better?" in told
    alone = msgspec.structs.replace(report.findings, comparison=None)
    assert "Did it get better" not in Elements(composed(Report(alone, drawings()))).text
    compared = report.findings.comparison
    assert compared
    unmatched = msgspec.structs.replace(compared, measures=[], ports=[])
    bare = msgspec.structs.replace(report.findings, comparison=unmatched)
    assert "No minute could be matched" in Elements(composed(Report(bare, drawings()))).text


def test_each_incident_has_its_own_chapter(report: Report) -> None:
    (one,) = report.findings.incidents
    two = msgspec.structs.replace(report.findings, incidents=[one, one])
    html = composed(Report(two, drawings()))
    assert "incident 1 of 2" in html
    assert "incident 2 of 2" in html
    ids = [attributes["id"] for _, attributes in Elements(html).found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_a_report_issued_unwatched_says_what_changed_and_what_was_wanting(report: Report) -> None:
    told = Issue("apim-1", 2, ["It was going on; it ended."], ["land: <b> cannot be reached"])
    issued = Report(msgspec.structs.replace(report.findings, issue=told), drawings())
    text = Elements(section("rca/10_summary.html", issued, 0)).text
    for said in ("INCOMPLETE", "land: <b> cannot be reached", "Revision 2", "it ended."):
        assert said in text
    first = pdf(composed(issued))
    assert first is not None
    page_1 = pypdf.PdfReader(io.BytesIO(first)).pages[0].extract_text()
    assert "INCOMPLETE" in page_1
    assert "Were SNAT ports exhausted?" in page_1


def ports_section(report: Report, *, drawn: bool = True, **changed: Any) -> Elements:
    """The section on ports, with so much of the verdict changed."""
    (one,) = report.findings.incidents
    other = msgspec.structs.replace(one, snat=msgspec.structs.replace(one.snat, **changed))
    findings_ = msgspec.structs.replace(report.findings, incidents=[other])
    html = section("rca/35_ports.html", Report(findings_, drawings() if drawn else {}), 0)
    return Elements(html)


def test_the_request_to_support_keeps_its_lines(report: Report) -> None:
    (one,) = report.findings.incidents
    assert one.snat.support_request
    told = Elements(section("rca/67_cannot_see.html", report, 0)).text
    assert one.snat.support_request in told


def test_a_verdict_that_stands_asks_for_nothing_more(report: Report) -> None:
    told = ports_section(
        report, verdict=Exhaustion.CONFIRMED, would_decide=None, support_request=None
    ).text
    assert "Confirmed" in told
    assert "What would decide" not in told
    assert "ready to be sent" not in told


@pytest.mark.parametrize(
    ("counts", "proves", "said"),
    [
        (True, True, "proves it"),
        (True, False, "speaks against it"),
        (True, None, "decides nothing"),
        (False, True, "was not counted"),
    ],
)
def test_a_counter_says_what_it_proves_and_whether_it_counts(
    report: Report, counts: bool, proves: bool | None, said: str
) -> None:
    (one,) = report.findings.incidents
    counter = msgspec.structs.replace(one.snat.counters[0], counts=counts, proves=proves)
    told = ports_section(report, counters=[counter]).text
    assert said in told
    assert ("egress_resource_id" in told) is not counts


def test_each_exhibit_on_ports_can_be_jumped_to_even_where_there_is_none(report: Report) -> None:
    bare = ports_section(report, drawn=False, counters=[])
    assert {"F5", "T10", "T11"} <= {each["id"] for _, each in bare.found if "id" in each}
    assert "There is no figure of ports" in bare.text
    assert "No port counter was read" in bare.text


@pytest.mark.parametrize(
    ("basis", "said"),
    [("stated", "stated"), ("documented", "documented"), ("assumed", "an assumption")],
)
def test_an_assumption_on_ports_is_called_one(
    report: Report, basis: Literal["stated", "documented", "assumed"], said: str
) -> None:
    value = Assumption(
        name="units",
        value=1,
        origin="default",
        source="one unit",
        of=report.findings.incidents[0].gateway,
        basis=basis,
    )
    changed = msgspec.structs.replace(report.findings, assumptions=[value])
    html = section("rca/70_data_and_method.html", Report(changed, drawings()), None)
    assert f'<td class="word">{said}</td>' in html


def _strings_replaced(value: Any, hostile: Iterator[str]) -> Any:
    """Every text that comes from outside is replaced; what the product itself says stays."""
    own = {"start", "end", "time", "at", "verdict", "status", "direction", "kind", "schema_version"}
    own |= {"trigger", "basis", "scope", "first_failure", "peak_at", "id", "sha256", "figure"}
    own |= {"change_at", "change_from", "change_to", "mechanism", "outcome"}
    own |= {"near", "began", "ended"}
    own |= {"conclusion", "own", "measure", "change", "paper"}
    if isinstance(value, dict):
        return {
            key: each if key in own and isinstance(each, str) else _strings_replaced(each, hostile)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_strings_replaced(each, hostile) for each in value]
    return next(hostile) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def hostile(report: Report) -> str:
    def endless() -> Iterator[str]:
        while True:
            yield from HOSTILE

    said = _strings_replaced(msgspec.to_builtins(report.findings), endless())
    return composed(Report(msgspec.convert(said, Findings), drawings()))


def test_hostile_texts_stay_texts(hostile: str) -> None:
    page_ = Elements(hostile)
    tags = {tag for tag, _ in page_.found}
    assert not tags & {"img", "iframe", "object", "link", "base", "form"}
    # The page's own, the only one that its policy lets run.
    assert [tag for tag, _ in page_.found].count("script") == 1
    for _, attributes in page_.found:
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
        assert not attributes.get("src")
    assert "<script>alert(1)</script>" in page_.text
    assert "{{ 7 * 7 }}" in page_.text


def test_hostile_texts_print_without_fetching(
    hostile: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = pdf(hostile)
    assert content
    assert b"root:x:0:0" not in content
    with pikepdf.open(io.BytesIO(content)) as document:
        assert not document.attachments
    assert "Failed to load" not in caplog.text
    assert_kept(content)


def test_the_html_fetches_nothing(report: Report) -> None:
    html = composed(report)
    style = html[html.index("<style>") : html.index("</style>")]
    assert set(re.findall(r"url\((\w+):", style)) == {"data"}
    assert "default-src 'none'" in html
    script = html[html.index("<script>") + 8 : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.replace("&#39;", "'")
    assert "@import" not in style


def test_the_pdf_is_tagged_titled_and_in_english(printed: bytes) -> None:
    with pikepdf.open(io.BytesIO(printed)) as document:
        assert str(document.docinfo["/Title"]).startswith("Root cause report")
        assert document.Root.Lang == "en"
        assert document.Root.MarkInfo.Marked
        assert document.Root.StructTreeRoot.K


def assert_kept(content: bytes) -> None:
    """The PDF keeps what it promises, to readers who hear it and to those in thirty years."""
    for profile in (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A):
        checked = page.validate_pdf_bytes(content, profile=profile)
        assert checked.is_compliant, (profile, [str(each) for each in checked.failures])
    with pikepdf.open(io.BytesIO(content)) as document:
        assert document.check_pdf_syntax() == []


def test_the_pdf_keeps_pdf_ua_1_and_pdf_a_3a_with_its_attachments(
    full: Report, printed: bytes
) -> None:
    assert_kept(printed)
    with pikepdf.open(io.BytesIO(printed)) as document:
        held = {name: each.get_file() for name, each in document.attachments.items()}
        assert {name: each.mime_type for name, each in held.items()} == {
            "findings.json": "application/json",
            **{f"{name}.csv": "text/csv" for name in full.drawings},
        }
        assert held["findings.json"].read_bytes() == encoded(full.findings)
        assert held["F1.csv"].read_bytes() == b"minute,failed\n09:30,7\n"


def test_streams_that_end_like_a_line_keep_their_length() -> None:
    """One in a hundred does: packed, a stream may end in any byte."""
    many = [
        Attached(f"{number:03}.csv", "numbers", "text/csv", "Data", b"a\n" + b"%d\n" % number)
        for number in range(300)
    ]
    text = "".join(f"<p style='break-before: page'>{number**7}</p>" for number in range(200))
    content = printed_(f"<html lang=en><title>t</title><body><h1>h</h1>{text}", many)
    assert content
    assert b"ASCII85Decode" in content
    assert_kept(content)


def test_what_takes_too_long_or_too_much_is_told_and_the_rest_is_written(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = {kind: tmp_path / f"rca.{kind}" for kind in (Format.PDF, Format.HTML, Format.JSON)}
    for bounds, said in (
        (Bounds(seconds=0.2), "the 0 s it may"),
        (Bounds(bytes=100 << 20), "the 100 MiB of memory it may"),
    ):
        monkeypatch.setattr("pipeline.report.printed", partial(printed_, bounds=bounds))
        written, [missing] = write(report, outputs)
        assert written == [outputs[Format.HTML], outputs[Format.JSON]]
        assert missing.startswith("no PDF: printing took more than")
        assert said in missing
        assert "--from and --to" in missing


def test_a_report_that_knows_of_no_call_keeps_pdf_ua_1(report: Report) -> None:
    (one,) = report.findings.incidents
    none = msgspec.structs.replace(
        one, destinations=[], snat=msgspec.structs.replace(one.snat, counters=[])
    )
    others = report.findings.assumptions[-1:]
    bare = msgspec.structs.replace(report.findings, incidents=[none], assumptions=others)
    content = pdf(composed(Report(bare, {})))
    assert content
    assert_kept(content)


def test_the_pdf_uses_the_bundled_fonts_only(printed: bytes) -> None:
    with pikepdf.open(io.BytesIO(printed)) as document:
        names = {
            str(each["/BaseFont"]).partition("+")[2]
            for each in document.objects
            if isinstance(each, pikepdf.Dictionary) and "/BaseFont" in each
        }
    assert names
    assert all(name.startswith("IBM-Plex") for name in names), names


def test_the_first_page_stands_alone(printed: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(printed))
    first = " ".join(reader.pages[0].extract_text().split())
    (incident,) = findings().incidents
    for told in (
        f"{incident.impact.failed:,} requests failed",
        "Were SNAT ports exhausted?",
        "Undecided",
        "What would decide: ",
        incident.destinations[0].name,
        "What was excluded",
        "What could not be seen",
        "What to do first",
    ):
        assert told in first, told
    assert "Timeline 2" in first  # the contents name pages
    assert "Timeline" in reader.pages[1].extract_text()
    assert f"1 of {len(reader.pages)}" in first


def test_the_same_findings_print_the_same_bytes(full: Report, printed: bytes) -> None:
    assert pdf(composed(full), full) == printed


def test_findings_keep_their_schema(report: Report) -> None:
    jsonschema.validate(
        msgspec.json.decode(encoded(report.findings)),
        schema(),
        cls=jsonschema.Draft202012Validator,
    )


def test_a_time_without_zone_breaks_the_schema(report: Report) -> None:
    said = msgspec.json.decode(encoded(report.findings))
    said["window"]["start"] = "2026-03-10T08:00:00"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(said, schema(), cls=jsonschema.Draft202012Validator)


def test_every_bundled_font_has_its_licence() -> None:
    text = (files("reports") / "fonts" / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE" in text


def test_each_format_lands_where_it_was_asked_for(report: Report, tmp_path: Path) -> None:
    outputs = {kind: tmp_path / "deep" / f"rca.{kind}" for kind in Format}
    written, missing = write(report, outputs)
    assert written == list(outputs.values())
    assert missing == []
    figures = [path.name for path in sorted((tmp_path / "deep" / "rca-figures").iterdir())]
    assert figures == sorted(f"{name}.svg" for name in drawings())
    assert outputs[Format.PDF].read_bytes().startswith(b"%PDF-")
    assert msgspec.json.decode(outputs[Format.JSON].read_bytes(), type=Findings) == findings()


def test_what_was_set_aside_is_told_also_where_there_is_no_incident(report: Report) -> None:
    quiet = msgspec.structs.replace(report.findings, incidents=[], figures=[])
    assert report.findings.set_aside[0] in Elements(composed(Report(quiet, {}))).text


def test_where_nothing_was_set_aside_there_is_no_list_of_it(report: Report) -> None:
    bare = msgspec.structs.replace(report.findings, set_aside=[])
    assert "set aside" not in section("rca/69_set_aside.html", Report(bare, {}), None)
