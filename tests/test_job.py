"""The scheduled job, end to end: nothing twice, nothing lost, and nothing fails in silence."""

import gzip
import json
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from azure.storage.blob import BlobLeaseClient
from click.testing import CliRunner

from pipeline import azure_blobs, issuing, lease, ledger
from pipeline import manifest as manifests
from pipeline.checked import checked
from pipeline.cli import main
from pipeline.config import Settings, Weekday
from pipeline.investigate import Examined
from pipeline.issuing import changes
from pipeline.job import StoppedError, due, run
from pipeline.lake import Lake
from pipeline.overdue import watched
from pipeline.publishers import webhook
from pipeline.report import Format, Report
from pipeline.run import illustrated
from tests.azurite import ACCOUNT, Azurite, append
from tests.exports import assert_sound, blob, lines, record
from tests.servers import busy, hook
from tests.simulation.days import days
from tests.simulation.scenario import START

HOUR = timedelta(hours=1)
# The incident is in full swing at 30, its late rows come before 48.
STEPS = (24, 30, 36, 48, 74)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    monkeypatch.setattr(webhook, "PAUSES_S", (0.01, 0.01))
    yield
    azure_blobs.close()


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def settings(told: dict[str, Any]) -> Settings:
    return msgspec.convert(told, Settings)


def small(folder: Path, **told: Any) -> Settings:
    """A job over a folder, its lake beside it."""
    land = {"sources": [str(folder / "in")], "lake": str(folder / "lake")}
    return settings({"land": land, **told})


def failing(folder: Path, name: str = "PT1H", seconds: range = range(0, 3600, 4)) -> None:
    """A blob of requests; those of five minutes from half past eight on fail."""
    told = []
    for second in seconds:
        bad = 1800 <= second < 2100
        properties = {"responseCode": 500, "backendResponseCode": 500} if bad else {}
        told.append(json.dumps(record(second, isRequestSuccess=not bad, properties=properties)))
    blob(folder / "in" / f"{name}.json", ("\n".join(told) + "\n").encode())


