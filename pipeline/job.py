"""The scheduled job: land what is new, report what is new or changed, hand it on, keep tidy.

A part that fails is told and does not stop the others; what is left, the next run goes on with. The
only clock is ``now``.
"""

import hashlib
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from pipeline import delivery, lease, ledger, log, upkeep
from pipeline import manifest as manifests
from pipeline.checked import Target, targets
from pipeline.config import Land, Settings, Weekday
from pipeline.errors import ExitStatus, NothingToReportError, PipelineError
from pipeline.issuing import EVIDENCE, issued
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.landed import Landing
from pipeline.landing import problems
from pipeline.manifest import Manifest, OfSource
from pipeline.report import NO_PANGO, USUAL

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
REVIEW = "capacity"
CUT_SHORT = "time was over, or it was told to end; the next run goes on from there"


class StoppedError(PipelineError):
    """The settings are sound, but the lake could not be worked on."""

    status = ExitStatus.INCOMPLETE


def run(
    settings: Settings, now: Callable[[], datetime], stopping: Callable[[], bool] = lambda: False
) -> Manifest:
    """One run; it asks ``stopping`` whether to end early.

    Raises ``StoppedError`` where the lake cannot be worked on at all; a notice is published first.
    """
    if settings.land is None:
        raise PipelineError("the settings have no [land]; state its sources and lake")
    lake = Lake(settings.land.lake)
    try:
        lake.ready()
        with lease.held(lake):
            before = manifests.last(lake)
            job = Job(lake, settings, settings.land, now, stopping, manifests.begun(now(), before))
            job.done(before)
            return job.manifest
    except lease.HeldError:
        raise
    except PipelineError as error:
        told = Manifest(started=now(), errors=[f"lake: {error}"])
        for each in delivery.notify(targets(settings), told):
            log.problem("notice not published", why=each)
        raise StoppedError(f"{error}") from error


