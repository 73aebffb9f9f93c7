"""``capacity``: how full gateways and destinations are."""

from pathlib import Path

import click

from pipeline.command import answered, incomplete, say
from pipeline.errors import ExitStatus, PipelineError
from pipeline.options import config_option, formats_option, own_lake_option
from pipeline.progress_bar import ProgressBar


@click.command()
@click.argument("source", nargs=-1)
@own_lake_option
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
@answered
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
    from pipeline.capacity import write_review
    from pipeline.config import beside, settings
    from pipeline.lake import Lake
    from pipeline.outputs import writable
    from pipeline.run import lake_of, land_into
    from pipeline.window import last_moment, zoned

    if not source and lake is None:
        raise PipelineError("name exports to read, or a lake with --lake; see --help")
    moment = None if as_of is None else last_moment(as_of, "--as-of")
    if as_of is not None and not zoned(as_of):
        say(f"--as-of {as_of} is read as {moment} UTC")
    found = config or beside([*source, *([lake] if lake else [])])
    known = settings(found)
    outputs = writable(source, output, formats)
    if not source and lake is not None:
        Lake(lake).there()
    say(f"settings: {found or 'none found; defaults hold'}")
    with ProgressBar() as on_progress, lake_of(list(source), Lake(lake) if lake else None) as home:
        shortcomings = land_into(list(source), home, say, on_progress) if source else []
        written = write_review(home, known, output, formats, moment, weeks, say)
    status = incomplete(shortcomings)
    click.echo("written: " + " ".join(str(path) for path in written))
    return status if len(written) == len(outputs) else ExitStatus.INCOMPLETE
