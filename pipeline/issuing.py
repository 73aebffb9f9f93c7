"""Issuing: from what a survey of the lake found to reports that are new, or say other than before.

An incident is known again by its gateway and overlap in time, and keeps its id. It is looked into
again only where rows about its time arrived since; a revision is issued only where the verdict is
another, it has ended, or what was wanting came. One that these rows dissolve is withdrawn, by a
revision that says so.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from pipeline.ask import ask
from pipeline.config import Settings
from pipeline.dataset import DATED
from pipeline.engines.duckdb import DuckDB
from pipeline.incident_finding import Incident, Issue
from pipeline.investigate import looked_into
from pipeline.lake import Lake
from pipeline.ledger import INCIDENT, SAME_INCIDENT, Entry, entries, folder, issue, matched, newest
from pipeline.report import USUAL, Report, write
from pipeline.run import illustrated
from pipeline.survey import Survey, survey
from pipeline.transforms.incidents import Run
from pipeline.window import floor, told
from pipeline.wording import count, last, slug, utc

# Rows of these, from an hour before an incident to an hour after it, are what it rests on.
EVIDENCE = ("requests", "flows", "metrics", "health_events", "changes")
NEAR = timedelta(hours=1)
LOOK_BACK = "the settings, incident.look_back_days"
AROUND = "the time of the incident, and an hour before and after it"


@dataclass(frozen=True, slots=True)
class Found:
    """What was issued, and what could not be written; ``left`` are incidents left for next time.

    ``weighed`` are the rows that each incident in sight was weighed by, by its id.
    """

    issued: list[Entry]
    missing: list[str]
    weighed: dict[str, str]
    left: int


def issued(
    lake: Lake,
    settings: Settings,
    now: datetime,
    incomplete: list[str],
    weighed: dict[str, str],
    go_on: Callable[[], bool],
) -> Found:
    """Looks for incidents, and issues a report on each that is new or changed.

    ``incomplete`` says what of the data is wanting; reports are stamped with it. An incident that
    was ``weighed`` by the same rows before is not weighed again. Raises ``NothingToReportError``
    where there is no request to look at.
    """
    since = floor(now - timedelta(days=settings.incident.look_back_days)).replace(minute=0)
    seen = survey(DuckDB(), lake, (since, None), settings)
    known = [each for each in newest(entries(lake)).values() if each.kind == INCIDENT]
    before = matched([(run.gateway, run.start, run.last) for run in seen.found], known)
    done = Found([], [], {}, 0)
    for place, run in enumerate(seen.found):
        if not go_on():
            return replace(done, left=len(seen.found) - place)
        rows, earlier = _evidence(seen, run.start, run.last), before.get(place)
        completed = bool(earlier and not earlier.complete and not incomplete)
        if earlier:
            same = rows == weighed.get(earlier.id, earlier.evidence)
            done.weighed[earlier.id] = rows
            # Of one that began before, or at once after that, the beginning is not in sight.
            if (same and not completed) or earlier.onset < since + NEAR:
                continue
        maker = _Maker(seen, now, incomplete, [each.id for each in known + done.issued])
        entry, missing = maker.made(run, rows, earlier)
        done.missing.extend(each for each in missing if each not in done.missing)
        if entry:
            done.issued.append(entry)
    gone = [each for each in known if each not in before.values() and each.onset >= since + NEAR]
    if settings.incident.reissue and not incomplete:
        _withdraw(seen, gone, now, weighed, done)
    return done


def _withdraw(
    seen: Survey, gone: list[Entry], now: datetime, weighed: dict[str, str], done: Found
) -> None:
    """Issues of each incident that is not found any more that it is none, if rows say so."""
    for before in gone:
        rows = _evidence(seen, before.onset, before.finish)
        if before.withdrawn or rows == weighed.get(before.id, before.evidence):
            continue
        done.weighed[before.id] = rows
        revision = before.revision + 1
        entry = replace(
            before,
            blob=folder(before.id, revision),
            revision=revision,
            issued_at=now,
            going=False,
            mechanism=None,
            trigger=None,
            status=None,
            snat=None,
            evidence=rows,
            title=f"WITHDRAWN: no incident at {last(before.gateway)} on {before.onset:%Y-%m-%d}, "
            f"revision {revision}",
        )
        # Of rows that were forgotten nobody can say that they tell of no incident.
        if any(entry.rows.get(name, 0) < told for name, told in before.rows.items()):
            continue
        bounds = (floor(before.onset - NEAR), before.finish + NEAR)
        near = survey(DuckDB(), seen.lake, bounds, seen.settings)
        if near.found:
            continue
        why = [*changes(before, entry)]
        report = illustrated(looked_into(near, [], lambda _: None))
        stamp = Issue(entry.id, revision, why, [])
        entry = replace(entry, says="\n".join(why))
        written, missing = _written(seen.lake, entry, stamped(report, stamp, AROUND))
        done.missing.extend(each for each in missing if each not in done.missing)
        done.issued.append(written)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes reports of a survey; ``taken`` are the ids that other incidents have."""

    seen: Survey
    now: datetime
    incomplete: list[str]
    taken: list[str]

    def made(self, run: Run, rows: str, before: Entry | None) -> tuple[Entry | None, list[str]]:
        """The report on an incident, if there is anything to say that was not said before."""
        found = looked_into(self.seen, [run], lambda _: None)
        (incident,) = found.findings.incidents
        entry = self._entry(run, incident, rows, before)
        why = [*changes(before, entry)] if before else []
        if before and not self._worth(before, entry, why):
            return None, []
        stamp = Issue(entry.id, entry.revision, why, self.incomplete)
        entry = replace(entry, says="\n".join((entry.says, *why, *self._stamps())))
        return _written(self.seen.lake, entry, stamped(illustrated(found), stamp))

    def _worth(self, before: Entry, entry: Entry, why: list[str]) -> bool:
        followed_up = (before.going and not entry.going) or (entry.complete and not before.complete)
        return bool(why) and (self.seen.settings.incident.reissue or followed_up)

    def _stamps(self) -> Iterator[str]:
        return (f"INCOMPLETE: {each}" for each in self.incomplete)

    def _entry(self, run: Run, incident: Incident, rows: str, before: Entry | None) -> Entry:
        id_ = before.id if before else self._free(incident.id)
        revision = before.revision + 1 if before else 1
        verdict = incident.verdict
        words = f"{slug(verdict.mechanism)} ({verdict.status})"
        title = (
            f"{'INCOMPLETE: ' if self.incomplete else ''}"
            f"{count(incident.impact.failed)} requests failed at {last(run.gateway)}: {words}"
            f"{f', revision {revision}' if before else ''}"
        )
        until = "still going at the end of the data" if run.end is None else f"to {_utc(run.last)}"
        return Entry(
            blob=folder(id_, revision),
            kind=INCIDENT,
            id=id_,
            revision=revision,
            issued_at=self.now,
            gateway=run.gateway,
            onset=run.start,
            finish=run.last,
            going=run.end is None,
            mechanism=verdict.mechanism,
            trigger=verdict.trigger,
            status=verdict.status,
            snat=incident.snat.verdict,
            complete=not self.incomplete,
            evidence=rows,
            title=title,
            says=f"{_utc(run.start)} {until}. SNAT ports exhausted: {incident.snat.verdict}. "
            f"{incident.snat.why}",
            files="",
        )

    def _free(self, id_: str) -> str:
        """The id, with a number where an incident elsewhere has it."""
        number, free = 1, id_
        while free in self.taken:
            number += 1
            free = f"{id_}-{number}"
        return free