@dataclass(slots=True)
class Job:
    """A run at work, and its manifest."""

    lake: Lake
    settings: Settings
    land: Land
    now: Callable[[], datetime]
    stopping: Callable[[], bool]
    manifest: Manifest

    def done(self, before: Manifest | None) -> None:
        """Does all parts, and keeps the manifest whatever becomes of them."""
        manifest = self.manifest
        if before and before.outcome == "running":
            self._note(f"the run of {before.started:%Y-%m-%dT%H:%M:%SZ} was stopped in its midst")
        manifests.kept(self.lake, manifest)
        to = targets(self.settings)
        try:
            self._parts(to)
        finally:
            if manifest.errors and manifest.errors != _own_errors(before):
                manifest.errors += delivery.notify(to, manifest)
            manifest.ended = self.now()
            manifest.took_s = (manifest.ended - manifest.started).total_seconds()
            manifest.peak_memory_bytes = _peak_memory()
            if manifest.errors:
                manifest.outcome = "incomplete"
            elif manifest.outcome == "running":
                manifest.outcome = "done"
            manifests.kept(self.lake, manifest)
            log.event("run ended", **msgspec.to_builtins(manifest))

    def _parts(self, to: list[Target]) -> None:
        unfinished = False
        with self._part("land"):
            unfinished = not self._landed()
        if unfinished:
            self.manifest.errors.append(f"land: {CUT_SHORT}")
        else:
            with self._part("diagnose"):
                self._issued()
            with self._part("review"):
                self._reviewed()
        with self._part("publish"):
            done, failed = delivery.deliver(self.lake, to, self._moment(), self._go_on)
            self.manifest.delivered += done
            self.manifest.errors += failed
        if self._go_on():
            with self._part("tidy"):
                self._tidied()

    @contextmanager
    def _part(self, name: str) -> Iterator[None]:
        """A part of the run: what fails in it is told, and the others go on."""
        begun = self.now()
        try:
            yield
        except NothingToReportError as error:
            self._note(f"{name}: {error}")
            self.manifest.outcome = "nothing"
        except PipelineError as error:
            self._failed(f"{name}: {error}")
        except Exception as error:  # the log has the traceback, the run its error
            log.bug("bug", part=name)
            told = f"{type(error).__name__}: {error}".splitlines()[0]
            self._failed(f"{name}: a fault of gateway-rca itself, see the log: {told}")
        self.manifest.steps[name] = (self.now() - begun).total_seconds()

    def _failed(self, error: str) -> None:
        self.manifest.errors.append(error)
        log.problem("part failed", error=error)

    def _note(self, note: str) -> None:
        self.manifest.notes.append(note)
        log.event("note", note=note)

    def _moment(self) -> datetime:
        """When the run began, without a zone as all within."""
        return self.manifest.started.replace(tzinfo=None)

    def _go_on(self) -> bool:
        most = self.land.at_most_minutes
        over = most is not None and self.now() - self.manifest.started > timedelta(minutes=most)
        return not over and not self.stopping()

    def _landed(self) -> bool:
        """Lands each source, the others though one fails; whether all was read."""
        whole = True
        for source in self.land.sources:
            told = OfSource(source.partition("?")[0])
            self.manifest.sources.append(told)
            with self._part(f"land {told.source}"):
                landing = land([source], self.lake, go_on=self._go_on)
                _tell(told, landing)
                log.event("landed", **msgspec.to_builtins(told))
                whole = whole and not landing.stopped
                for each in problems(landing):
                    self._failed(f"land: {each}")
        return whole

    def _issued(self) -> None:
        """Looks for incidents, unless nothing that could change the answer did."""
        seen = self._seen()
        if seen == self.manifest.seen:
            return
        wanting = list(self.manifest.errors)
        found = issued(
            self.lake,
            self.settings,
            self._moment(),
            wanting,
            self.manifest.weighed,
            self._go_on,
        )
        for each in found.issued:
            self.manifest.reports.append(f"{each.id} revision {each.revision}: {each.title}")
            log.event("issued", id=each.id, revision=each.revision, title=each.title)
        self.manifest.weighed = found.weighed
        for missing in found.missing:
            self._failed(f"report: {missing}")
        if found.left:
            self._failed(f"diagnose: {found.left} incidents left; {CUT_SHORT}")
        else:
            self.manifest.seen = seen

    def _seen(self) -> str:
        """What a look for incidents rests on: rows, settings, whether all was read, and we."""
        told = (
            [self.lake.commits(name) for name in EVIDENCE],
            msgspec.structs.replace(self.settings, origin=None),
            self.manifest.errors,
            self.manifest.versions,
        )
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()

    def _reviewed(self) -> None:
        """The weekly capacity review, if it is due and was not made."""
        weekday, hour = self.settings.capacity.weekday, self.settings.capacity.hour
        if weekday is None:
            return
        at = due(weekday, hour, self._moment())
        id_ = f"{REVIEW}-{at:%Y-%m-%d}"
        if any(each.id == id_ for each in ledger.entries(self.lake)):
            return
        from pipeline.capacity import write_review

        with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
            output = Path(folder) / "capacity.pdf"
            files = write_review(self.lake, self.settings, output, USUAL, as_of=at, weeks=1)
            ledger.issue(self.lake, self._review(id_, at, files), files)
            if output not in files:
                self._failed(f"review: {NO_PANGO}")
        self.manifest.reports.append(f"{id_} revision 1")

    def _review(self, id_: str, at: datetime, files: list[Path]) -> ledger.Entry:
        wanting = self.manifest.errors
        return ledger.Entry(
            blob=ledger.folder(id_, 1),
            kind=REVIEW,
            id=id_,
            revision=1,
            issued_at=self._moment(),
            gateway=None,
            onset=at - WEEK,
            finish=at,
            going=False,
            mechanism=None,
            trigger=None,
            status=None,
            snat=None,
            complete=not wanting,
            evidence="{}",
            title=f"{'INCOMPLETE: ' if wanting else ''}Capacity review of the week to "
            f"{at:%Y-%m-%d}",
            says="\n".join(["Headroom, crossing dates and offenders.", *wanting]),
            files=",".join(each.name for each in files),
        )

    def _tidied(self) -> None:
        """Once a day: drops old days, merges small files, removes what nobody needs."""
        manifest, keep = self.manifest, self.settings.retention
        if manifest.tidied and self.now() - manifest.tidied < DAY:
            return
        if keep.rows_days is not None:
            oldest = self._moment().date() - timedelta(days=keep.rows_days)
            for done in upkeep.forget(self.lake, oldest):
                if done.rows:
                    self._note(f"{done.rows:,} rows of {done.dataset} before {oldest} dropped")
        for merged in upkeep.compact(self.lake):
            log.event("merged", dataset=merged.dataset, before=merged.before, after=merged.after)
        versions = timedelta(days=keep.versions_days)
        for freed in upkeep.vacuum(self.lake, versions, self.now()):
            log.event("vacuumed", dataset=freed.dataset, files=freed.removed)
        manifests.forgotten(self.lake, timedelta(days=keep.runs_days), self.now())
        manifest.tidied = self.now()


def due(weekday: Weekday, hour: int, now: datetime) -> datetime:
    """The last moment at which a review was due."""
    back = (now.weekday() - list(Weekday).index(weekday)) % 7
    at = (now - back * DAY).replace(hour=hour, minute=0, second=0, microsecond=0)
    return at if at <= now else at - WEEK


def _own_errors(before: Manifest | None) -> list[str]:
    """The errors of the run before, but for those of telling them."""
    told = before.errors if before else []
    return [each for each in told if not each.startswith(delivery.NOTICE)]


def _tell(told: OfSource, landing: Landing) -> None:
    told.blobs, told.read, told.unchanged = landing.seen, landing.read, landing.skipped
    told.lines, told.rows = landing.lines, dict(landing.rows)
    told.duplicates, told.pending = landing.duplicates, landing.pending
    told.quarantined = landing.quarantined.total()
    told.set_aside = landing.set_aside.total()
    told.unfinished = landing.stopped


def _peak_memory() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
