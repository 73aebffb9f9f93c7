"""``run``: the scheduled job, once."""

from pathlib import Path

import click

from pipeline.command import answered, incomplete, print_json
from pipeline.errors import ExitStatus


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the run's manifest on stdout.")
@answered
def run(config: Path, as_json: bool) -> ExitStatus:
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
    from pipeline.job import run as ran

    manifest = ran(settings, lambda: datetime.now(UTC), stopping)
    if as_json:
        print_json(manifest)
    else:
        for line in (*manifest.reports, *(f"published: {each}" for each in manifest.delivered)):
            click.echo(line)
    incomplete(manifest.errors)
    return manifest.status