EVENING = datetime(2026, 3, 10, 20, tzinfo=UTC)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports come as JSON alone, for which nothing has to be drawn."""
    monkeypatch.setattr(issuing, "USUAL", (Format.JSON,))
    monkeypatch.setattr(issuing, "illustrated", lambda found: Report(found.findings, {}))


def test_three_days_in_steps_make_one_report_and_its_revision(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs, lake, site = (azurite.container() for _ in range(3))
    where = {name: f"az://{ACCOUNT}/{each.container_name}" for name, each in
             (("logs", logs), ("lake", lake), ("site", site))}  # fmt: skip
    told = days(1, usual=0.04, busy=1.0)
    drawn: list[Examined] = []

    def drawing(found: Examined) -> Report:
        drawn.append(found)
        return illustrated(found)

    with hook() as posted:
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
        monkeypatch.setenv("GATEWAY_RCA_WEBHOOK_URL", posted.url)
        monkeypatch.setattr(issuing, "illustrated", drawing)
        monkeypatch.setattr(issuing, "USUAL", (Format.HTML, Format.JSON))
        job = settings(
            {
                **tomllib.loads(told.settings),
                "land": {"sources": [where["logs"]], "lake": f"{where['lake']}/lake"},
                "publish": [
                    {"kind": "folder", "to": f"{where['site']}/reports"},
                    {"kind": "webhook", "card": "teams", "link": "https://rca.example"},
                ],
            }
        )
        before = START
        for hours in STEPS:
            now = START + hours * HOUR
            for path, content in told.between(before, now):
                append(logs, path, content)
            assert run(job, at(now)).errors == []
            before = now
    home = Lake(f"{where['lake']}/lake")
    first, second = ledger.entries(home)
    assert (first.revision, second.revision) == (1, 2)
    assert first.id == second.id
    assert (first.going, second.going) == (True, False)
    # Looked into at each step that brought rows, and drawn where there was something to say.
    assert len(drawn) == 2
    assert {first.mechanism, second.mechanism} == {"backend_unreachable"}
    names = {each.name for each in site.list_blobs()}
    folder = f"reports/incident/{first.id}"
    places = (f"{folder}/r1", f"{folder}/r2", "reports/incident/latest")
    assert names == {f"{each}/rca.{kind}" for each in places for kind in ("html", "json")}
    page = site.get_blob_client("reports/incident/latest/rca.html").get_blob_properties()
    assert page.content_settings.content_type == "text/html; charset=utf-8"
    found = json.loads(site.download_blob("reports/incident/latest/rca.json").readall())
    assert found["issue"]["revision"] == 2
    assert any("still going; it ended" in each for each in found["issue"]["changes"])
    assert any("rows about this time arrived" in each for each in found["issue"]["changes"])
    assert found["incidents"][0]["id"] == first.id
    assert len(manifests.latest(home)) == len(STEPS)
    cards = [each["attachments"][0]["content"] for each in posted.taken]
    assert [each["body"][0]["text"].endswith("revision 2") for each in cards] == [False, True]
    link = f"https://rca.example/incident/{first.id}/r2/rca.html"
    assert cards[1]["actions"][0]["url"] == link
    assert_sound(home.location)


def test_a_source_that_is_away_is_told_stamped_and_made_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuing, "USUAL", (Format.HTML, Format.JSON))
    failing(tmp_path)
    away = tmp_path / "away"
    job = settings(
        {
            "land": {"sources": [str(tmp_path / "in"), str(away)], "lake": str(tmp_path / "lake")},
            "publish": [{"kind": "folder", "to": str(tmp_path / "out")}],
        }
    )
    once = run(job, at(EVENING))
    assert once.outcome == "incomplete"
    assert once.errors == [
        f"land {away}: {away}: no such file or folder; name an export to read"
    ]  # fmt: skip
    latest = tmp_path / "out" / "incident" / "latest"
    assert "INCOMPLETE" in (latest / "rca.html").read_text()
    assert json.loads((latest / "rca.json").read_text())["issue"]["incomplete"] == once.errors
    notice = json.loads((tmp_path / "out" / "notice" / "latest" / "notice.json").read_text())
    assert notice["errors"] == once.errors
    # The same again is no news; the run still fails.
    again = run(job, at(EVENING + HOUR))
    assert (again.outcome, again.reports) == ("incomplete", [])
    assert len(list((tmp_path / "out" / "notice").iterdir())) == 2
    blob(away / "PT1H.json", lines(4000))
    good = run(job, at(EVENING + 2 * HOUR))
    assert (good.outcome, len(good.reports)) == ("done", 1)
    told = json.loads((latest / "rca.json").read_text())["issue"]
    assert (told["revision"], told["incomplete"]) == (2, [])
    assert any("the report is complete" in each for each in told["changes"])


def test_a_webhook_that_is_down_gets_its_card_once_at_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(tmp_path)
    with hook() as posted:
        monkeypatch.setenv("GATEWAY_RCA_WEBHOOK_URL", posted.url)
        job = small(
            tmp_path,
            publish=[
                {"kind": "webhook", "card": "slack"},
                {"kind": "folder", "to": str(tmp_path / "out")},
            ],
        )
        posted.answers = [503] * 6
        down = run(job, at(EVENING))
        assert down.outcome == "incomplete"
        assert down.errors[0].endswith(
            "the webhook in GATEWAY_RCA_WEBHOOK_URL answered with HTTP status 503"
        )
        assert "SYNTHETIC" not in "".join(down.errors)
        assert (tmp_path / "out" / "notice" / "latest" / "notice.json").exists()
        assert (tmp_path / "out" / "incident" / "latest" / "rca.pdf").exists()
        up = run(job, at(EVENING + HOUR))
        assert up.outcome == "done"
        assert [each["blocks"][0]["type"] for each in posted.taken] == ["section"]
        # Without news nothing is issued, and nothing handed on.
        there = sorted((tmp_path / "out").rglob("*"))
        idle = run(job, at(EVENING + 2 * HOUR))
        assert (idle.outcome, idle.reports, idle.delivered) == ("done", [], [])
        assert sorted((tmp_path / "out").rglob("*")) == there
        assert len(ledger.entries(Lake(tmp_path / "lake"))) == len(posted.taken) == 1


def test_a_busy_storage_is_tried_again_then_told_then_made_good(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = azurite.container()
    append(logs, "a/PT1H.json", lines(1, 2, 3))
    monkeypatch.setattr(azure_blobs, "TRIES", 1)
    with busy(azurite.endpoint) as service:
        said = azurite.connection_string.replace(azurite.endpoint, service.endpoint)
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
        source = f"az://{ACCOUNT}/{logs.container_name}"
        job = settings({"land": {"sources": [source], "lake": str(tmp_path / "lake")}})
        service.refusals = 1
        assert run(job, at(EVENING)).outcome == "done"
        append(logs, "a/PT1H.json", lines(4))
        service.refusals = 1_000
        down = run(job, at(EVENING + HOUR))
        assert down.outcome == "incomplete"
        assert "answered with HTTP status" in down.errors[0]
        service.refusals = 0
        assert run(job, at(EVENING + 2 * HOUR)).sources[0].rows == {"requests": 1}
    assert_sound(tmp_path / "lake")


def verified(folder: Path) -> int:
    """The status with which the report in a folder is verified."""
    return CliRunner().invoke(main, ["verify", str(folder / "rca.json")]).exit_code


@pytest.mark.usefixtures("plain")
def test_an_incident_that_late_rows_dissolve_is_withdrawn(tmp_path: Path) -> None:
    """Half an export tells of four failures a minute; the whole of it, that they are usual."""

    def arrives(name: str, each_s: int, bad: Callable[[int], bool]) -> None:
        told = []
        for second in range(0, 3600, each_s):
            codes = {"responseCode": 500, "backendResponseCode": 500} if bad(second) else {}
            own = {"correlationId": f"{name}{second}", "isRequestSuccess": not codes}
            told.append(json.dumps(record(second, properties=codes, **own)) + "\n")
        blob(tmp_path / "in" / f"{name}.json", "".join(told).encode())

    publish = [{"kind": "folder", "to": str(tmp_path / "out")}]
    job = small(tmp_path, publish=publish)
    arrives("a", 4, lambda s: 1800 <= s < 2100 and s % 60 < 16)
    (reported,) = run(job, at(EVENING)).reports
    assert "backend errors" in reported
    assert verified(tmp_path / "out" / "incident" / "latest") == 0
    # Rows about its time that change nothing withdraw nothing.
    arrives("b", 600, lambda _: False)
    assert run(job, at(EVENING + HOUR)).reports == []
    arrives("c", 1, lambda s: s % 60 < 3)
    (withdrawn,) = run(job, at(EVENING + 2 * HOUR)).reports
    assert withdrawn.endswith("WITHDRAWN: no incident at contoso on 2026-03-10, revision 2")
    found = json.loads((tmp_path / "out" / "incident" / "latest" / "rca.json").read_text())
    assert (found["incidents"], found["issue"]["revision"]) == ([], 2)
    was, arrived = found["issue"]["changes"]
    assert was.startswith("This was reported as backend errors (")
    assert arrived == "Since revision 1, rows about this time arrived: +3,606 requests."
    assert verified(tmp_path / "out" / "incident" / "latest") == 0
    # It is said once.
    arrives("d", 600, lambda _: False)
    assert run(job, at(EVENING + 3 * HOUR)).reports == []


@pytest.mark.usefixtures("plain")
def test_a_clock_that_jumps_changes_nothing_of_what_was_issued(tmp_path: Path) -> None:
    """Back by five hours, on by three days, and back again: one report, handed on once."""
    failing(tmp_path)
    publish = [{"kind": "folder", "to": str(tmp_path / "out")}]
    job = small(tmp_path, publish=publish)
    moments = [EVENING, EVENING - 5 * HOUR, EVENING + 72 * HOUR, EVENING]
    done = [run(job, at(moment)) for moment in moments]
    assert [each.errors for each in done] == [[]] * 4
    assert [len(each.reports) for each in done] == [1, 0, 0, 0]
    [entry] = ledger.entries(Lake(str(tmp_path / "lake")))
    assert (entry.revision, entry.mechanism) == (1, "backend_errors")
    incidents = {each.parent.name for each in (tmp_path / "out" / "incident").rglob("rca.json")}
    assert incidents == {"r1", "latest"}
    assert_sound(str(tmp_path / "lake"))


@pytest.mark.usefixtures("plain")
def test_a_link_that_expired_is_told_and_made_good_with_a_new_one(
    azurite: Azurite, tmp_path: Path
) -> None:
    failing(tmp_path)
    container = azurite.container()
    append(container, "PT1H.json", (tmp_path / "in" / "PT1H.json").read_bytes())

    def ran(valid: timedelta, moment: datetime) -> Any:
        land = {
            "sources": [azurite.sas_url(container.container_name, valid=valid)],
            "lake": str(tmp_path / "lake"),
        }
        return run(settings({"land": land}), at(moment))

    expired = ran(timedelta(hours=-1), EVENING)
    assert expired.outcome == "incomplete"
    assert any("expired at" in each for each in expired.errors)
    assert not any("sig=" in each for each in expired.errors)
    good = ran(timedelta(hours=1), EVENING + HOUR)
    assert (good.outcome, len(good.reports)) == ("done", 1)


def thirds(folder: Path) -> list[bytes]:
    """An incident, told by three blobs."""
    failing(folder)
    told = (folder / "in" / "PT1H.json").read_bytes().splitlines(keepends=True)
    return [b"".join(told[start : start + 300]) for start in (0, 300, 600)]


@pytest.mark.usefixtures("plain")
def test_a_link_that_expires_in_mid_run_is_told_and_nothing_is_lost_or_doubled(
    azurite: Azurite, tmp_path: Path
) -> None:
    container = azurite.container()
    for number, content in enumerate(thirds(tmp_path)):
        append(container, f"{number}/PT1H.json", content)
    with busy(azurite.endpoint) as service:
        url = azurite.sas_url(container.container_name)
        land = {
            "sources": [url.replace(azurite.endpoint, service.endpoint)],
            "lake": str(tmp_path / "lake"),
        }
        # To list them, to look into each, and to read one.
        service.good_for = 5
        half = run(settings({"land": land}), at(EVENING))
        assert half.outcome == "incomplete"
        assert any("(and 1 more): the SAS is refused" in each for each in half.errors)
        assert not any("sig=" in each for each in half.errors)
        assert half.sources[0].rows == {"requests": 300}
        service.good_for = None
        whole = run(settings({"land": land}), at(EVENING + HOUR))
    assert (whole.outcome, whole.sources[0].rows) == ("done", {"requests": 600})
    last = ledger.entries(Lake(tmp_path / "lake"))[-1]
    assert (last.complete, last.mechanism) == (True, "backend_errors")
    assert_sound(tmp_path / "lake")


@pytest.mark.usefixtures("plain")
def test_a_lake_whose_credential_expires_in_mid_run_is_told_and_made_good(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(tmp_path)
    container = azurite.container()
    lake = f"az://{ACCOUNT}/{container.container_name}/lake"
    job = settings(
        {
            "land": {"sources": [str(tmp_path / "in")], "lake": lake},
            "publish": [{"kind": "folder", "to": str(tmp_path / "out")}],
        }
    )

    def allow(valid: timedelta) -> datetime:
        url = azurite.sas_url(container.container_name, permission="racwdl", valid=valid)
        told = f"AccountName={ACCOUNT};BlobEndpoint={azurite.endpoint};SharedAccessSignature="
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", told + url.partition("?")[2])
        azure_blobs.close()
        return datetime.now(UTC) + valid

    over = allow(timedelta(seconds=3))

    def until_it_is_over() -> bool:
        # Asked before rows are committed: what was read is at hand, and cannot be put anywhere.
        time.sleep(max(0.0, (over - datetime.now(UTC)).total_seconds() + 1))
        return False

    with pytest.raises(StoppedError, match=r"lake/.*: the SAS expired at .*; make a new one"):
        run(job, at(EVENING), until_it_is_over)
    notice = json.loads((tmp_path / "out" / "notice" / "latest" / "notice.json").read_text())
    assert "the SAS expired at" in notice["errors"][0]
    assert "sig=" not in str(notice)
    allow(timedelta(hours=1))
    BlobLeaseClient(container.get_blob_client("lake/runs/lease")).break_lease(0)
    good = run(job, at(EVENING + HOUR))
    assert (good.outcome, good.sources[0].rows, len(good.reports)) == ("done", {"requests": 900}, 1)
    assert good.notes == ["the run of 2026-03-10T20:00:00Z was stopped in its midst"]
    assert {each.name for each in (tmp_path / "out" / "incident").glob("*/r?")} == {"r1"}
    assert_sound(lake)


def test_a_lake_that_cannot_be_worked_on_is_told_by_a_notice(tmp_path: Path) -> None:
    file = tmp_path / "gateway-rca.toml"
    blob(tmp_path / "lake", b"no folder")
    file.write_text(
        f'[land]\nsources = ["{tmp_path}"]\nlake = "{tmp_path}/lake"\n'
        f'[[publish]]\nkind = "folder"\nto = "{tmp_path}/out"\n'
    )
    result = CliRunner().invoke(main, ["run", str(file)])
    assert result.exit_code == 1
    assert f"gateway-rca: {tmp_path}/lake: " in result.stderr
    notice = json.loads((tmp_path / "out" / "notice" / "latest" / "notice.json").read_text())
    assert notice["errors"][0].startswith(f"lake: {tmp_path}/lake: ")


def test_of_two_runs_at_once_one_works(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    job = small(tmp_path)
    lake = Lake(tmp_path / "lake")
    lake.ready()
    with lease.held(lake), pytest.raises(lease.HeldError, match="another run is at work"):
        run(job, at(EVENING))
    assert run(job, at(EVENING)).outcome == "done"


def test_the_lease_on_azure_ends_with_its_holder(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    lake = Lake(f"az://{ACCOUNT}/{azurite.container().container_name}/lake")
    monkeypatch.setattr(lease, "PATIENCE_S", 0)
    with lease.held(lake), pytest.raises(lease.HeldError), lease.held(lake):
        pass
    with lease.held(lake):
        pass


def test_a_report_is_issued_once_whoever_tries(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    one = entry()
    ledger.issue(lake, one, [])
    other = Lake(tmp_path / "lake")
    ledger.issue(other, replace(one, title="by another run"), [])
    ledger.delivered(lake, one, "a target", EVENING.replace(tzinfo=None))
    ledger.delivered(other, one, "a target", EVENING.replace(tzinfo=None))
    assert ledger.entries(Lake(tmp_path / "lake")) == [one]
    assert ledger.pending(Lake(tmp_path / "lake"), ["a target"], one.issued_at) == []


def test_what_a_stopped_run_left_is_said_and_gone_on_with(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1, 2, 3))
    job = small(tmp_path)
    stopped = run(job, at(EVENING), stopping=lambda: True)
    assert stopped.outcome == "incomplete"
    assert "the next run goes on" in stopped.errors[-1]
    assert [each.unfinished for each in stopped.sources] == [True]
    lake = Lake(tmp_path / "lake")
    manifests.kept(lake, msgspec.structs.replace(stopped, outcome="running"))
    done = run(job, at(EVENING + HOUR))
    assert done.sources[0].rows == {"requests": 3}
    assert done.notes == ["the run of 2026-03-10T20:00:00Z was stopped in its midst"]


def test_no_request_at_all_is_nothing_to_report_on(tmp_path: Path) -> None:
    blob(tmp_path / "in" / "PT1H.json", b"")
    file = tmp_path / "gateway-rca.toml"
    file.write_text(f'[land]\nsources = ["{tmp_path}/in"]\nlake = "{tmp_path}/lake"\n')
    result = CliRunner().invoke(main, ["run", str(file)])
    assert result.exit_code == 3, result.stderr
    told = [json.loads(line) for line in result.stderr.splitlines()]
    assert told[-1]["event"] == "run ended"
    assert told[-1]["outcome"] == "nothing"


def entry(**changed: Any) -> ledger.Entry:
    noon = datetime(2026, 3, 10, 12)
    told = {
        "blob": "issued/x/r1", "kind": "incident", "id": "x", "revision": 1, "issued_at": noon,
        "gateway": "g", "onset": noon, "finish": noon + HOUR, "going": False,
        "mechanism": "backend_slow", "trigger": "none_found", "status": "likely",
        "snat": "undecided", "complete": True, "evidence": '{"requests":10}', "title": "",
        "says": "", "files": "",
    }  # fmt: skip
    return ledger.Entry(**{**told, **changed})


def test_a_revision_says_what_changed_and_by_which_data() -> None:
    now = entry(
        mechanism="snat_port_exhaustion",
        status="confirmed",
        snat="confirmed",
        evidence='{"metrics":60,"requests":12}',
    )
    assert list(changes(entry(), now)) == [
        "The verdict was backend slow (likely); it is SNAT port exhaustion (confirmed).",
        "Exhaustion of SNAT ports was undecided; it is confirmed.",
        "Since revision 1, rows about this time arrived: +60 metrics, +2 requests.",
    ]
    assert list(changes(entry(), entry(evidence='{"requests":12}'))) == []


def test_an_incident_is_known_again_by_gateway_and_overlap() -> None:
    noon = datetime(2026, 3, 10, 12)
    one, other = entry(), entry(id="y", onset=noon + 3 * HOUR, finish=noon + 4 * HOUR)
    found = [
        ("g", noon - HOUR, noon + HOUR / 4),
        ("g", noon + HOUR / 2, noon + 2 * HOUR),
        ("elsewhere", noon, noon + HOUR),
        ("g", noon + 4 * HOUR + timedelta(minutes=5), noon + 5 * HOUR),
        ("g", noon + 9 * HOUR, noon + 10 * HOUR),
    ]
    assert ledger.matched(found, [one, other]) == {1: one, 3: other}
    # What two runs of failures saw of one incident, one of them says.
    assert ledger.matched(found[:2], [one, entry(id="y")]).keys() == {0, 1}


def test_a_manifest_tells_of_files_that_no_format_claims_and_names_a_broken_blob(
    tmp_path: Path,
) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    blob(tmp_path / "in" / "notes.txt", b"to do")
    broken = [
        str(blob(tmp_path / "in" / f"{number}.gz", gzip.compress(lines(*range(40)))[:-20]))
        for number in range(2)
    ]
    done = run(small(tmp_path), at(EVENING))
    assert [(each.blobs, each.read, each.left_out) for each in done.sources] == [(4, 3, 1)]
    assert done.errors[0].startswith(
        f"land: 2 blobs could not be read to the end: {broken[0]} (and 1 more); "
    )


def test_a_review_is_due_at_its_hour_of_its_day() -> None:
    review = Weekday.MONDAY, 6
    monday = datetime(2026, 3, 9, 6)
    assert due(*review, monday) == monday
    assert due(*review, monday - timedelta(seconds=1)) == monday - timedelta(days=7)
    assert due(*review, monday + timedelta(days=6, hours=17)) == monday


def test_a_job_whose_first_review_has_no_week_behind_it_does_well(tmp_path: Path) -> None:
    """Set up on a Tuesday; the review of Monday was due, and there was nothing to review."""
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    done = run(small(tmp_path, capacity={"weekday": "monday"}), at(EVENING))
    assert (done.outcome, done.errors, done.reports) == ("done", [], [])
    assert [each.partition(":")[0] for each in done.notes] == ["review"]


def test_the_dead_mans_check_sees_late_runs_failed_runs_and_gaps(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    day, gap = timedelta(hours=26), timedelta(hours=3)
    (none,) = watched(lake, day, gap, EVENING)
    assert (none.well, none.says) == (False, f"no lake is at {tmp_path}/lake")
    nothing = settings({"land": {"sources": ["/nowhere"], "lake": str(lake.location)}})
    run(nothing, at(EVENING - 2 * day))
    run(nothing, at(EVENING))
    runs, requests = watched(Lake(lake.location), day, gap, EVENING)
    assert "of 1; the last: land /nowhere" in runs.says
    assert (requests.well, requests.says) == (False, "the lake holds none")
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    run(small(tmp_path), at(EVENING))
    assert [each.well for each in watched(Lake(lake.location), day, gap, EVENING)] == [True, True]
    runs, requests = watched(Lake(lake.location), day, gap, EVENING + timedelta(days=2))
    assert (runs.well, requests.well) == (False, False)
    assert runs.says.endswith("none began")
    assert requests.says == "no requests since 2026-03-10T09:00 UTC"
    blob(tmp_path / "in" / "later.json", lines(8 * 3600))
    away = settings(
        {"land": {"sources": [str(tmp_path / "in"), "/nowhere"], "lake": str(lake.location)}}
    )
    run(away, at(EVENING + 30 * HOUR))
    runs, requests = watched(Lake(lake.location), timedelta(hours=29), gap, EVENING + 31 * HOUR)
    assert "of 1; the last: land /nowhere" in runs.says
    later = watched(Lake(lake.location), timedelta(hours=40), gap, EVENING + 31 * HOUR)[1]
    assert later.says == "no requests from 2026-03-10T09:00 to 2026-03-10T16:00 UTC"


def test_settings_of_a_job_are_checked_whole(tmp_path: Path) -> None:
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        '[land]\nsources = ["https://x.blob.core.windows.net/c?sv=1&sig=abc"]\n'
        "[incident]\nlook_back_day = 3\n"
        '[capacity]\nweekday = "mondy"\n'
        '[[publish]]\nkind = "fax"\n[[publish]]\nkind = "folder"\n'
    )
    result = CliRunner().invoke(main, ["config", "check", str(file)])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == f"gateway-rca: {file}: 6 settings are wrong"
    for key, cure in (
        ("land.lake", "state it"),
        ("incident.look_back_day", "did you mean 'look_back_days'?"),
        ("capacity.weekday", "did you mean 'monday'?"),
        ("publish[0].kind", "write one of folder, mail, webhook"),
        ("publish[1].to", "state it"),
        ("land.sources[0]", "secrets come from the environment"),
    ):
        (told,) = [each for each in result.stderr.splitlines() if f"- at '{key}'; " in each]
        assert cure in told
    assert "abc" not in result.stderr


def test_what_no_type_tells_is_checked_with_all_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "gateway-rca.toml"
    folder = '[[publish]]\nkind = "folder"\nto = "out"\n'
    file.write_text(
        '[land]\nsources = ["az://x"]\nlake = "az://x/lake"\n' + folder + folder
        + '[[publish]]\nkind = "mail"\nto = ["a@x"]\nfrom = "b@x"\nsmtp = "x:ten"\n'
        + '[[publish]]\nkind = "folder"\nto = "az://x"\n'
    )  # fmt: skip
    told = CliRunner().invoke(main, ["config", "check", str(file)]).stderr
    for flaw in (
        "'az://x' names no container - at 'land.sources[0]'; write az://ACCOUNT/CONTAINER",
        "stands twice - at 'publish[1]'; keep one of them",
        "'x:ten' is no mail server - at 'publish[2].smtp'; write smtp = \"HOST:PORT\"",
        "'az://x' names no container - at 'publish[3].to'; write az://ACCOUNT/CONTAINER",
    ):
        assert flaw in told


def test_places_addresses_and_variables_that_are_none_are_named(tmp_path: Path) -> None:
    """Else the lake would be the current folder, and the secret of a webhook a target's name."""
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        '[land]\nsources = ["in", " "]\nlake = ""\n'
        '[[publish]]\nkind = "folder"\nto = ""\n'
        '[[publish]]\nkind = "webhook"\ncard = "slack"\nurl_from = "https://x.example/abc"\n'
        '[[publish]]\nkind = "mail"\nto = ["a@x", "on-call"]\nfrom = "job"\nsmtp = "x"\n'
    )
    result = CliRunner().invoke(main, ["config", "check", str(file)])
    assert result.stderr.splitlines()[0] == f"gateway-rca: {file}: 6 settings are wrong"
    for flaw in (
        "it is empty - at 'land.lake'; name a folder, or az://ACCOUNT/CONTAINER/PREFIX",
        "it is empty - at 'land.sources[1]'; name a folder, or",
        "it is empty - at 'publish[0].to'; name a folder, or",
        "it is no variable's name - at 'publish[1].url_from'; the value belongs in the environment",
        "'on-call' is no mail address - at 'publish[2].to[1]'; write NAME@DOMAIN",
        "'job' is no mail address - at 'publish[2].from'; write NAME@DOMAIN",
    ):
        assert flaw in result.stderr
    assert "abc" not in result.stderr


