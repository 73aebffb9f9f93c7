"""Bad input is refused with its reason, in bounded memory; and what a run cannot have, it says."""

import gzip
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.lake import Lake
from pipeline.land import land
from tests.azurite import ACCOUNT, Azurite
from tests.exports import (
    as_line,
    assert_sound,
    batch,
    blob,
    flow,
    ids,
    landed,
    line,
    lines,
    metric,
    record,
    requests,
    rows,
)

# The engines may take 900 MB by themselves; none of this comes near.
MOST_MB = 700
# Not ru_maxrss, in which what forked this process counts as well.
MEASURED = """
import re, sys
from pathlib import Path
from pipeline.cli import main
try:
    main(["land", sys.argv[1], "--lake", sys.argv[2]])
finally:
    status = Path("/proc/self/status").read_text()
    print("peak_kb", re.search(r"VmHWM:\\s+(\\d+)", status)[1], file=sys.stderr)
"""


def ran(source: Path, lake: Path, **words: Any) -> tuple[int, str, float]:
    """A run as from the command line: its exit status, what it said, and its peak in megabytes."""
    command = [sys.executable, "-c", MEASURED, str(source), str(lake)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=120, **words
    )
    said, _, peak = done.stderr.partition("peak_kb ")
    assert peak.strip().isdigit(), done.stderr
    return done.returncode, said, int(peak) / 1000


def test_a_bomb_is_refused_in_little_memory_and_what_came_before_lands(tmp_path: Path) -> None:
    bomb = gzip.compress(lines(1, 2)) + 32 * gzip.compress(bytes(64 << 20))
    assert len(bomb) < 3 << 20
    file = blob(tmp_path / "in" / "bomb.json.gz", bomb)
    blob(tmp_path / "in" / "sound.json", lines(3))
    status, said, peak = ran(tmp_path / "in", tmp_path / "lake")
    assert status == 1
    assert "1 blob could not be read to the end" in said
    assert peak < MOST_MB
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["blob"], refused["kind"]) == (str(file), "broken blob")
    assert "unpacks to more than 200 times its size" in refused["reason"]
    assert refused["raw_bytes"] < 1 << 30
    assert_sound(tmp_path / "lake")


def test_a_line_of_a_hundred_megabytes_is_refused_in_little_memory(tmp_path: Path) -> None:
    with blob(tmp_path / "in" / "a.json", lines(1)).open("ab") as file:
        file.write(b'{"note":"')
        for _ in range(100):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n' + lines(2))
    status, _, peak = ran(tmp_path / "in", tmp_path / "lake")
    assert (status, ids(tmp_path / "lake")) == (0, ["c1", "c2"])
    assert peak < MOST_MB
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["kind"], refused["raw_bytes"]) == ("too long", (100 << 20) + 12)
    assert len(refused["raw"]) <= 32 << 10


