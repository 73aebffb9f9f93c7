"""The command line: words in, one line of error out, and the exit status that was promised."""

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.errors import ExitStatus, PipelineError

if TYPE_CHECKING:
    from pipeline.land import Progress
    from pipeline.report import Format

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _answered(command: Callable[..., ExitStatus | None]) -> Callable[..., None]:
    """Turns a user's problem into one line on stderr, and results into an exit status."""

    @wraps(command)
    def answered(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs) or ExitStatus.DONE
        except PipelineError as error:
            click.echo(f"gateway-rca: {error}", err=True)
            status = error.status
        sys.exit(int(status))

    return answered


def _say(text: str) -> None:
    click.echo(text, err=True)


LAKE = click.option(
    "--lake", required=True, help="Lake: a folder, or az://ACCOUNT/CONTAINER/PREFIX."
)


@click.group(context_settings=HELP)
@click.version_option(package_name="gateway-rca")
def main() -> None:
    """Find out why calls through an Azure gateway failed, and write the report.

    \b
    gateway-rca demo
    gateway-rca incident exports/ --output rca.pdf
    """


# What commands that write a document share.
lake_option = click.option("--lake", help="Lake to read, or to land into: a folder or az://…")
formats_option = click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["pdf", "html", "json", "md"]),
    help="Write only this; may be repeated. Of md, the figures lie in NAME-figures/ beside it.",
)
config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings; else gateway-rca.toml beside the sources or in the current folder.",
)


@main.command()
@click.argument("source", nargs=-1, required=True)
@LAKE
@click.option("--strict", is_flag=True, help="Fail (exit 1) if any record is quarantined.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON on stdout.")
@_answered
def land(source: tuple[str, ...], lake: str, strict: bool, as_json: bool) -> ExitStatus:
    """Land exports in a lake, each record once.

    SOURCE is a file, a folder, a glob, az://ACCOUNT/CONTAINER/PREFIX or an https:// URL with a SAS;
    formats may be mixed, each is found by content. Landing the same again lands nothing; a blob
    that grew is read from where it ended. LAKE is a folder or az://ACCOUNT/CONTAINER/PREFIX.

    \b
    gateway-rca land exports/ --lake lake
    gateway-rca land az://contosologs/insights-logs-gatewaylogs --lake az://contosologs/lake
    """
    from pipeline.lake import Lake
    from pipeline.land import land as landed
    from pipeline.run import problems, told, told_by_dataset
    from pipeline.wording import of

    with _progress() as on_progress:
        landing = landed(source, Lake(lake), on_progress)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(landing).decode())
    else:
        for line in told_by_dataset(landing):
            click.echo(line)
        click.echo(told(landing))
    _name_others(landing.unclaimed)
    shortcomings = problems(landing)
    if strict and (refused := landing.quarantined.total()):
        shortcomings.append(
            f"{of(refused, 'record')} quarantined, which --strict does not allow; the table "
            f"'quarantine' in {lake} tells each with its reason"
        )
    for each in shortcomings:
        _say(f"incomplete: {each}")
    if not landing.seen:
        raise PipelineError(f"{', '.join(source)}: holds no files; name the folder of an export")
    if len(landing.unclaimed) == landing.seen:
        raise PipelineError(f"{', '.join(source)}: no file here is of a format that lands")
    return ExitStatus.INCOMPLETE if shortcomings else ExitStatus.DONE


