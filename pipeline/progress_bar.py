"""How far a landing is: a bar on a terminal; elsewhere the steps' own lines say enough."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.land import Progress


class ProgressBar:
    """A bar with bytes and rows, shown once there is something to tell, gone at the end."""

    def __enter__(self) -> "Callable[[Progress], None]":
        self._bar: Any = None
        return self._moved if sys.stderr.isatty() else lambda _: None

    def _moved(self, progress: "Progress") -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("landing"),
                BarColumn(),
                DownloadColumn(),
                TextColumn("{task.fields[rows]:,} rows"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("landing", total=progress.bytes_all, rows=0)
            self._bar.start()
        self._bar.update(self._task, completed=progress.bytes_done, rows=progress.rows)
        if progress.bytes_done >= progress.bytes_all:
            self._bar.stop()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