@pytest.mark.parametrize("opening", [b'{"records":[', b"["])
def test_a_value_of_a_document_that_is_too_large_is_refused_and_what_came_before_lands(
    opening: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.envelopes.json_document.LARGEST_WHOLE_BYTES", 1 << 20)
    huge = b'{"note":"' + b"x" * (3 << 20) + b'"}]'
    blob(tmp_path / "in" / "a.json", opening + line(1) + b",\n" + huge)
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1"]
    (refused,) = rows(tmp_path / "lake", "quarantine")
    assert (refused["kind"], refused["position"]) == ("too large", 2)


DEEP = 100_000


@pytest.mark.parametrize(
    "deep",
    [
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"properties":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"records":[' * DEEP + b"]}" * DEEP,
    ],
)
@pytest.mark.parametrize("place", ["line", "element", "alone"])
def test_what_is_nested_a_hundred_thousand_deep_costs_nothing_else(
    deep: bytes, place: str, tmp_path: Path
) -> None:
    told = {
        "line": lines(1) + deep + b"\n" + lines(2),
        "element": b"[" + line(1) + b"," + deep + b"," + line(2) + b"]",
        "alone": deep,
    }[place]
    blob(tmp_path / "in" / "a.json", told)
    blob(tmp_path / "in" / "b.json", lines(3))
    landing = landed(tmp_path / "in", tmp_path / "lake")
    if place == "alone":
        assert len(landing.unclaimed) == 1
        return
    assert ids(tmp_path / "lake") == ["c1", "c2", "c3"]
    assert set(landing.quarantined) == {"too deep"}


NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1e999",
    "9" * 400,
    "1e400",
    "0x10",
    "1_0",
    "--1",
    "1" * 4000,
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("told", [record(5), metric(5)])
def test_a_number_that_is_none_is_refused_with_its_reason(
    number: str, told: dict[str, object], tmp_path: Path
) -> None:
    key = b'"durationMs":170' if "durationMs" in told else b'"total":15'
    good = as_line(told)
    bad = good.replace(key, key.partition(b":")[0] + b":" + number.encode())
    assert bad != good
    blob(tmp_path / "in" / "lines.json", lines(1) + bad)
    blob(tmp_path / "in" / "document.json", b"[" + line(2) + b"," + bad.strip() + b"]")
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    refused = rows(tmp_path / "lake", "quarantine")
    assert [each["position"] for each in refused] == [2, 2]
    assert all(each["reason"] for each in refused)
    assert rows(tmp_path / "lake", "metrics") == []


@pytest.mark.parametrize("number", ["Infinity", "1e999", "9" * 400])
def test_a_number_written_as_text_is_bounded_too(number: str, tmp_path: Path) -> None:
    blob(
        tmp_path / "in" / "a.json",
        lines(1) + line(2, durationMs=number) + b"\n" + as_line({**metric(1), "total": number}),
    )
    landed(tmp_path / "in", tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1"]
    assert [each["position"] for each in rows(tmp_path / "lake", "quarantine")] == [2, 3]


# --- what changes or goes while a run goes on ----------------------------------------------------


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something that happens once, between the claims and the reading."""
    from pipeline.plan import Planner

    plan = Planner.plan

    def planned(*words: Any) -> Any:
        found = plan(*words)
        happens()
        return found

    monkeypatch.setattr(Planner, "plan", planned)


def test_a_blob_deleted_before_it_is_read_is_named_and_the_others_land(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = blob(tmp_path / "in" / "a.json", lines(1))
    document = blob(tmp_path / "in" / "b.json", batch(flow(1)))
    blob(tmp_path / "in" / "c.json", lines(2))

    def deleted() -> None:
        file.unlink()
        document.unlink()

    meanwhile(monkeypatch, deleted)
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert landing.unreadable.keys() == {str(file), str(document)}
    assert not landing.complete
    assert ids(tmp_path / "lake") == ["c2"]
    monkeypatch.undo()
    blob(file, lines(1))
    blob(document, batch(flow(1)))
    assert landed(tmp_path / "in", tmp_path / "lake").complete
    assert ids(tmp_path / "lake") == ["c1", "c2"]
    assert len(rows(tmp_path / "lake", "flows")) == 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lines(1, 2), lines(1, 2, 3)),
        (lines(1, 2), lines(3, 4, 5)),
        (lines(1, 2, 3), lines(1)),
        (batch(record(1)), batch(record(1), record(2))),
        (batch(record(1), record(2)), batch(record(3))),
        (gzip.compress(lines(1)), gzip.compress(lines(1, 2, 3))),
    ],
)
def test_a_blob_rewritten_before_it_is_read_is_whole_after_the_next_run(
    before: bytes, after: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = blob(tmp_path / "in" / "a.json", before)
    meanwhile(monkeypatch, lambda: blob(file, after))
    landed(tmp_path / "in", tmp_path / "lake")
    monkeypatch.undo()
    landed(tmp_path / "in", tmp_path / "lake")
    landed(tmp_path / "in", tmp_path / "after")
    assert {*ids(tmp_path / "after")} <= {*ids(tmp_path / "lake")}
    assert_sound(tmp_path / "lake")
    assert landed(tmp_path / "in", tmp_path / "lake").skipped == 1


# --- what a run may not or cannot do -------------------------------------------------------------


def small_files() -> None:
    """A disk that takes no file of more than that, as a full one takes none."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_a_full_disk_is_told_in_a_line_and_loses_nothing(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "a.json", lines(*range(3000)))
    landed(blob(tmp_path / "first" / "f.json", lines(9000)), tmp_path / "lake")
    status, said, _ = ran(tmp_path / "in", tmp_path / "lake", preexec_fn=small_files)
    assert status == 2, said
    assert said.startswith("gateway-rca: ")
    assert said.count("\n") == 1
    assert said.endswith("make room, then run again\n")
    assert ids(tmp_path / "lake") == ["c9000"]
    assert landed(tmp_path / "in", tmp_path / "lake").rows == {"requests": 3000}


@pytest.fixture
def azure(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Azurite:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    return azurite


def test_a_container_that_may_not_be_read_is_told_with_the_cure(
    azure: Azurite, tmp_path: Path
) -> None:
    container = azure.container()
    container.upload_blob("a.json", lines(1))
    with pytest.raises(PipelineError, match="to read takes r and l"):
        land([azure.sas_url(container.container_name, permission="r")], Lake(tmp_path / "lake"))
    # What may be listed and not read is named, blob by blob.
    landing = landed(azure.sas_url(container.container_name, permission="l"), tmp_path / "lake")
    (why,) = landing.unreadable.values()
    assert "to read takes r and l" in why
    assert not landing.complete
    landed(azure.sas_url(container.container_name), tmp_path / "lake")
    assert ids(tmp_path / "lake") == ["c1"]


def test_a_lake_that_may_not_be_written_is_told_with_the_cure_and_takes_all_later(
    azure: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = azure.container().container_name
    source = blob(tmp_path / "in" / "a.json", lines(1))
    lake = f"az://{ACCOUNT}/{container}/lake"
    landed(source, lake)
    blob(tmp_path / "in" / "a.json", lines(1, 2))
    sas = azure.sas_url(container).partition("?")[2]
    said = f"BlobEndpoint={azure.endpoint};SharedAccessSignature={sas}"
    with monkeypatch.context() as patch:
        patch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
        with pytest.raises(PipelineError, match=r"az://.*/lake") as caught:
            land([str(source)], Lake(lake))
    assert "sig=" not in str(caught.value)
    assert [row["correlation_id"] for row in requests(lake)] == ["c1"]
    landed(source, lake)
    assert ids(lake) == ["c1", "c2"]


def test_blobs_on_azure_that_did_not_change_are_listed_and_not_opened(
    azure: Azurite,
) -> None:
    container = azure.container()
    for number in range(50):
        kind = number % 4
        told = lines(number, number + 100) + (line(number + 200)[:50] if kind == 3 else b"")
        if kind == 1:
            told = gzip.compress(told)
        if kind == 2:
            told = batch(flow(number))
        container.upload_blob(f"{number:02}.json", told)
    lake = f"az://{ACCOUNT}/{azure.container().container_name}/lake"
    assert landed(azure.sas_url(container.container_name), lake).read == 50
    # This SAS may list, and nothing else: to open a blob would break it.
    listing = azure.sas_url(container.container_name, permission="l")
    landing = landed(listing, lake)
    assert (landing.skipped, landing.read, landing.unreadable) == (50, 0, {})


def test_on_azure_a_blob_deleted_or_rewritten_before_it_is_read_loses_nothing(
    azure: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = azure.container()
    for name in ("gone", "grew", "other"):
        container.upload_blob(f"{name}.json", lines(1, 2))
    container.upload_blob("flows.json", batch(flow(1), flow(2)))
    source = f"az://{ACCOUNT}/{container.container_name}"

    def happens() -> None:
        container.delete_blob("gone.json")
        container.upload_blob("grew.json", lines(1, 2, 3), overwrite=True)
        container.upload_blob("other.json", lines(4, 5, 6), overwrite=True)
        container.upload_blob("flows.json", batch(flow(1), flow(2), flow(3)), overwrite=True)

    with monkeypatch.context() as patch:
        meanwhile(patch, happens)
        landing = landed(source, tmp_path / "lake")
    assert landing.unreadable == {
        f"{source}/gone.json": "there is no such blob, or it was deleted since it was listed"
    }
    landed(source, tmp_path / "lake")
    assert ids(tmp_path / "lake") == [f"c{each}" for each in range(1, 7)]
    assert len(rows(tmp_path / "lake", "flows")) == 6
    assert landed(source, tmp_path / "lake").skipped == 3
