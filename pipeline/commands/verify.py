"""``verify``: a report's figures, recomputed."""

from pathlib import Path

import click

from pipeline.command import answered, print_json, say
from pipeline.errors import ExitStatus
from pipeline.options import json_option
from pipeline.progress_bar import ProgressBar


@click.command()
@click.argument("report", type=click.Path(path_type=Path))
@click.argument("source", nargs=-1)
@click.option("--lake", help="Lake to read; else the one that the report names.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings, for a report that does not hold its own.",
)
@json_option
@answered
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

    with ProgressBar() as on_progress:
        found = verified(report, list(source), lake, config, say, on_progress)
    if as_json:
        print_json(found)
    else:
        for line in told(found):
            click.echo(line)
    return ExitStatus.DONE if found.holds else ExitStatus.INCOMPLETE