def test_the_example_is_sound() -> None:
    read = checked(Path(__file__).parents[1] / "deploy" / "gateway-rca.toml")
    assert read.land is not None
    assert {each["kind"] for each in read.publish} == {"folder", "webhook", "mail"}


def test_the_doctor_looks_at_all_that_the_job_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWAY_RCA_WEBHOOK_URL", raising=False)
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        f'[land]\nsources = ["{tmp_path}/in", "{tmp_path}/away"]\nlake = "{tmp_path}/lake"\n'
        f'[[publish]]\nkind = "folder"\nto = "{tmp_path}/out"\n'
        '[[publish]]\nkind = "webhook"\ncard = "slack"\n'
    )
    CliRunner().invoke(main, ["run", str(file)])
    result = CliRunner().invoke(main, ["doctor", "--config", str(file), "--json"])
    told = {each["name"]: each for each in json.loads(result.stdout)}
    assert result.exit_code == 1
    sound = ("settings", f"target folder {tmp_path}/out", "lake", "clock", "lake protocol", "fonts")
    assert [name for name in sound if not told[name]["sound"]] == []
    for name, cure in (
        ("source", "name an export to read"),
        ("target webhook GATEWAY_RCA_WEBHOOK_URL", "set it"),
        ("last run", "mend that"),
    ):
        assert not told[name]["sound"]
        assert told[name]["cure"] == cure
    assert list((tmp_path / "out").rglob("gateway-rca-doctor")) == []
    file.write_text("[land]\n")
    result = CliRunner().invoke(main, ["doctor", "--config", str(file), "--json"])
    (settings_,) = [each for each in json.loads(result.stdout) if each["name"] == "settings"]
    assert not settings_["sound"]