@main.command()
@click.argument("source", nargs=-1)
@lake_option
@click.option("--from", "start", metavar="T", help="Start of the window; without a zone: UTC.")
@click.option("--to", "stop", metavar="T", help="End of the window, itself not included.")
@click.option(
    "--compare-to",
    metavar="T/T",
    help="Another period: did it get better, at the same weekday, hour and load?",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Report to write; NAME.html and NAME.json come to stand beside NAME.pdf.",
)
@formats_option
@config_option
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    help="Folder with sections or a style of your own: DIR/rca/house.css, DIR/rca/NN_name.html.",
)
@click.option(
    "--anonymise",
    is_flag=True,
    help="Write pseudonyms for hosts, addresses, callers, resources, APIs, messages and ids.",
)
@_answered
def incident(
    source: tuple[str, ...],
    lake: str | None,
    start: str | None,
    stop: str | None,
    compare_to: str | None,
    output: Path,
    formats: tuple[str, ...],
    config: Path | None,
    template: Path | None,
    anonymise: bool,
) -> ExitStatus:
    """Find and diagnose the incident, write the report.

    SOURCE is a file, a folder, a glob, az://ACCOUNT/CONTAINER/PREFIX or an https:// URL with a SAS;
    with --lake alone, what was landed there. Times are ISO 8601; without --from and --to the whole
    data is looked at.

    With --compare-to the report also says whether it got better: the window of --from and --to, or
    else the incident, against another period. Whole weeks tell most.

    \b
    gateway-rca incident exports/ --output out/rca.pdf
    gateway-rca incident --lake lake --from 2026-03-10T09:00 --to 2026-03-10T11:00 --output rca.pdf
    gateway-rca incident --lake lake --from 2026-03-09T00:00 --to 2026-03-14T00:00 \\
      --compare-to 2026-03-16T00:00/2026-03-21T00:00 --output rca.pdf
    """
    if not source and lake is None:
        raise PipelineError("name exports to read, or a lake with --lake; see --help")
    outputs = _outputs(output, formats)
    return _report(
        list(source), lake, (start, stop), outputs, config, template, anonymise, compare_to
    )


@main.command()
@click.argument("report", type=click.Path(path_type=Path))
@click.argument("source", nargs=-1)
@click.option("--lake", help="Lake to read; else the one that the report names.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings, for a report that does not hold its own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")
@_answered
def verify(
    report: Path, source: tuple[str, ...], lake: str | None, config: Path | None, as_json: bool
) -> ExitStatus:
    """Recompute a report's figures, say which hold.

    REPORT is the JSON that stands beside the PDF. Each query behind a figure runs again, and its
    answer is compared; then the same window is diagnosed again with the same settings, and each
    value that differs is named. A report made from exports takes them again as SOURCE.

    \b
    gateway-rca verify out/rca.json
    gateway-rca verify out/rca.json exports/
    gateway-rca verify out/rca.json --lake az://contosologs/lake
    """
    from pipeline.verify import told
    from pipeline.verify import verify as verified

    with _progress() as on_progress:
        found = verified(report, list(source), lake, config, _say, on_progress)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    else:
        for line in told(found):
            click.echo(line)
    return ExitStatus.DONE if found.holds else ExitStatus.INCOMPLETE


@main.command()
@click.argument("source", nargs=-1)
@lake_option
@click.option(
    "--weeks",
    default=1,
    show_default=True,
    type=click.IntRange(min=1, max=52),
    help="Review so many weeks.",
)
@click.option(
    "--as-of",
    metavar="DATE",
    help="Review as it was then: a day, itself included, or a time; default: the end of the data.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="Review to write; NAME.html and NAME.json come to stand beside NAME.pdf.",
)
@formats_option
@config_option
@_answered
def capacity(
    source: tuple[str, ...],
    lake: str | None,
    weeks: int,
    as_of: str | None,
    output: Path,
    formats: tuple[str, ...],
    config: Path | None,
) -> ExitStatus:
    """Review how full gateways and destinations are, and when their limits are reached.

    SOURCE is as for 'incident'; with --lake alone, what was landed there. A forecast takes three
    weeks of history at least, and is kept in the lake so that the next review can score it.

    \b
    gateway-rca capacity --lake lake --output out/capacity.pdf
    gateway-rca capacity --lake lake --as-of 2026-03-15 --weeks 2 --output capacity.pdf
    """
    if not source and lake is None:
        raise PipelineError("name exports to read, or a lake with --lake; see --help")
    return _review(list(source), lake, weeks, as_of, output, formats, config)


