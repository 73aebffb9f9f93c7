"""``config``: the settings, looked at."""

from pathlib import Path

import click

from pipeline.command import answered


@click.group()
def config() -> None:
    """Look at the settings.

    \b
    gateway-rca config example > gateway-rca.toml
    gateway-rca config check gateway-rca.toml
    """


@config.command()
@answered
def example() -> None:
    """Print settings of the scheduled job, each with its meaning.

    \b
    gateway-rca config example > gateway-rca.toml
    """
    from importlib.resources import files

    # In the package, or in a checkout beside it.
    package = Path(str(files("pipeline")))
    inside = package / "samples" / "gateway-rca.toml"
    beside = package.parent / "deploy" / "gateway-rca.toml"
    text = (inside if inside.is_file() else beside).read_text(encoding="utf-8")
    click.echo(text, nl=False)


@config.command()
@click.argument("file", default=Path("gateway-rca.toml"), type=click.Path(path_type=Path))
@answered
def check(file: Path) -> None:
    """Check the settings of the scheduled job, and name all that is wrong.

    \b
    gateway-rca config check gateway-rca.toml
    """
    from pipeline.checked import checked, targets

    settings = checked(file)
    to = ", ".join(each.name for each in targets(settings)) or "the lake alone"
    click.echo(f"{file}: sound; reports go to {to}")