def _written(lake: Lake, entry: Entry, report: Report) -> tuple[Entry, list[str]]:
    """Writes a report, and makes it part of the lake; what of it could not be written."""
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as place:
        outputs = {each: Path(place) / f"rca.{each}" for each in USUAL}
        written, missing = write(report, outputs)
        entry = replace(entry, files=",".join(path.name for path in written))
        issue(lake, entry, written)
    return entry, missing


def stamped(report: Report, stamp: Issue, window_from: str = LOOK_BACK) -> Report:
    """The report on one incident under the id that it is known by, saying what it is issued as."""
    figures = [
        msgspec.structs.replace(each, incident=stamp.id) if each.incident else each
        for each in report.findings.figures
    ]
    return replace(
        report,
        findings=msgspec.structs.replace(
            report.findings,
            window_from=window_from,
            incidents=[
                msgspec.structs.replace(each, id=stamp.id) for each in report.findings.incidents
            ],
            figures=figures,
            issue=stamp,
        ),
    )


def changes(before: Entry, now: Entry) -> Iterator[str]:
    """What a revision says other than the one before, and which data makes it so."""
    said = [*_differences(before, now)]
    yield from said
    more = {
        name: rows - before.rows.get(name, 0)
        for name, rows in now.rows.items()
        if rows != before.rows.get(name, 0)
    }
    if said and more:
        arrived = ", ".join(f"{rows:+,} {slug(name)}" for name, rows in sorted(more.items()))
        yield f"Since revision {before.revision}, rows about this time arrived: {arrived}."


def _differences(before: Entry, now: Entry) -> Iterator[str]:
    if now.withdrawn:
        yield (
            f"This was reported as {slug(before.mechanism)} ({before.status}), from "
            f"{_utc(before.onset)} to {_utc(before.finish)}. With what arrived since, nothing at "
            "that time departs from the usual by as much as an incident takes."
        )
        return
    if before.withdrawn:
        yield f"It was withdrawn; it is an incident: {slug(now.mechanism)} ({now.status})."
        return
    if (before.mechanism, before.status) != (now.mechanism, now.status):
        yield (
            f"The verdict was {slug(before.mechanism)} ({before.status}); "
            f"it is {slug(now.mechanism)} ({now.status})."
        )
    if before.trigger != now.trigger:
        yield f"The trigger was {slug(before.trigger)}; it is {slug(now.trigger)}."
    if before.snat != now.snat:
        yield f"Exhaustion of SNAT ports was {before.snat}; it is {now.snat}."
    if before.going and not now.going:
        yield f"It was still going; it ended at {_utc(now.finish)}."
    elif now.going and not before.going:
        yield f"It had ended at {_utc(before.finish)}; it is going on."
    elif abs(now.finish - before.finish) > SAME_INCIDENT and not now.going:
        yield f"It ended at {_utc(now.finish)}, not at {_utc(before.finish)}."
    if now.complete and not before.complete:
        yield "What was wanting has been read: the report is complete."


def _utc(moment: datetime) -> str:
    return utc(told(moment))


def _evidence(seen: Survey, start: datetime, last: datetime) -> str:
    """Rows of each dataset about the time of an incident, as JSON."""
    parameters = {"start": start - NEAR, "stop": last + NEAR}
    found = {}
    for name in EVIDENCE:
        files = seen.lake.files_between(name, "time", parameters["start"], parameters["stop"])
        seen.engine.attach("dated", DATED, files)
        answer = ask(seen.engine, ["rows_between"], parameters)["rows_between"]
        found[name] = int(answer.frame["rows"].sum())
    return msgspec.json.encode(found, order="deterministic").decode()
