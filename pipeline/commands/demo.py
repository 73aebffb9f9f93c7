"""``demo``: the report on the bundled sample."""

from pathlib import Path

import click

from pipeline.command import answered, say
from pipeline.commands.incident import incident


@click.command()
@click.option(
    "--output",
    default=Path("out/demo/rca.pdf"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Report to write; HTML and JSON come to stand beside it.",
)
@click.pass_context
@answered
def demo(context: click.Context, output: Path) -> None:
    """Make a real report from the bundled sample.

    The sample is synthetic: a simulated gateway that ran out of SNAT ports towards one ip:port.

    \b
    gateway-rca demo --output out/demo/rca.pdf
    """
    from pipeline.run import samples

    say("The bundled sample is synthetic: a simulated gateway, no real system.")
    context.invoke(incident, source=(str(samples()),), output=output)
