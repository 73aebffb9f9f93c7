"""Verify: the queries of a report run again, and which of its figures and values hold."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import msgspec

from pipeline import investigate, landing, method, run
from pipeline.ask import ask, tell_topology
from pipeline.config import Settings, beside, settings
from pipeline.datasets import datasets
from pipeline.difference import Difference, differences
from pipeline.document import INCIDENT, Asked, Document, document
from pipeline.engines.duckdb import DuckDB
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.lake import Lake
from pipeline.land import Progress, land
from pipeline.query import Query, queries
from pipeline.roll_up import keep_up
from pipeline.survey import READ, survey
from pipeline.transforms.incidents import Run
from pipeline.versions import TOPOLOGY, Outcome, Reason, Since, lake_read
from pipeline.window import Window, iso, parsed
from pipeline.wording import of, short

# How a report was made and issued is not what it says; and figures are run again one by one.
NOT_SAID = ("generator", "window_from", "lake", "settings", "figures", "issue")
# So many values that differ are named; beside them stand outcomes, so wide.
TOLD = 12
WIDTH = len(Outcome.UNCHECKED)
DATED = {"TIMESTAMP": datetime.fromisoformat, "DATE": date.fromisoformat}


@dataclass(frozen=True, slots=True)
class QueryChecked:
    """A query run again; what it gives now is null where it could not be run."""

    query: str
    outcome: Outcome
    why: str
    sha256_was: str
    sha256_is: str | None
    rows_were: int | None
    rows_are: int | None


@dataclass(frozen=True, slots=True)
class FigureChecked:
    """A figure or table; its outcome is the worst of its queries'."""

    id: str
    title: str
    outcome: Outcome
    why: str
    queries: list[QueryChecked]


@dataclass(frozen=True, slots=True)
class ValuesChecked:
    """What a report says against what the same diagnosis says now."""

    outcome: Outcome
    why: str
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Verified:
    """All that was checked, what changed first; values are null where nothing makes them again."""

    report: str
    lake: str | None
    figures: list[FigureChecked]
    values: ValuesChecked | None

    @property
    def holds(self) -> bool:
        """Whether all of it does."""
        outcomes = {each.outcome for each in self.figures}
        if self.values:
            outcomes.add(self.values.outcome)
        return outcomes == {Outcome.HOLDS}


def verify(
    report: Path,
    sources: list[str],
    lake: str | None,
    config: Path | None,
    say: Callable[[str], None],
    on_progress: Callable[[Progress], None],
) -> Verified:
    """Runs again what a report rests on, over its own lake or over what is named instead.

    Raises ``PipelineError`` where the file is no report or nothing says what to read, and
    ``NothingToReportError`` where the report has no figures.
    """
    known = document(report)
    if not known.figures:
        raise NothingToReportError(f"{report}: has no figures; there is nothing to verify")
    if sources and lake:
        raise PipelineError("name exports to read again, or a lake with --lake, not both")
    place = lake or (known.lake.location if known.lake else None)
    if not sources and not place:
        raise PipelineError(
            f"{report}: names no lake, for it was made from exports; name them again: "
            f"gateway-rca verify {report} exports/, or a lake that holds them with --lake"
        )
    stated = known.settings or settings(config or beside([*sources, *([place] if place else [])]))
    with run.lake_of(sources, None if sources else Lake(str(place))) as home:
        if sources:
            say(f"land: {landing.told(land(sources, home, on_progress))}")
        lacking = _lacking(home, named=bool(sources or lake))
        figures, values = _checked(known, home, stated) if not lacking else _none(known, lacking)
        figures.sort(key=lambda each: list(Outcome).index(each.outcome))
        return Verified(str(report), home.named if home.kept else None, figures, values)


def _lacking(lake: Lake, named: bool) -> str | None:
    """Why there is no lake, where the report and not the user says that there is one."""
    try:
        lake.there()
    except PipelineError as error:
        if named:
            raise
        return f"{error}; or name another with --lake"
    return None


def _none(known: Document, why: str) -> tuple[list[FigureChecked], ValuesChecked]:
    """Nothing is checked."""
    figures = [
        FigureChecked(each.id, each.title, Outcome.UNCHECKED, why, []) for each in known.figures
    ]
    return figures, ValuesChecked(Outcome.UNCHECKED, why, [])


def _checked(
    known: Document, lake: Lake, stated: Settings
) -> tuple[list[FigureChecked], ValuesChecked | None]:
    """All figures, and the values."""
    keep_up(lake)
    engine = DuckDB()
    for name, dataset in datasets().items():
        engine.attach(name, dataset, lake.files(name))
    tell_topology(engine, stated)
    start = parsed(known.window.start, "window.start")
    window = Window(start, parsed(known.window.end, "window.end") if known.window.end else start)
    since = Since(known.lake, lake_read(lake, window), known.generator, method.generator())
    again = Again(engine, since)
    figures = [
        _figure(each.id, each.title, [again.checked(asked) for asked in each.asked])
        for each in known.figures
    ]
    return figures, _values(known, window, lake, stated, since) if known.kind == INCIDENT else None


def _figure(id_: str, title: str, checked: list[QueryChecked]) -> FigureChecked:
    worst = min((each.outcome for each in checked), key=list(Outcome).index)
    whys = dict.fromkeys(each.why for each in checked if each.outcome is worst and each.why)
    return FigureChecked(id_, title, worst, "; ".join(whys), checked)


