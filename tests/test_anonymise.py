"""--anonymise: no name that is in the lake is in what was written, and the verdict is the same."""

import io
import re
import shutil
from functools import cache
from pathlib import Path

import msgspec
import pikepdf
import pypdf
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.incident_finding import Findings
from pipeline.investigate import AROUND_AN_INCIDENT, NEAR_AN_INCIDENT, OF_AN_INCIDENT
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.pseudonyms import CODES, HARMLESS, NAMED, PLACES, RESOURCES, SHORTEST
from pipeline.query import queries
from pipeline.survey import WHOLE_WINDOW
from tests import hostile
from tests.exports import rows

BURST = Path(__file__).parents[1] / "data" / "samples" / "synthetic" / "snat_burst"
NAMES = (
    "resource_id", "instance", "caller_ip", "subscription", "api", "operation",
    "url", "backend", "backend_url", "backend_host", "error_message", "error_ip",
)  # fmt: skip
AFTER_HOST = re.compile(r"(?<=://)([^/]+)/.*", re.DOTALL)


def report(
    lake: Path, folder: Path, *options: str, kinds: tuple[str, ...] = ("pdf", "html", "json", "md")
) -> Path:
    """The folder with a report on the lake."""
    output = folder / ("rca.pdf" if len(kinds) > 1 else f"rca.{kinds[0]}")
    words = ["incident", "--lake", str(lake), "--output", str(output), *options]
    words += [word for kind in kinds for word in ("--format", kind)]
    ran = CliRunner().invoke(main, words, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return folder


def landed_at(home: Path, kind: str) -> Path:
    if kind == "demo":
        shutil.copytree(BURST, home / "export")
        shutil.copy(BURST / "gateway-rca.toml", home)
    else:
        hostile.export(home / "export")
    land([str(home / "export")], Lake(home / "lake"))
    return home / "lake"


@pytest.fixture(scope="module", params=["demo", "hostile"])
def lake(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return landed_at(tmp_path_factory.mktemp("lake"), request.param)


@pytest.fixture(scope="module")
def anonymous(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(lake, tmp_path_factory.mktemp("anonymous"), "--anonymise")


@pytest.fixture(scope="module")
def named(lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What a report without the option says."""
    return findings(report(lake, tmp_path_factory.mktemp("named"), kinds=("json",)))


@cache
def said(folder: Path) -> dict[str, str]:
    """All texts of a report: the files, and text and attachments of the PDF."""
    files = [path for path in folder.rglob("*") if path.suffix in (".html", ".json", ".md", ".svg")]
    own = re.compile(r"<(style|script)>.*?</\1>", re.DOTALL)
    texts = {path.name: own.sub("", path.read_text(encoding="utf-8")) for path in files}
    content = (folder / "rca.pdf").read_bytes()
    texts["pdf"] = " ".join(
        each.extract_text() for each in pypdf.PdfReader(io.BytesIO(content)).pages
    )
    with pikepdf.open(io.BytesIO(content)) as document:
        for name, each in document.attachments.items():
            texts[f"pdf: {name}"] = each.get_file().read_bytes().decode()
    return texts


@cache
def names(lake: Path) -> set[str]:
    """Every name in the lake, of each path what is a name in it, and of a URL up to its host.

    Who tells a URL tells that part of it.
    """
    found: set[str] = set()
    ids = 0
    for row in rows(lake, "requests"):
        found |= {AFTER_HOST.sub(r"\1", row[column]) for column in NAMES if row[column]}
        # Of ids each request has one: of the failed, which a report tells of, the first suffice.
        if row["success"] is False and ids < 500:
            found.add(row["correlation_id"])
            ids += 1
    found |= {
        part for each in found if each.startswith("/subscr") for part in each.split("/")[2::2]
    }
    found |= {ip for each in found for ip in re.findall(r"\d+\.\d+\.\d+\.\d+", each)}
    found |= {row["blob"] for row in rows(lake, "quarantine")}
    return {each for each in found if len(each) >= SHORTEST and not each.startswith("microsoft.")}


def bare(text: str) -> str:
    """Without white space and case: lines of a PDF end anywhere."""
    return re.sub(r"\s", "", text).lower()


def test_no_name_of_the_lake_is_in_the_report(lake: Path, anonymous: Path) -> None:
    texts = {where: bare(text) for where, text in said(anonymous).items()}
    assert {"rca.html", "rca.json", "rca.md", "pdf", "pdf: findings.json", "F2.svg"} <= set(texts)
    looked_for = {bare(each) for each in names(lake)}
    assert len(looked_for) > 400
    leaks = [
        (where, name[:80]) for name in looked_for for where, text in texts.items() if name in text
    ]
    assert not leaks, leaks[:10]


def test_no_start_of_a_long_host_is_left_either(lake: Path, anonymous: Path) -> None:
    hosts = {each.partition("://")[2] for each in names(lake) if each.startswith("https://")}
    texts = said(anonymous)
    assert not [
        (where, each)
        for each in {each[:12] for each in hosts}
        for where, text in texts.items()
        if each in text
    ]


def test_without_the_option_the_names_are_told(lake: Path, named: Findings) -> None:
    """Or the tests above would find nothing in anything."""
    told = bare(str(msgspec.to_builtins(named)))
    assert sum(bare(each) in told for each in names(lake)) > 20


def test_the_verdict_is_the_same(named: Findings, anonymous: Path) -> None:
    [one], [other] = findings(anonymous).incidents, named.incidents
    assert one.snat.verdict == other.snat.verdict
    assert one.impact.failed == other.impact.failed
    assert [(each.id, each.probability) for each in one.hypotheses] == [
        (each.id, each.probability) for each in other.hypotheses
    ]


def test_the_same_name_has_the_same_pseudonym_everywhere(anonymous: Path) -> None:
    worst = findings(anonymous).incidents[0].destinations[0].name
    assert re.fullmatch(r"(host|address)-1:443", worst)
    texts = said(anonymous)
    assert all(worst in texts[where] for where in ("rca.html", "rca.md", "rca.json", "F2.svg"))
    assert worst in texts["pdf: F2.csv"]


def test_every_text_that_a_query_answers_is_known_as_a_name_or_as_harmless() -> None:
    known = {*NAMED, *RESOURCES, *PLACES, *CODES, *HARMLESS}
    asked = {*WHOLE_WINDOW, *AROUND_AN_INCIDENT, *NEAR_AN_INCIDENT, *OF_AN_INCIDENT}
    asked |= {"read", "refused", "extent"}
    texts = {
        column.name
        for name in asked
        for column in queries()[name].returns
        if column.type.startswith("VARCHAR")
    }
    assert texts <= known, texts - known


def findings(folder: Path) -> Findings:
    return msgspec.json.decode((folder / "rca.json").read_bytes(), type=Findings)
