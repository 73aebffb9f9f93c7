"""``fetch-metrics``: what no diagnostic setting exports, from Azure Monitor into a lake."""

from pathlib import Path

import click

from pipeline.command import answered, incomplete
from pipeline.errors import ExitStatus, PipelineError


@click.command()
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
@answered
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
    from pipeline.landing import problems, told
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
    return incomplete(problems(landing))
