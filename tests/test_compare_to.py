"""A report that compares with another period: from logs to its section, figure and JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from pipeline.schema import schema
from tests.exports import MORNING, as_line, blob, record
from tests.simulation.arrivals import Rate
from tests.simulation.sample import sample, write
from tests.simulation.scenario import draw
from tests.test_cli import BAD_INPUT, DONE, Said, run

HOURS = 14
FIRST, SECOND = "2026-03-10T08:00/2026-03-10T22:00", "2026-03-17T08:00/2026-03-17T22:00"
DOWN = {"responseCode": 503, "backendResponseCode": 503}


def two_weeks() -> Iterator[bytes]:
    """Two Tuesdays, as busy as each other; in the first, a third of the minutes have a failure."""
    for week in (0, 7):
        for minute in range(60 * HOURS):
            for each in range(3):
                moment = MORNING + timedelta(days=week, minutes=minute, seconds=11 * each + 1)
                bad = not week and not each and minute // 7 % 3 == 0
                number = 10_000 * week + 10 * minute + each
                yield as_line(
                    record(
                        number,
                        time=f"{moment:%Y-%m-%dT%H:%M:%S}.{number:06}0Z",
                        properties={"backendTime": 150 - 10 * week, **(DOWN if bad else {})},
                    )
                )


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weeks") / "in"
    blob(folder / "PT1H.json", b"".join(two_weeks()))
    return folder


def report(exports: Path, folder: Path, own: str, other: str, *words: str) -> Said:
    start, stop = own.split("/")
    asked = ("--from", start, "--to", stop, "--compare-to", other, *words)
    return run("incident", exports, *asked, "--output", folder / "rca.json")


def said(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "rca.json").read_text())
    return told


@pytest.fixture(scope="module")
def made(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report on the first week, compared with the second."""
    folder = tmp_path_factory.mktemp("made")
    assert (
        report(exports, folder, FIRST, SECOND, "--format", "html", "--format", "json").status
        == DONE
    )
    return folder


def test_a_better_week_is_told_with_its_numbers(made: Path) -> None:
    compared = said(made)["comparison"]
    assert compared["conclusion"] == "better"
    assert (compared["own"], compared["counted"]) == ("before", "failed")
    assert compared["matched_minutes"] == compared["minutes_after"] == 60 * HOURS
    assert (compared["failed_before"], compared["failed_after"]) == (280, 0)
    measures = {each["measure"]: each for each in compared["measures"]}
    assert (measures["p50_ms"]["before"], measures["p50_ms"]["after"]) == (150, 80)
    assert measures["ports"]["before"] == pytest.approx(measures["ports"]["after"], rel=0.05)
    assert compared["ports"][0]["before"]["limit"] == 1024


def test_the_other_way_round_the_same_is_told(exports: Path, made: Path, tmp_path: Path) -> None:
    report(exports, tmp_path, SECOND, FIRST, "--format", "json")
    turned, first = said(tmp_path)["comparison"], said(made)["comparison"]
    assert turned.pop("own") == "after"
    first.pop("own")
    assert turned == first


def test_the_document_keeps_its_schema(made: Path) -> None:
    jsonschema.validate(said(made), schema(), cls=jsonschema.Draft202012Validator)


def test_the_section_stands_before_data_and_method_with_its_figure(made: Path) -> None:
    html = (made / "rca.html").read_text()
    ids = re.findall(r'<section[^>]* id="([\w-]+)"', html)
    assert ids.index("before-and-after") + 1 == ids.index("data")
    section = html[html.index('id="before-and-after"') : html.index('id="data"')]
    assert "Did it get better?" in section
    assert '<figure id="C1">' in section
    assert "of the week: 11.1 % before, 0 % after" in section
    assert 'href="#before-and-after"' in html[: html.index('id="before-and-after"')]


def test_its_exhibits_name_the_queries_of_both_periods_and_hold(made: Path, exports: Path) -> None:
    figures = {each["id"]: each for each in said(made)["figures"]}
    assert {"C1", "C2", "C3"} <= set(figures)
    starts = {each["parameters"]["start"][:10] for each in figures["C2"]["queries"]}
    assert starts == {"2026-03-10", "2026-03-17"}
    assert run("verify", made / "rca.json", exports).status == DONE


def test_who_does_not_ask_gets_no_comparison(exports: Path, tmp_path: Path) -> None:
    output = tmp_path / "rca.json"
    formats = ("--format", "html", "--format", "json")
    assert run("incident", exports, *formats, "--output", output).status == DONE
    assert said(tmp_path)["comparison"] is None
    assert "Did it get better" not in (tmp_path / "rca.html").read_text()


@pytest.mark.parametrize(
    ("period", "told"),
    [
        ("2026-03-17", "is not a period"),
        ("2026-03-17/tomorrow", "is not a time"),
        ("2026-03-18/2026-03-17", "ends before it begins"),
        ("2026-03-10T20:00/2026-03-11", "overlaps"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    period: str, told: str, exports: Path, tmp_path: Path
) -> None:
    done = report(exports, tmp_path, FIRST, period, "--format", "json")
    assert done.status == BAD_INPUT
    assert told in done.last
    assert "--compare-to" in done.last


def test_a_period_without_a_request_matches_nothing(exports: Path, tmp_path: Path) -> None:
    empty = SECOND.replace("2026-03-17", "2026-03-24")
    assert report(exports, tmp_path, FIRST, empty, "--format", "json").status == DONE
    compared = said(tmp_path)["comparison"]
    assert (compared["conclusion"], compared["minutes_after"]) == ("cannot_be_told", 0)


def test_an_incident_against_the_week_after_its_cause_was_mended(tmp_path: Path) -> None:
    """A backend that was down, and the same traffic a week later with the backend up."""
    for week, folder in ((0, "down"), (7, "up")):
        rng = np.random.default_rng(1)
        drawn = draw("backend_refused", rng)
        thin = Rate(tuple((time, height / 2) for time, height in drawn.background.points))
        faults = () if week else drawn.faults
        _, files = sample("", 1, replace(drawn, background=thin, faults=faults), rng)
        day, moved = b"2026-03-10", b"2026-03-%02d" % (10 + week)
        write(
            {path: raw.replace(day, moved) for path, raw in files.items()},
            tmp_path / "exports" / folder,
        )
    asked = ("--compare-to", "2026-03-17T08:00/2026-03-17T10:00", "--format", "json")
    done = run("incident", tmp_path / "exports", *asked, "--output", tmp_path / "rca.json")
    assert done.status == DONE, done.err
    [incident] = said(tmp_path)["incidents"]
    compared = said(tmp_path)["comparison"]
    assert compared["gateway"] == incident["gateway"]
    assert compared["before"]["start"] <= incident["start"] <= compared["before"]["end"]
    assert compared["matched_minutes"] >= 5
    assert compared["measures"][0]["before"] > 0.1
    assert compared["measures"][0]["after"] < 0.01
    # So clear, and yet one stretch of one morning.
    assert compared["conclusion"] == "cannot_be_told"
    assert "too few" in compared["why"]
    assert run("verify", tmp_path / "rca.json", tmp_path / "exports").status == DONE
