"""Verifying a report: what holds, what late rows changed, and what cannot be checked any more."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.azurite import ACCOUNT, Azurite
from tests.exports import blob, landed, line
from tests.test_cli import BAD_INPUT, DONE, INCOMPLETE, NOTHING, Said, run

# Each second a request; those of four minutes fail.
FAILING = range(600, 840)
DOWN = {"responseCode": 503, "backendResponseCode": 503}
SETTINGS = "[incident]\nminimum_failures = 20\n"


def logged(*numbers: int) -> bytes:
    """A log of requests by their second."""
    return b"".join(
        line(each, properties=DOWN if each in FAILING else {}) + b"\n" for each in numbers
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exports, settings, a lake of them, and the report on it."""
    folder = tmp_path_factory.mktemp("made")
    blob(folder / "in" / "PT1H.json", logged(*range(0, 1500)))
    blob(folder / "gateway-rca.toml", SETTINGS.encode())
    landed(folder / "in", folder / "lake")
    report(folder, "--lake", folder / "lake")
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """The same for one test alone; its report names its own lake."""
    folder = tmp_path / "made"
    shutil.copytree(made, folder)
    told = said(folder)
    told["lake"]["location"] = str(folder / "lake")
    write(folder, told)
    return folder


def report(folder: Path, *words: str | Path) -> None:
    done = run("incident", *words, "--format", "json", "--output", folder / "rca.json")
    assert done.status == DONE, done.err


def said(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "rca.json").read_text())
    return told


def write(folder: Path, told: dict[str, Any]) -> None:
    (folder / "rca.json").write_text(json.dumps(told))


def verified(folder: Path, *words: str | Path) -> tuple[Said, dict[str, Any]]:
    """What verifying the report told, as JSON."""
    done = run("verify", folder / "rca.json", "--json", *words)
    return done, json.loads(done.out)


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["outcome"] for each in told["figures"]}


def why(told: dict[str, Any], id_: str) -> str:
    [found] = [each["why"] for each in told["figures"] if each["id"] == id_]
    assert isinstance(found, str)
    return found


def test_over_the_same_lake_all_holds(place: Path) -> None:
    done = run("verify", place / "rca.json")
    assert done.status == DONE
    figures = len(said(place)["figures"])
    assert figures > 15
    assert done.out.splitlines()[-1] == (
        f"{figures} of {figures} figures hold, 0 changed, 0 cannot be checked; all values hold"
    )


def test_every_query_behind_a_figure_is_run(place: Path) -> None:
    _, told = verified(place)
    for was, now in zip(said(place)["figures"], told["figures"], strict=True):
        assert [each["query"] for each in was["queries"]] == [e["query"] for e in now["queries"]]
        assert was["queries"][0]["sha256"] == was["sha256"] == now["queries"][0]["sha256_is"]
    assert max(len(each["queries"]) for each in told["figures"]) > 3


def test_late_rows_are_told_with_their_dataset_and_their_number(place: Path) -> None:
    late = blob(place / "late.json", logged(*range(1500, 1505)).replace(b"T08:25", b"T08:12"))
    landed(late, place / "lake")
    done, told = verified(place)
    assert done.status == INCOMPLETE
    assert outcomes(told)["T1"] == "changed"
    assert "late data: requests had 1,500 rows on the days looked at, has 1,505" in why(told, "T1")
    assert "landings had 1 rows, has 2" in why(told, "D1")


def test_rows_of_other_times_that_came_since_change_nothing(place: Path) -> None:
    other = logged(*range(1500, 1505)).replace(b"T08:25", b"T14:25")
    landed(blob(place / "other.json", other + b"not JSON\n"), place / "lake")
    done, told = verified(place)
    assert set(outcomes(told).values()) == {"holds"}
    assert told["values"] == {"outcome": "holds", "why": "", "differences": []}
    assert done.status == DONE


def test_late_rows_leave_the_figures_that_they_do_not_touch(place: Path) -> None:
    late = blob(place / "late.json", logged(*range(1500, 1505)).replace(b"T08:25", b"T08:12"))
    landed(late, place / "lake")
    _, told = verified(place)
    found = outcomes(told)
    assert {found[each] for each in ("F1a", "T3", "T8", "D2")} == {"holds"}
    assert list(found.values()) == sorted(found.values(), key=["changed", "holds"].index)


