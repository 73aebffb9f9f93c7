"""What a publisher is: something that hands reports and notices on, by settings of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec


class PublishError(Exception):
    """What was not handed on, and why; the text holds no secret. The next run tries again."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A report, or a notice, that is to be handed on.

    ``title`` is one line, ``says`` are a few more; ``newest`` says that nothing of its kind was
    issued after it. ``at`` is when it was issued, UTC.
    """

    kind: str
    id: str
    revision: int
    title: str
    says: tuple[str, ...]
    files: tuple[Path, ...]
    newest: bool
    at: datetime

    @property
    def folder(self) -> str:
        """Where its files stand below a target: the same each time."""
        return f"{self.kind}/{self.id}/r{self.revision}"


@dataclass(frozen=True, slots=True)
class Publisher:
    """A kind of target: the shape of its settings, how it is named, and how it hands on.

    The name is the same over runs and holds no secret; what it was given is remembered by it.
    ``lacks`` says what of the environment it needs and does not find, null if nothing.
    """

    about: str
    settings: type[msgspec.Struct]
    name: Callable[[Any], str]
    lacks: Callable[[Any], str | None]
    publish: Callable[[Any, Issued], None]
