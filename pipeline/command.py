"""What a command is: words in, at worst one line of error, and the exit status promised."""

import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import click

from pipeline.errors import ExitStatus, PipelineError


def answered(command: Callable[..., ExitStatus | None]) -> Callable[..., None]:
    """Turns a user's problem into one line on stderr, and results into an exit status."""

    @wraps(command)
    def answered(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs) or ExitStatus.DONE
        except PipelineError as error:
            say(f"gateway-rca: {error}")
            status = error.status
        sys.exit(int(status))

    return answered


def say(text: str) -> None:
    """Tells a person something; stdout is for results."""
    click.echo(text, err=True)


def incomplete(shortcomings: Iterable[str]) -> ExitStatus:
    """Says what a result lacks, and gives the status that tells whether it lacks anything."""
    status = ExitStatus.DONE
    for each in shortcomings:
        say(f"incomplete: {each}")
        status = ExitStatus.INCOMPLETE
    return status


def print_json(result: Any) -> None:
    """A result on stdout, for a machine to read."""
    import msgspec

    click.echo(msgspec.json.encode(result).decode())
