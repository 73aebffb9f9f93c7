"""The commands keep their promises: one helpful line for a mistake, and the exit status."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from tests.exports import blob, landed, line, lines, requests

GATEWAY_RCA = Path(sys.executable).with_name("gateway-rca")
DONE, INCOMPLETE, BAD_INPUT, NOTHING = range(4)
COMMANDS = tuple(sorted(main.commands))


@dataclass(frozen=True)
class Said:
    """What a command left behind: its status and the lines that it wrote."""

    status: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on stderr: the one that helps."""
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


def run(*words: str | Path) -> Said:
    """Runs a command here; a bug's traceback fails the test as it is."""
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    return Said(result.exit_code, result.stdout, result.stderr)


def installed(*words: str | Path, folder: Path) -> Said:
    """Runs the installed command in a process of its own."""
    done = subprocess.run(
        [GATEWAY_RCA, *words], capture_output=True, text=True, cwd=folder, timeout=60, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small export in it."""
    folder = tmp_path_factory.mktemp("exports")
    blob(folder / "in" / "PT1H.json", lines(*range(50)))
    return folder / "in"


@pytest.fixture(scope="module")
def lake(exports: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake") / "lake"
    landed(exports, folder)
    return folder


@pytest.fixture
def report(tmp_path: Path) -> tuple[str, ...]:
    """Words that ask for the cheapest report."""
    return ("--format", "json", "--output", str(tmp_path / "out" / "rca.json"))


def test_landing_tells_its_counts_and_is_done(exports: Path, tmp_path: Path) -> None:
    said = installed("land", exports, "--lake", "lake", folder=tmp_path)
    assert (said.status, said.err) == (DONE, "")
    assert said.out == (
        "requests: 1 blob read, 0 unchanged; 50 lines = 50 rows + 0 duplicates"
        " + 0 quarantined + 0 set aside + 0 pending\n"
        "1 blob seen, 1 read, 0 unchanged; 50 lines = 50 requests + 0 duplicates"
        " + 0 quarantined + 0 set aside + 0 pending\n"
    )
    again = installed("land", exports, "--lake", "lake", folder=tmp_path)
    assert again.status == DONE
    assert again.out.startswith("requests: 0 blobs read, 1 unchanged; 0 lines = 0 rows")
    assert "\n1 blob seen, 0 read, 1 unchanged; 0 lines = 0 rows" in again.out


def test_landing_names_what_it_refused_and_set_aside(tmp_path: Path) -> None:
    text = lines(1) + b"garbage\n" + line(2, category="Other") + b"\n" + line(3)[:50]
    blob(tmp_path / "in" / "PT1H.json", text)
    said = run("land", tmp_path / "in", "--lake", tmp_path / "lake")
    assert said.status == DONE
    counts, *kinds, _ = said.out.splitlines()
    told = "4 lines = 1 row + 0 duplicates + 1 quarantined + 1 set aside + 1 pending"
    assert counts.endswith(told)
    assert kinds == ["  quarantined: 1 not JSON", "  set aside: 1 of kind Other"]


def test_a_strict_landing_fails_on_what_was_quarantined(tmp_path: Path) -> None:
    sound = blob(tmp_path / "a.json", lines(1))
    assert run("land", sound, "--strict", "--lake", tmp_path / "lake").status == DONE
    unsound = blob(tmp_path / "b.json", lines(2) + b"garbage\n")
    said = run("land", unsound, "--strict", "--lake", tmp_path / "lake")
    assert said.status == INCOMPLETE
    assert "1 record quarantined, which --strict does not allow" in said.err
    assert "1 requests" in said.out


def test_a_report_without_an_incident_is_done_too(
    lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    said = run("incident", "--lake", lake, *report)
    assert (said.status, said.out) == (DONE, f"written: {tmp_path}/out/rca.json\n")
    assert json.loads((tmp_path / "out" / "rca.json").read_bytes())["incidents"] == []


def test_an_export_read_in_part_is_incomplete_and_named(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    broken = blob(tmp_path / "in" / "b.gz", gzip.compress(lines(*range(40)))[:-20])
    said = installed("land", "in", "--lake", "lake", folder=tmp_path)
    assert said.status == INCOMPLETE
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"incomplete: 1 blob could not be read to the end: {broken};")
    assert "quarantined: 1 broken blob" in said.out
    said = run("incident", broken, *report)
    assert said.status == INCOMPLETE
    assert said.last.startswith("incomplete: ")
    assert (tmp_path / "out" / "rca.json").is_file()


def test_a_corrupt_export_alone_is_named_with_the_reason(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    broken = blob(tmp_path / "in" / "b.gz", gzip.compress(lines(1))[:12])
    said = run("land", tmp_path / "in", "--lake", tmp_path / "lake")
    assert said.status == INCOMPLETE
    assert said.last.startswith(f"incomplete: {broken}: ")
    said = run("incident", tmp_path / "in", *report)
    assert said.status == BAD_INPUT
    assert f"nothing here can be read; {broken}: " in said.last


def test_a_name_that_is_not_utf_8_is_told_escaped_and_the_others_land(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    blob(tmp_path / "in" / "a.json", lines(1, 2))
    blob(tmp_path / "in" / os.fsdecode(b"caf\xe9.json"), lines(3))
    blob(tmp_path / "in" / os.fsdecode(b"d\xe9") / "b.json", lines(4))
    why = "the name is not UTF-8; rename it"
    said = installed("land", "in", "--lake", "lake", folder=tmp_path)
    assert (said.status, said.err) == (
        INCOMPLETE,
        f"incomplete: {tmp_path}/in/caf\\xe9.json (and 1 more): {why}\n",
    )
    assert "3 blobs seen, 1 read, 0 unchanged; 2 lines = 2 requests" in said.out
    assert json.loads(run("land", tmp_path / "in", "--lake", tmp_path / "lake", "--json").out)[
        "unreadable"
    ] == {
        f"{tmp_path}/in/caf\\xe9.json": why,
        f"{tmp_path}/in/d\\xe9/b.json": why,
    }
    said = run("incident", tmp_path / "in", *report)
    assert said.status == INCOMPLETE
    assert why in said.last
    assert (tmp_path / "out" / "rca.json").is_file()
    said = run("incident", tmp_path / "in" / os.fsdecode(b"caf\xe9.json"), *report)
    assert said.status == BAD_INPUT
    assert said.last.endswith(f"in/caf\\xe9.json: {why}")


@pytest.mark.parametrize("command", ["land", "incident"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("empty", "holds no files"),
        ("settings", "holds no files"),
        ("foreign", "is of a format that lands|nothing here can be read"),
        ("foreign/a.txt", "is of a format that lands|nothing here can be read"),
        ("nowhere", "no such file or folder; name an export"),
        ("nowhere/*.json", "no such file or folder; name an export"),
    ],
)
def test_a_source_without_an_export_is_bad_input(
    command: str, name: str, says: str, report: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    blob(tmp_path / "settings" / "gateway-rca.toml", b"")
    blob(tmp_path / "foreign" / "a.txt", b"words\n")
    blob(tmp_path / "foreign" / "b.png", b"\x89PNG\r\n\x1a\n\0\0")
    rest = ("--lake", tmp_path / "lake") if command == "land" else report
    said = run(command, tmp_path / name, *rest)
    assert said.status == BAD_INPUT
    assert said.last.startswith(f"gateway-rca: {tmp_path / name}: ")
    assert any(each in said.last for each in says.split("|"))
    assert not (tmp_path / "out").exists()


def test_an_export_of_refused_lines_only_is_nothing_to_report_on(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    file = blob(tmp_path / "PT1H.json", line(1, time="yesterday") + b"\n")
    said = run("incident", file, *report)
    assert said.status == NOTHING
    assert said.last.startswith(f"gateway-rca: {file}: no request could be read; ")
    assert "1 quarantined" in said.last


@pytest.mark.parametrize(
    "window",
    [
        ("--from", "2026-03-10T09:00", "--to", "2026-03-10T10:00"),
        ("--from", "2026-03-09T09:00Z", "--to", "2026-03-10T08:00Z"),
        ("--from", "2036-03-10T09:00Z"),
        ("--to", "2016-03-10T09:00+02:00"),
    ],
)
def test_a_window_without_rows_is_nothing_to_report_on(
    window: tuple[str, ...], lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    said = run("incident", "--lake", lake, *window, *report)
    assert said.status == NOTHING
    assert said.last.startswith("gateway-rca: no request ")
    assert "the data goes from 2026-03-10T08:00:00.275Z to 2026-03-10T08:00:49.275Z" in said.last
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("stop", ["2026-03-10T08:00", "2026-03-10T07:59:59Z"])
def test_a_window_that_ends_before_it_starts_is_bad_input(
    stop: str, lake: Path, report: tuple[str, ...]
) -> None:
    said = run("incident", "--lake", lake, "--from", "2026-03-10T08:00Z", "--to", stop, *report)
    assert said.status == BAD_INPUT
    assert "is not after --from" in said.last


@pytest.mark.parametrize("option", ["--from", "--to"])
@pytest.mark.parametrize(
    "text",
    ["tomorrow", "", "2026-13-01T00:00", "10/03/2026", "1773129600", "0001-01-01T00:00+14:00",
     "9999-12-31T23:59-10:00"],
)  # fmt: skip
def test_a_text_that_is_no_time_is_bad_input_with_an_example(
    option: str, text: str, lake: Path, report: tuple[str, ...]
) -> None:
    said = run("incident", "--lake", lake, option, text, *report)
    assert said.status == BAD_INPUT
    assert said.last.startswith(f"gateway-rca: {option} {text!r} is not a time; write 2026-")


def test_a_time_without_a_zone_is_read_as_utc_and_says_so(
    lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    words = ("--from", "2026-03-10T08:00:10", "--to", "2026-03-10T10:00:20+02:00")
    said = run("incident", "--lake", lake, *words, *report)
    assert said.status == DONE
    assert said.err.startswith("--from 2026-03-10T08:00:10 has no zone and is read as UTC\n")
    assert "--to" not in said.err
    window = json.loads((tmp_path / "out" / "rca.json").read_bytes())["window"]
    assert window == {"start": "2026-03-10T08:00:10.000Z", "end": "2026-03-10T08:00:20.000Z"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unknown = 1", "unknown field 'unknown'"),
        ('[[gateway]]\nresource_id = "x"\nunitz = 2', "unknown field 'unitz'"),
        ("[[gateway]]\nresource_id = 7", "Expected 'str', got 'int' - at 'gateway[0].resource_id'"),
        ('[[gateway]]\nresource_id = "x"\nunits = 0', "Expected 'int' >= 1"),
        ('[[gateway]]\nresource_id = "x"\nkind = "vpn"', "Invalid enum value 'vpn'"),
        ("[slo]\navailability = 99.9", "at 'slo.availability'"),
        ("gateway = 1", "at 'gateway'"),
        ("[[gateway", "not TOML"),
        ("a = \udcff", "not TOML"),
        (None, "no such file; --config names a gateway-rca.toml"),
    ],
)
def test_bad_settings_are_bad_input_and_the_place_is_named(
    text: str | None, says: str, lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "bad.toml"
    if text is not None:
        file.write_bytes(text.encode(errors="surrogateescape"))
    said = run("incident", "--lake", lake, "--config", file, *report)
    assert said.status == BAD_INPUT
    assert said.err.count("\n") == 1
    assert said.last.startswith(f"gateway-rca: {file}: ")
    assert says in said.last


def test_bad_settings_beside_the_source_are_bad_input_too(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    blob(tmp_path / "in" / "gateway-rca.toml", b"[[gateway")
    said = run("incident", tmp_path / "in", *report)
    assert said.status == BAD_INPUT
    assert said.last.startswith(f"gateway-rca: {tmp_path}/in/gateway-rca.toml: not TOML")


def test_a_folder_as_settings_is_bad_input(
    lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    said = run("incident", "--lake", lake, "--config", tmp_path, *report)
    assert said.status == BAD_INPUT
    assert said.last.startswith(f"gateway-rca: {tmp_path}: ")


def test_a_lake_that_is_not_there_is_bad_input_with_the_cure(
    report: tuple[str, ...], tmp_path: Path
) -> None:
    said = run("incident", "--lake", tmp_path / "lake", *report)
    assert said.status == BAD_INPUT
    assert f"make one with 'gateway-rca land SOURCE --lake {tmp_path}/lake'" in said.last
    assert not (tmp_path / "lake").exists()


def test_neither_source_nor_lake_is_bad_input(report: tuple[str, ...]) -> None:
    said = run("incident", *report)
    assert said.status == BAD_INPUT
    assert said.err == (
        "gateway-rca: name exports to read, or a lake with --lake; see --help\n"
    )  # fmt: skip


@pytest.mark.parametrize("place", ["/proc/nowhere/lake", "file", "file/lake", "a[b]"])
def test_a_lake_that_cannot_be_written_is_bad_input(
    place: str, exports: Path, tmp_path: Path
) -> None:
    blob(tmp_path / "file", b"")
    said = run("land", exports, "--lake", tmp_path / place)
    assert said.status == BAD_INPUT
    assert said.err.count("\n") == 1
    assert said.err.startswith(f"gateway-rca: {tmp_path / place}: ")


@pytest.mark.parametrize("place", ["/proc/nowhere/rca.json", "file/rca.json", "folder"])
def test_an_output_that_cannot_be_written_is_bad_input(
    place: str, lake: Path, tmp_path: Path
) -> None:
    blob(tmp_path / "file", b"")
    (tmp_path / "folder").mkdir()
    words = ("--format", "json", "--output", tmp_path / place)
    said = run("incident", "--lake", lake, *words)
    assert said.status == BAD_INPUT
    assert said.last.startswith(f"gateway-rca: {tmp_path / place}: cannot be written: ")


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("land",),
        ("land", "here"),
        ("incident", "here"),
        ("incident", "--outptu", "x"),
        ("schema", "nonsense"),
        ("incident", "here", "--output", "x", "--format", "docx"),
    ],
)
def test_a_misspelt_command_is_bad_input_and_names_the_help(words: tuple[str, ...]) -> None:
    said = run(*words)
    assert (said.status, said.out) == (BAD_INPUT, "")
    assert "--help' for help." in said.err
    assert said.last.startswith("Error: ")


def test_formats_share_a_stem_and_a_single_one_takes_the_name(lake: Path, tmp_path: Path) -> None:
    both = ("--format", "json", "--format", "html")
    assert run("incident", "--lake", lake, "--output", tmp_path / "a.pdf", *both).status == DONE
    one = ("--format", "json", "--output", tmp_path / "b.v1.report")
    assert run("incident", "--lake", lake, *one).status == DONE
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"a.html", "a.json", "b.v1.report"}


def test_a_single_format_is_not_written_under_the_name_of_another(
    lake: Path, tmp_path: Path
) -> None:
    asked = ("--format", "json", "--output", tmp_path / "rca.pdf")
    assert run("incident", "--lake", lake, *asked).status == DONE
    assert [each.name for each in tmp_path.iterdir()] == ["rca.json"]


@pytest.mark.parametrize("command", ["incident", "capacity"])
def test_a_lake_that_is_not_there_is_no_lake_without_requests(command: str, tmp_path: Path) -> None:
    said = run(command, "--lake", tmp_path / "lkae", "--output", tmp_path / "x.pdf")
    assert said.status == BAD_INPUT
    assert "lkae: no lake is there; make one with" in said.last


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help_with_an_example(command: str, option: str) -> None:
    said = run(command, option)
    assert (said.status, said.err) == (DONE, "")
    assert f"\n  gateway-rca {command}" in said.out


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    said = installed("--version", folder=tmp_path)
    assert (said.status, said.err) == (DONE, "")
    assert said.out == f"gateway-rca, version {version('gateway-rca')}\n"


def test_the_schema_of_the_findings_holds_for_a_report(
    lake: Path, report: tuple[str, ...], tmp_path: Path
) -> None:
    schema = json.loads(run("schema", "findings").out)
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    assert run("incident", "--lake", lake, *report).status == DONE
    findings = json.loads((tmp_path / "out" / "rca.json").read_bytes())
    validator(schema).validate(findings)
    assert list(validator(schema).iter_errors({**findings, "incidents": None}))


def test_what_machines_read_is_json_on_stdout_alone(exports: Path, tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1) + b"garbage\n")
    said = run("land", tmp_path / "in", "--lake", tmp_path / "lake", "--json")
    told = json.loads(said.out)["datasets"]["requests"]
    assert (told["lines"], told["rows"], told["quarantined"]) == (2, 1, {"not JSON": 1})
    datasets = json.loads(run("schema", "--json").out)
    assert {each["name"] for each in datasets["requests"]["columns"]} >= {"time", "url", "blob"}
    checks = json.loads(run("doctor", "--json").out)
    assert {each["name"] for each in checks} >= {"Python", "Pango", "duckdb"}


def test_the_datasets_are_told_with_units(tmp_path: Path) -> None:
    said = installed("schema", folder=tmp_path)
    assert said.status == DONE
    for name in ("requests", "landings", "quarantine"):
        assert f"\n{name}: " in f"\n{said.out}"
    assert any(each.split()[:2] == ["total_ms", "bigint"] for each in said.out.splitlines())
    assert "[ms]" in said.out


def test_a_report_is_not_written_over_an_export(tmp_path: Path) -> None:
    export = blob(tmp_path / "export.json", lines(1, 2))
    before = export.read_bytes()
    said = run("incident", export, "--output", tmp_path / "export.pdf")
    assert said.status == BAD_INPUT
    assert "is among the exports to read; name another --output" in said.last
    assert export.read_bytes() == before


@pytest.mark.parametrize("output", [".", "/"])
def test_an_output_without_a_name_is_bad_input(output: str, exports: Path) -> None:
    said = run("incident", exports, "--output", output)
    assert (said.status, "name a file" in said.last) == (BAD_INPUT, True)


@pytest.mark.parametrize("age", ["-5d", "2999-01-01", "soon"])
def test_what_is_to_come_cannot_be_forgotten(age: str, lake: Path) -> None:
    said = run("lake", "forget", "--lake", lake, f"--older-than={age}")
    assert said.status == BAD_INPUT
    assert requests(lake)


@pytest.mark.parametrize(
    ("content", "cure"),
    [
        (b"PK\x03\x04" + lines(1), "it is an archive; unpack it first"),
        (b"BZh9" + lines(1), "it is an archive; unpack it first"),
        (lines(1).decode().encode("utf-16"), "it is UTF-16 text; save it as UTF-8"),
    ],
)
def test_what_is_not_read_as_it_is_says_what_to_do(
    content: bytes, cure: str, tmp_path: Path
) -> None:
    blob(tmp_path / "in" / "sound.json", lines(2))
    blob(tmp_path / "in" / "a.zip", content)
    said = run("land", tmp_path / "in", "--lake", tmp_path / "lake")
    assert said.status == DONE
    assert f"a.zip: no format claims it: {cure}" in said.err
    assert "2 blobs seen, 1 read, 0 unchanged, 1 left out; " in said.out


def test_a_lake_among_the_exports_is_none_of_them(tmp_path: Path) -> None:
    blob(tmp_path / "a.json", lines(1))
    assert run("land", tmp_path, "--lake", tmp_path / "lake").status == DONE
    assert (
        "1 blob seen, 0 read, 1 unchanged; "
        in run("land", tmp_path, "--lake", tmp_path / "lake").out
    )