@main.command()
@click.option(
    "--output",
    default=Path("out/demo/rca.pdf"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Report to write; HTML and JSON come to stand beside it.",
)
@_answered
def demo(output: Path) -> ExitStatus:
    """Make a real report from the bundled sample.

    The sample is synthetic: a simulated gateway that ran out of SNAT ports towards one ip:port.

    \b
    gateway-rca demo --output out/demo/rca.pdf
    """
    from pipeline.run import samples

    _say("The bundled sample is synthetic: a simulated gateway, no real system.")
    return _report([str(samples())], None, (None, None), _outputs(output, ()), None)


@main.command("run")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the run's manifest on stdout.")
@_answered
def run_(config: Path, as_json: bool) -> ExitStatus:
    """Do the scheduled job once.

    Lands what is new in the sources, reports incidents that are new or changed, makes the weekly
    capacity review when it is due, hands all to the targets, and keeps the lake tidy. Logs are JSON
    on stderr; each run leaves a manifest in LAKE/runs. A run may be killed or overlap another at
    any point: the next one goes on.

    \b
    gateway-rca run gateway-rca.toml
    """
    from datetime import UTC, datetime

    from pipeline import log
    from pipeline.checked import checked
    from pipeline.termination import asked

    stopping = asked()
    settings = checked(config)
    log.start()
    from pipeline.job import run

    manifest = run(settings, lambda: datetime.now(UTC), stopping)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(manifest).decode())
    else:
        for line in (*manifest.reports, *(f"published: {each}" for each in manifest.delivered)):
            click.echo(line)
    for each in manifest.errors:
        _say(f"incomplete: {each}")
    if manifest.errors:
        return ExitStatus.INCOMPLETE
    return ExitStatus.NOTHING if manifest.outcome == "nothing" else ExitStatus.DONE


@main.group()
def config() -> None:
    """Look at the settings.

    \b
    gateway-rca config check gateway-rca.toml
    """


@config.command("check")
@click.argument("file", default=Path("gateway-rca.toml"), type=click.Path(path_type=Path))
@_answered
def config_check(file: Path) -> None:
    """Check the settings of the scheduled job, and name all that is wrong.

    \b
    gateway-rca config check gateway-rca.toml
    """
    from pipeline.checked import checked, targets

    settings = checked(file)
    to = ", ".join(each.name for each in targets(settings)) or "the lake alone"
    click.echo(f"{file}: sound; reports go to {to}")


@main.command("fetch-metrics")
@click.argument("resource", nargs=-1)
@click.option("--lake", help="Lake to land in; else that of the settings.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Settings of the scheduled job: the egress_resource_id of each gateway, and the lake.",
)
@click.option("--from", "start", metavar="T", help="From then on; else two days back.")
@click.option("--to", "stop", metavar="T", help="Up to then; else up to now.")
@_answered
def fetch_metrics(
    resource: tuple[str, ...],
    lake: str | None,
    file: Path | None,
    start: str | None,
    stop: str | None,
) -> ExitStatus:
    """Read SNAT metrics from Azure Monitor, and land them.

    No diagnostic setting exports these: a load balancer's allocated and used SNAT ports, and failed
    connections told apart; all of a NAT gateway. RESOURCE is the id of a load balancer, NAT gateway
    or Azure Firewall. Azure keeps them for 93 days. Takes the role Monitoring Reader.

    \b
    gateway-rca fetch-metrics --config gateway-rca.toml
    gateway-rca fetch-metrics /subscriptions/…/natGateways/egress --lake lake --from 2026-03-10
    """
    from datetime import UTC, datetime, timedelta

    from pipeline.checked import checked
    from pipeline.fetching import fetch
    from pipeline.lake import Lake
    from pipeline.run import problems, told
    from pipeline.window import parsed

    settings = checked(file) if file else None
    ids = resource or tuple(
        dict.fromkeys(
            each.egress_resource_id
            for each in (settings.gateway if settings else ())
            if each.egress_resource_id
        )
    )
    place = lake or (settings.land.lake if settings and settings.land else None)
    if not ids or place is None:
        raise PipelineError(
            "name a resource and --lake, or with --config settings whose gateways state "
            "egress_resource_id"
        )
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    until = parsed(stop, "--to") if stop else now
    since = parsed(start, "--from") if start else until - timedelta(days=2)
    if since >= until:
        raise PipelineError("--to is not after --from; swap them")
    landing = fetch(ids, Lake(place), since, until)
    click.echo(told(landing))
    shortcomings = problems(landing)
    for each in shortcomings:
        _say(f"incomplete: {each}")
    return ExitStatus.INCOMPLETE if shortcomings else ExitStatus.DONE


