"""``land``: exports into a lake."""

import click

from pipeline.command import answered, incomplete, print_json, say
from pipeline.errors import ExitStatus, PipelineError
from pipeline.options import lake_option
from pipeline.progress_bar import ProgressBar


@click.command()
@click.argument("source", nargs=-1, required=True)
@lake_option
@click.option("--strict", is_flag=True, help="Fail (exit 1) if any record is quarantined.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON on stdout.")
@answered
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
    from pipeline.landing import left_out, problems, told, told_by_dataset
    from pipeline.wording import of

    with ProgressBar() as on_progress:
        landing = landed(source, Lake(lake), on_progress)
    if as_json:
        print_json(landing)
    else:
        for line in told_by_dataset(landing):
            click.echo(line)
        click.echo(told(landing))
    for line in left_out(landing.unclaimed):
        say(line)
    shortcomings = problems(landing)
    if strict and (refused := landing.quarantined.total()):
        shortcomings.append(
            f"{of(refused, 'record')} quarantined, which --strict does not allow; the table "
            f"'quarantine' in {lake} tells each with its reason"
        )
    status = incomplete(shortcomings)
    if not landing.seen:
        raise PipelineError(f"{', '.join(source)}: holds no files; name the folder of an export")
    if len(landing.unclaimed) == landing.seen:
        raise PipelineError(f"{', '.join(source)}: no file here is of a format that lands")
    return status
