"""``doctor``: this machine, and what the settings name, looked over."""

from pathlib import Path

import click

from pipeline.command import answered, print_json
from pipeline.errors import ExitStatus
from pipeline.options import json_option


@click.command()
@click.argument("source", nargs=-1)
@click.option("--lake", help="Lake to try: a folder, or az://ACCOUNT/CONTAINER/PREFIX.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    help="Settings of the scheduled job: try all that it needs.",
)
@json_option
@answered
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
        print_json(found)
    else:
        for check in found:
            cure = f"; {check.cure}" if check.cure else ""
            click.echo(f"{'ok    ' if check.sound else 'not ok'}  {check.name}: {check.says}{cure}")
    sound = all(check.sound for check in found)
    return ExitStatus.DONE if sound else ExitStatus.INCOMPLETE
