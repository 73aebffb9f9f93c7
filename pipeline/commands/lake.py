"""``lake``: what it covers, and how it is kept small."""

import click

from pipeline.command import answered, print_json
from pipeline.options import json_option, lake_option


@click.group()
def lake() -> None:
    """See what a lake covers, and keep it small.

    \b
    gateway-rca lake status --lake lake
    """


@lake.command()
@lake_option
@json_option
@answered
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
        print_json(states)
        return
    for line in told(states):
        click.echo(line)


@lake.command()
@lake_option
@json_option
@answered
def quarantine(lake: str, as_json: bool) -> None:
    """Print which records could not be read, where they stand, and why.

    For each blob and kind of reason: the line or record of the first, from 1, and how many follow.
    The records themselves, secrets removed, are in the dataset quarantine.

    \b
    gateway-rca lake quarantine --lake lake
    """
    from pipeline.engines.duckdb import DuckDB
    from pipeline.lake import Lake
    from pipeline.quarantined import quarantined, told

    refused = quarantined(Lake(lake).there(), DuckDB())
    if as_json:
        print_json(refused)
        return
    for line in told(refused):
        click.echo(line)
    if not refused:
        click.echo("nothing was refused")


@lake.command()
@lake_option
@answered
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


@lake.command()
@lake_option
@click.option(
    "--keep-days",
    default=7,
    show_default=True,
    type=click.IntRange(min=1),
    help="Keep what versions of the last days need: reports may be reading them.",
)
@answered
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


@lake.command()
@lake_option
@click.option(
    "--older-than",
    required=True,
    metavar="AGE",
    help="Days to keep, such as 90d, or the first day to keep, such as 2026-03-01 (UTC).",
)
@click.option("--port-history", is_flag=True, help="Drop the counts, too.")
@answered
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


@lake.command()
@lake_option
@answered
def recount(lake: str) -> None:
    """Count backend calls per second and requests per minute again, from the rows there are.

    Landing does so by itself; this is for when the way of counting changed. What was counted of
    days that were forgotten since stays as it is.

    \b
    gateway-rca lake recount --lake lake
    """
    from pipeline.lake import Lake
    from pipeline.roll_up import rebuild
    from pipeline.wording import of

    click.echo(f"activity, minutes: {of(rebuild(Lake(lake).there()), 'day')} counted again")
