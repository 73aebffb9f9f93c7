"""``incident``: what went wrong, and the report on it."""

from pathlib import Path

import click

from pipeline.command import answered, incomplete, say
from pipeline.errors import ExitStatus, PipelineError
from pipeline.options import config_option, formats_option, own_lake_option
from pipeline.progress_bar import ProgressBar


@click.command()
@click.argument("source", nargs=-1)
@own_lake_option
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
@answered
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
    from pipeline.config import beside, settings
    from pipeline.lake import Lake
    from pipeline.landing import left_out
    from pipeline.outputs import writable
    from pipeline.run import incident_report
    from pipeline.stationery import Look, checked
    from pipeline.window import parsed, period, zoned

    if not source and lake is None:
        raise PipelineError("name exports to read, or a lake with --lake; see --help")
    moments = []
    for option, text in (("--from", start), ("--to", stop)):
        moments.append(None if text is None else parsed(text, option))
        if text is not None and not zoned(text):
            say(f"{option} {text} has no zone and is read as UTC")
    other = period(compare_to, "--compare-to") if compare_to else None
    if compare_to and not all(map(zoned, compare_to.split("/"))):
        say(f"--compare-to {compare_to} has no zone and is read as UTC")
    found = config or beside([*source, *([lake] if lake else [])])
    known = settings(found)
    outputs = writable(source, output, formats)
    look = Look(known.report, template)
    checked(look)
    say(f"settings: {found or 'none found; defaults hold'}")
    with ProgressBar() as on_progress:
        outcome = incident_report(
            list(source),
            Lake(lake) if lake else None,
            (moments[0], moments[1]),
            known,
            outputs,
            say,
            on_progress,
            look,
            anonymise,
            other,
        )
    for line in left_out(outcome.unclaimed):
        say(line)
    status = incomplete(outcome.shortcomings)
    click.echo("written: " + " ".join(str(path) for path in outcome.written))
    return status