def _values(
    known: Document, window: Window, lake: Lake, stated: Settings, since: Since
) -> ValuesChecked:
    """The diagnosis of the same window with the same settings, against what the report says."""
    try:
        seen = survey(DuckDB(), lake, (window.start, window.stop), stated)
        own = [run for run in seen.found if _concerns(known, run)]
        found = investigate.looked_into(seen, own, lambda _: None, *_compared(known))
    except NothingToReportError as error:
        return ValuesChecked(Outcome.UNCHECKED, str(error), [])
    now = msgspec.json.decode(msgspec.json.encode(found.findings))
    if known.issue:
        now["incidents"] = [{**each, "id": known.issue.id} for each in now["incidents"]]
    said = {name: value for name, value in known.said.items() if name not in NOT_SAID}
    differ = list(differences(said, {name: now[name] for name in said if name in now}))
    if not differ:
        return ValuesChecked(Outcome.HOLDS, "", [])
    why = since.told(frozenset(READ))
    return ValuesChecked(why.outcome, why.why, differ)


def _concerns(known: Document, run: Run) -> bool:
    """Whether a report speaks of an incident: of all, but one that was issued is of one alone."""
    said = [(each["gateway"], each["start"]) for each in known.said.get("incidents", [])]
    return known.issue is None or (run.gateway, iso(run.start)) in said


def _compared(known: Document) -> tuple[Window, ...]:
    """The periods that the report compares, if it does: the other one and its own."""
    if not (said := known.comparison):
        return ()
    before, after = (
        Window(parsed(each.start, "comparison.start"), parsed(each.end, "comparison.end"))
        for each in (said.before, said.after)
    )
    return (after, before) if said.own == "before" else (before, after)


class Again:
    """Runs queries of a report again, each once."""

    def __init__(self, engine: DuckDB, since: Since) -> None:
        self._engine = engine
        self._since = since
        self._by_path = {each.path: each for each in queries().values()}
        self._answered: dict[bytes, tuple[str, int]] = {}

    def checked(self, asked: Asked) -> QueryChecked:
        """What became of a query's answer."""
        query = self._by_path.get(asked.query)
        if query is None:
            return _told(asked, Reason(Outcome.UNCHECKED, f"{asked.query} is no longer there"))
        if others := query.tables - TOPOLOGY - frozenset(datasets()):
            why = f"{asked.query} reads {', '.join(sorted(others))}, which no lake holds"
            return _told(asked, Reason(Outcome.UNCHECKED, why))
        try:
            bound = _bound(query, asked.parameters)
        except (KeyError, ValueError, TypeError):
            why = f"{asked.query} takes other parameters now"
            return _told(asked, Reason(Outcome.UNCHECKED, why))
        sha256, rows = self._answer(query, bound)
        if sha256 == asked.sha256:
            return _told(asked, Reason(Outcome.HOLDS), sha256, rows)
        if asked.digest and asked.digest != query.digest:
            why = f"the text of {asked.query} changed, or of what it reads"
            return _told(asked, Reason(Outcome.UNCHECKED, why), sha256, rows)
        return _told(asked, self._since.told(query.tables), sha256, rows)

    def _answer(self, query: Query, bound: Mapping[str, object]) -> tuple[str, int]:
        """The fingerprint and the number of rows; the rows themselves are not kept."""
        key = msgspec.json.encode([query.path, bound])
        if key not in self._answered:
            answer = ask(self._engine, [query.name], bound)[query.name]
            self._answered[key] = answer.sha256, answer.frame.height
        return self._answered[key]


def _bound(query: Query, parameters: Mapping[str, object]) -> dict[str, object]:
    """The parameters as the query takes them: JSON holds moments and days as texts."""
    if set(parameters) != {each.name for each in query.parameters}:
        raise KeyError(query.name)
    return {
        each.name: DATED[each.type](parameters[each.name])  # type: ignore[arg-type]
        if each.type in DATED
        else parameters[each.name]
        for each in query.parameters
    }


def _told(
    asked: Asked, found: Reason, sha256: str | None = None, rows: int | None = None
) -> QueryChecked:
    return QueryChecked(
        asked.query, found.outcome, found.why, asked.sha256, sha256, asked.rows, rows
    )


def told(found: Verified) -> Iterator[str]:
    """The same for people, line by line, what does not hold first."""
    for each in found.figures:
        if each.outcome is not Outcome.HOLDS:
            yield f"{each.outcome:<{WIDTH}}  {each.id:<5}  {each.title}"
            yield f"{'':<{WIDTH}}  {'':<5}  {each.why}"
    if held := [each.id for each in found.figures if each.outcome is Outcome.HOLDS]:
        yield f"{Outcome.HOLDS:<{WIDTH}}  {', '.join(held)}"
    if found.values:
        yield from _told_values(found.values)
    yield _closing(found)


def _told_values(values: ValuesChecked) -> Iterator[str]:
    yield f"{values.outcome:<{WIDTH}}  values" + (f"; {values.why}" if values.why else "")
    for each in values.differences[:TOLD]:
        was, now = (short(msgspec.json.encode(side).decode()) for side in (each.was, each.now))
        yield f"{'':<{WIDTH}}  {each.path}: was {was}, is {now}"
    if more := values.differences[TOLD:]:
        yield f"{'':<{WIDTH}}  and {of(len(more), 'more value')} (--json tells all)"


def _closing(found: Verified) -> str:
    counted = Counter(each.outcome for each in found.figures)
    figures = (
        f"{counted[Outcome.HOLDS]} of {of(len(found.figures), 'figure')} hold, "
        f"{counted[Outcome.CHANGED]} changed, {counted[Outcome.UNCHECKED]} cannot be checked"
    )
    match found.values:
        case None:
            return f"{figures}; values are told again for incident reports only"
        case values if values.outcome is Outcome.HOLDS:
            return f"{figures}; all values hold"
        case values if not values.differences:
            return f"{figures}; values cannot be checked"
        case values:
            return f"{figures}; {of(len(values.differences), 'value')} changed"