@main.command("status")
@click.option("--lake", help="Lake to look at; else that of the settings.")
@click.option(
    "--config",
    "file",
    default=Path("gateway-rca.toml"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Settings of the scheduled job.",
)
@click.option("--max-age", default="26h", show_default=True, help="A run did well since then.")
@click.option("--max-gap", default="3h", show_default=True, help="Hours without requests allowed.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")
@_answered
def watch(lake: str | None, file: Path, max_age: str, max_gap: str, as_json: bool) -> ExitStatus:
    """Tell whether the scheduled job works.

    Fails (exit 1) if no run did well lately, or a resource that sent requests was silent. Let
    another scheduler than the job's own call it.

    \b
    gateway-rca status --max-age 26h
    """
    from datetime import UTC, datetime

    from pipeline.checked import checked
    from pipeline.lake import Lake
    from pipeline.overdue import watched
    from pipeline.window import age

    longest = age(max_age, "--max-age"), age(max_gap, "--max-gap")
    if lake is None:
        land_ = checked(file).land
        lake = land_.lake if land_ else None
    found = watched(Lake(lake or ""), *longest, datetime.now(UTC))
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    else:
        for each in found:
            cure = f"; {each.cure}" if each.cure else ""
            click.echo(
                f"{'well    ' if each.well else 'not well'}  {each.about}: {each.says}{cure}"
            )
    return ExitStatus.DONE if all(each.well for each in found) else ExitStatus.INCOMPLETE


@main.group("lake")
def lake_() -> None:
    """See what a lake covers, and keep it small.

    \b
    gateway-rca lake status --lake lake
    """


@lake_.command()
@LAKE
@click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")
@_answered
def status(lake: str, as_json: bool) -> None:
    """Print size and coverage of each dataset.

    Coverage is told per resource, in whole hours; a gap is an hour without rows between the first
    and the last. Whether something is missing there, or nothing happened, the lake cannot know.

    \b
    gateway-rca lake status --lake lake
    """
    from pipeline.engines.duckdb import DuckDB
    from pipeline.lake import Lake
    from pipeline.upkeep import status as found
    from pipeline.upkeep import told

    states = list(found(Lake(lake).there(), DuckDB()))
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(states).decode())
        return
    for line in told(states):
        click.echo(line)


@lake_.command()
@LAKE
@_answered
def compact(lake: str) -> None:
    """Merge small files, day by day.

    Reports read fewer, larger files then. Others may read and land meanwhile. The small files stay
    on disk until they are vacuumed.

    \b
    gateway-rca lake compact --lake lake
    """
    from pipeline.lake import Lake
    from pipeline.upkeep import compact as compacted

    for done in compacted(Lake(lake).there()):
        click.echo(f"{done.dataset}: {done.before:,} files before, {done.after:,} after")


@lake_.command()
@LAKE
@click.option(
    "--keep-days",
    default=7,
    show_default=True,
    type=click.IntRange(min=1),
    help="Keep what versions of the last days need: reports may be reading them.",
)
@_answered
def vacuum(lake: str, keep_days: int) -> None:
    """Remove files that are not needed any more.

    These are files that were merged or forgotten, and what killed runs left behind.

    \b
    gateway-rca lake vacuum --lake lake
    """
    from datetime import UTC, datetime, timedelta

    from pipeline.lake import Lake
    from pipeline.upkeep import vacuum as vacuumed

    keep = timedelta(days=keep_days)
    for done in vacuumed(Lake(lake).there(), keep, datetime.now(UTC)):
        click.echo(f"{done.dataset}: {done.removed:,} files removed")


