"""Errors meant for people: what went wrong, where, and the cure."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the commands promise to schedulers."""

    DONE = 0
    INCOMPLETE = 1
    BAD_INPUT = 2
    NOTHING = 3


class PipelineError(Exception):
    """A user's problem, told in one line; anything else is a bug and keeps its traceback."""

    status = ExitStatus.BAD_INPUT


class NothingToReportError(PipelineError):
    """The input is fine, but holds nothing that the command could speak of."""

    status = ExitStatus.NOTHING
