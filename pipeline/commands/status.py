"""``status``: whether the scheduled job works."""

from pathlib import Path

import click

from pipeline.command import answered, print_json
from pipeline.errors import ExitStatus
from pipeline.options import json_option


@click.command()
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
@json_option
@answered
def status(lake: str | None, file: Path, max_age: str, max_gap: str, as_json: bool) -> ExitStatus:
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
        print_json(found)
    else:
        for each in found:
            cure = f"; {each.cure}" if each.cure else ""
            click.echo(
                f"{'well    ' if each.well else 'not well'}  {each.about}: {each.says}{cure}"
            )
    return ExitStatus.DONE if all(each.well for each in found) else ExitStatus.INCOMPLETE