@lake_.command()
@LAKE
@click.option(
    "--older-than",
    required=True,
    metavar="AGE",
    help="Days to keep, such as 90d, or the first day to keep, such as 2026-03-01 (UTC).",
)
@click.option("--port-history", is_flag=True, help="Drop the counts, too.")
@_answered
def forget(lake: str, older_than: str, port_history: bool) -> None:
    """Drop the rows of old days.

    How many backend calls began and ended in each second (dataset activity), and how many requests
    came in each minute (dataset minutes, its callers left out), is kept, so that past ports and
    growth can still be told. Exports that were landed stay known and are not read again. Disk
    space is free after vacuum.

    \b
    gateway-rca lake forget --lake lake --older-than 90d
    """
    from datetime import UTC, datetime

    from pipeline.lake import Lake
    from pipeline.upkeep import forget as forgotten
    from pipeline.window import first_day

    before = first_day(older_than, datetime.now(UTC).date(), "--older-than")
    for done in forgotten(Lake(lake).there(), before, port_history):
        click.echo(f"{done.dataset}: {done.rows:,} rows before {before.isoformat()} dropped")


@lake_.command()
@LAKE
@_answered
def recount(lake: str) -> None:
    """Count backend calls per second and requests per minute again, from the rows there are.

    Landing does so by itself; this is for when the way of counting changed. What was counted of
    days that were forgotten since stays as it is.

    \b
    gateway-rca lake recount --lake lake
    """
    from pipeline.lake import Lake
    from pipeline.roll_up import rebuild

    click.echo(f"activity, minutes: {rebuild(Lake(lake).there()):,} days counted again")


@main.command()
@click.argument("source", nargs=-1)
@click.option("--lake", help="Lake to try: a folder, or az://ACCOUNT/CONTAINER/PREFIX.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Settings of the scheduled job: try all that it needs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON on stdout.")
@_answered
def doctor(
    source: tuple[str, ...], lake: str | None, file: Path | None, as_json: bool
) -> ExitStatus:
    """Check this machine, say how to mend it.

    With SOURCE or --lake also whether they can be reached: a lake is tried by writing a small file,
    which is removed again. With --config the settings of the scheduled job, its sources, lake and
    targets, and its last run; nothing is sent to webhooks and mailboxes.

    \b
    gateway-rca doctor
    gateway-rca doctor --config gateway-rca.toml
    gateway-rca doctor az://contosologs/insights-logs-gatewaylogs --lake az://contosologs/lake
    """
    from pipeline.doctor import checks

    found = checks(source, lake, file)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    else:
        for check in found:
            cure = f"; {check.cure}" if check.cure else ""
            click.echo(f"{'ok    ' if check.sound else 'not ok'}  {check.name}: {check.says}{cure}")
    sound = all(check.sound for check in found)
    return ExitStatus.DONE if sound else ExitStatus.INCOMPLETE


@main.command()
@click.argument("what", required=False, type=click.Choice(["datasets", "findings"]))
@click.option("--json", "as_json", is_flag=True, help="Print the datasets as JSON.")
@_answered
def schema(what: str | None, as_json: bool) -> None:
    """Print the datasets, or the findings' JSON Schema.

    \b
    gateway-rca schema
    gateway-rca schema findings > findings.schema.json
    """
    import msgspec

    if what == "findings":
        from pipeline.schema import schema as findings_schema

        made = msgspec.json.encode(findings_schema(), order="deterministic")
        click.echo(msgspec.json.format(made, indent=2).decode())
        return
    from pipeline.datasets import datasets

    if as_json:
        click.echo(msgspec.json.encode(datasets()).decode())
        return
    for name, dataset in datasets().items():
        click.echo(f"{name}: {dataset.about}\n  one row: {dataset.grain}")
        for column in dataset.columns:
            unit = f" [{column.unit}]" if column.unit else ""
            click.echo(f"  {column.name:<18} {column.type:<10} {column.meaning}{unit}")
        click.echo()


