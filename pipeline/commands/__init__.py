"""The commands, one file each; heavy libraries are imported by the one that needs them."""

import click

from pipeline.shelf import things


def commands() -> dict[str, click.Command]:
    """Every command by the name of its file; its own has dashes for underscores."""
    import pipeline.commands

    return things(pipeline.commands, click.Command)