def test_values_that_late_rows_changed_are_named(place: Path) -> None:
    late = blob(place / "late.json", logged(*range(1500, 1505)).replace(b"T08:25", b"T08:12"))
    landed(late, place / "lake")
    _, told = verified(place)
    [incident] = said(place)["incidents"]
    path = f"incidents[{incident['id']}].impact.requests"
    [found] = [each for each in told["values"]["differences"] if each["path"] == path]
    assert (found["was"], found["is"]) == (240, 245)
    text = run("verify", place / "rca.json").out
    assert "late data: requests had 1,500 rows" in text
    assert "values changed" in text.splitlines()[-1]


def test_rows_forgotten_cannot_be_checked(place: Path) -> None:
    forget = ("lake", "forget", "--lake", place / "lake", "--older-than", "2026-03-11")
    assert run(*forget).status == DONE
    done, told = verified(place)
    assert done.status == INCOMPLETE
    assert outcomes(told)["F1a"] == "cannot be checked"
    assert "rows forgotten: requests had 1,500 on the days looked at, has 0" in why(told, "F1a")
    assert outcomes(told)["D1"] == "cannot be checked"
    assert told["values"]["outcome"] == "cannot be checked"
    assert told["values"]["why"]


def test_a_lake_counted_again_or_compacted_says_the_same(place: Path) -> None:
    for words in (("recount",), ("compact",)):
        assert run("lake", *words, "--lake", place / "lake").status == DONE
    assert verified(place)[0].status == DONE


def test_what_came_at_once_holds_where_it_comes_in_parts(made: Path, tmp_path: Path) -> None:
    for number, part in enumerate((range(0, 800, 2), range(1, 800, 2), range(800, 1500))):
        landed(blob(tmp_path / f"{number}.json", logged(*part)), tmp_path / "lake")
        landed(tmp_path / f"{number}.json", tmp_path / "lake")
        run("lake", "compact", "--lake", tmp_path / "lake")
    _, told = verified(made, "--lake", tmp_path / "lake")
    found = outcomes(told)
    # What was read, and where single requests stand, differs indeed.
    assert {name for name, each in found.items() if each != "holds"} == {"D1", "T8"}


def test_a_lake_that_is_gone_leaves_all_unchecked_and_says_the_cure(place: Path) -> None:
    (place / "lake").rename(place / "moved")
    done, told = verified(place)
    assert done.status == INCOMPLETE
    assert set(outcomes(told).values()) == {"cannot be checked"}
    assert "no lake is there" in why(told, "F1a")
    assert "--lake" in why(told, "F1a")
    assert verified(place, "--lake", place / "moved")[0].status == DONE


def test_a_lake_that_is_named_must_be_there(place: Path) -> None:
    done = run("verify", place / "rca.json", "--lake", place / "nowhere")
    assert done.status == BAD_INPUT
    assert "no lake is there" in done.last


def test_a_report_made_from_exports_takes_them_again(made: Path, tmp_path: Path) -> None:
    report(tmp_path, made / "in")
    assert said(tmp_path)["lake"]["location"] is None
    neither = run("verify", tmp_path / "rca.json")
    assert neither.status == BAD_INPUT
    assert f"gateway-rca verify {tmp_path / 'rca.json'} exports/" in neither.last
    done, told = verified(tmp_path, made / "in")
    assert (done.status, told["lake"]) == (DONE, None)
    assert verified(tmp_path, "--lake", made / "lake")[0].status == DONE


def test_exports_and_a_lake_are_one_too_many(made: Path) -> None:
    done = run("verify", made / "rca.json", made / "in", "--lake", made / "lake")
    assert done.status == BAD_INPUT
    assert "not both" in done.last


def test_settings_that_changed_since_do_not_matter(place: Path) -> None:
    blob(place / "gateway-rca.toml", b"[incident]\nminimum_failures = 100000\n")
    assert verified(place)[0].status == DONE


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"%PDF-1.7", "not JSON"),
        (b"[]", "no report of gateway-rca"),
        (b'{"kind": "pod", "schema_version": "1.0"}', "no report of gateway-rca"),
        (b'{"kind": "incident", "schema_version": "7.0"}', "schema version 7.0"),
        (b'{"kind": "incident", "schema_version": "1.0"}', "generator"),
        (
            b'{"kind": "incident", "schema_version": "1.0", "generator": "", "figures": [],'
            b' "window": {"start": "", "end": ""}, "comparison": {}}',
            "comparison",
        ),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(
    content: bytes, told: str, tmp_path: Path
) -> None:
    done = run("verify", blob(tmp_path / "rca.json", content))
    assert done.status == BAD_INPUT
    assert told in done.last
    assert len(done.err.splitlines()) == 1