def _report(
    source: list[str],
    lake: str | None,
    bounds: tuple[str | None, str | None],
    outputs: "dict[Format, Path]",
    config: Path | None,
    template: Path | None = None,
    anonymise: bool = False,
    compare_to: str | None = None,
) -> ExitStatus:
    from pipeline.config import beside, settings
    from pipeline.lake import Lake
    from pipeline.report import prepared
    from pipeline.run import incident_report
    from pipeline.stationery import Look, checked
    from pipeline.window import parsed, period, zoned

    moments = []
    for option, text in zip(("--from", "--to"), bounds, strict=True):
        moments.append(None if text is None else parsed(text, option))
        if text is not None and not zoned(text):
            _say(f"{option} {text} has no zone and is read as UTC")
    other = period(compare_to, "--compare-to") if compare_to else None
    if compare_to and not all(map(zoned, compare_to.split("/"))):
        _say(f"--compare-to {compare_to} has no zone and is read as UTC")
    found = config or beside([*source, *([lake] if lake else [])])
    known = settings(found)
    _spare_exports(source, outputs.values())
    prepared(outputs)
    look = Look(known.report, template)
    checked(look)
    _say(f"settings: {found or 'none found; defaults hold'}")
    with _progress() as on_progress:
        outcome = incident_report(
            source,
            Lake(lake) if lake else None,
            (moments[0], moments[1]),
            known,
            outputs,
            _say,
            on_progress,
            look,
            anonymise,
            other,
        )
    _name_others(outcome.unclaimed)
    for each in outcome.shortcomings:
        _say(f"incomplete: {each}")
    click.echo("written: " + " ".join(str(path) for path in outcome.written))
    return ExitStatus.INCOMPLETE if outcome.shortcomings else ExitStatus.DONE


def _review(
    source: list[str],
    lake: str | None,
    weeks: int,
    as_of: str | None,
    output: Path,
    formats: tuple[str, ...],
    config: Path | None,
) -> ExitStatus:
    from pipeline.capacity import write_review
    from pipeline.config import beside, settings
    from pipeline.lake import Lake
    from pipeline.report import prepared
    from pipeline.run import lake_of, land_into
    from pipeline.window import last_moment, zoned

    moment = None if as_of is None else last_moment(as_of, "--as-of")
    if as_of is not None and not zoned(as_of):
        _say(f"--as-of {as_of} is read as {moment} UTC")
    found = config or beside([*source, *([lake] if lake else [])])
    known = settings(found)
    outputs = _outputs(output, formats)
    _spare_exports(source, outputs.values())
    prepared(outputs)
    _say(f"settings: {found or 'none found; defaults hold'}")
    with _progress() as on_progress, lake_of(source, Lake(lake) if lake else None) as home:
        shortcomings = land_into(source, home, _say, on_progress) if source else []
        written = write_review(home, known, output, formats, moment, weeks, _say)
    for each in shortcomings:
        _say(f"incomplete: {each}")
    click.echo("written: " + " ".join(str(path) for path in written))
    whole = not shortcomings and len(written) == len(outputs)
    return ExitStatus.DONE if whole else ExitStatus.INCOMPLETE


def _spare_exports(source: list[str], outputs: Iterable[Path]) -> None:
    """Refuses to write over what is to be read."""
    from pipeline.location import is_remote
    from pipeline.storage import blobs

    read = {blob.name for each in source if not is_remote(each) for blob in blobs(each)}
    for path in outputs:
        if str(path.resolve()) in read:
            raise PipelineError(f"{path} is among the exports to read; name another --output")


def _outputs(output: Path, formats: tuple[str, ...]) -> "dict[Format, Path]":
    from pipeline.report import outputs

    return outputs(output, formats)


def _name_others(unclaimed: dict[str, str]) -> None:
    """Names the files that are no exports, a few of them if they are many."""
    for blob, why in list(unclaimed.items())[:5]:
        _say(f"left out: {blob}: {why}")
    if len(unclaimed) > 5:
        _say(f"left out: {len(unclaimed) - 5:,} more files of no known format")
    if unclaimed:
        from pipeline.claim import known_formats

        _say(f"looked for: {known_formats()}")


class _progress:  # noqa: N801
    """A bar with bytes and rows on a terminal; elsewhere the steps' own lines say enough."""

    def __enter__(self) -> "Callable[[Progress], None]":
        self._bar: Any = None
        return self._moved if sys.stderr.isatty() else lambda _: None

    def _moved(self, progress: "Progress") -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("landing"),
                BarColumn(),
                DownloadColumn(),
                TextColumn("{task.fields[rows]:,} rows"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("landing", total=progress.bytes_all, rows=0)
            self._bar.start()
        self._bar.update(self._task, completed=progress.bytes_done, rows=progress.rows)
        if progress.bytes_done >= progress.bytes_all:
            self._bar.stop()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