def test_a_report_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run("verify", tmp_path / "rca.json")
    assert (done.status, "no such file" in done.last) == (BAD_INPUT, True)


def test_without_figures_there_is_nothing_to_verify(place: Path) -> None:
    write(place, {**said(place), "figures": []})
    assert run("verify", place / "rca.json").status == NOTHING


def changed_in(place: Path, **changes: object) -> tuple[Said, dict[str, Any]]:
    """What verifying tells where F4 was made by something else."""
    told = said(place)
    [figure] = [each for each in told["figures"] if each["id"] == "F4"]
    figure["queries"][0].update(changes)
    write(place, told)
    return verified(place)


def test_a_query_that_is_gone_cannot_be_checked(place: Path) -> None:
    done, told = changed_in(place, query="queries/errors/gone.sql")
    assert (done.status, outcomes(told)["F4"]) == (INCOMPLETE, "cannot be checked")
    assert why(told, "F4") == "queries/errors/gone.sql is no longer there"


def test_a_query_whose_text_changed_cannot_be_checked(place: Path) -> None:
    _, told = changed_in(place, digest="0" * 64, sha256="0" * 64)
    assert outcomes(told)["F4"] == "cannot be checked"
    assert "the text of queries/errors/failing_durations.sql changed" in why(told, "F4")


def test_a_query_whose_text_changed_and_answer_did_not_holds(place: Path) -> None:
    assert outcomes(changed_in(place, digest="0" * 64)[1])["F4"] == "holds"


def test_a_query_that_takes_other_parameters_cannot_be_checked(place: Path) -> None:
    _, told = changed_in(place, parameters={"start": "2026-03-10T08:00:00"})
    assert "takes other parameters now" in why(told, "F4")


def test_an_answer_that_no_late_row_explains_is_told_so(place: Path) -> None:
    _, told = changed_in(place, sha256="0" * 64)
    assert outcomes(told)["F4"] == "changed"
    assert "the rows are as many as they were" in why(told, "F4")


def test_a_number_that_somebody_changed_is_named(place: Path) -> None:
    told = said(place)
    told["incidents"][0]["impact"]["failed"] = 3
    write(place, told)
    done = run("verify", place / "rca.json")
    assert done.status == INCOMPLETE
    assert ".impact.failed: was 3, is 240" in done.out
    assert "figures hold, 0 changed, 0 cannot be checked; 1 value changed" in done.out


def test_another_kind_of_report_is_verified_by_its_figures(place: Path) -> None:
    """Such as one that tells less of how it was made, and of days."""
    figure = next(each for each in said(place)["figures"] if each["id"] == "F2")
    bare = {name: figure[name] for name in ("id", "query", "parameters", "sha256")}
    window = {"start": "2026-03-10T00:00:00Z", "end": None}
    made = {"schema_version": "1.0", "kind": "capacity", "generator": "gateway-rca 0.1.0"}
    write(place, {**made, "window": window, "resources": [], "figures": [bare]})
    done, told = verified(place, "--lake", place / "lake")
    assert (done.status, outcomes(told), told["values"]) == (DONE, {"F2": "holds"}, None)
    bare["parameters"] = {"start": "2026-03-10", "stop": "2026-03-12"}
    write(place, {**made, "window": window, "figures": [bare]})
    assert outcomes(verified(place, "--lake", place / "lake")[1]) == {"F2": "holds"}


def test_a_lake_on_azure_is_verified_as_a_folder_is(
    made: Path, tmp_path: Path, azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    lake = f"az://{ACCOUNT}/{azurite.container().container_name}/lake"
    landed(made / "in", lake)
    report(tmp_path, "--lake", lake, "--config", made / "gateway-rca.toml")
    assert said(tmp_path)["lake"]["location"] == lake
    done, told = verified(tmp_path)
    assert (done.status, told["lake"]) == (DONE, lake)
    landed(blob(tmp_path / "late.json", logged(*range(1500, 1510))), lake)
    assert "late data" in why(verified(tmp_path)[1], "D1")
