"""What a figure is: a drawing in the house style, as SVG whose text stays text."""

import inspect
import io
import os
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from pipeline.transforms.incidents import Run
from pipeline.window import Window, floor

INK = "#1b1f24"
MUTED = "#6b7480"
FAINT = "#d5dae0"
SHADE = "#f6e9e4"
ACCENT = "#b3361b"
BLUE = "#3f6c9b"
PALE = "#dbe4ec"
# matplotlib's own types leave most calls untyped.
Axes = Any

# Dark to light, so that they stay apart in grey.
CAUSES = (ACCENT, BLUE, "#8aa9c4", "#c9a66b")
WIDTH_IN = 7.0
LONGEST_SHOWN = timedelta(hours=6)
MARGIN = timedelta(hours=1)

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "IBM Plex Sans",
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "semibold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#eceff2",
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "lines.linewidth": 1.2,
    "timezone": "UTC",
    # A name with two dollar signs is no formula.
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG element, and in words what it shows."""

    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class FigureKind:
    """A figure of the report: its exhibit id, and the facts that it draws."""

    id: str
    draw: Callable[..., Drawing | None]
    needs: tuple[str, ...]

    def drawn(self, facts: Mapping[str, Any]) -> Drawing | None:
        """The drawing, or null where there is nothing to draw."""
        return self.draw(**{name: facts[name] for name in self.needs})


def figure(id_: str) -> Callable[[Callable[..., Drawing | None]], FigureKind]:
    """Makes a function a figure: its parameters are the facts that it needs."""

    def made(draw: Callable[..., Drawing | None]) -> FigureKind:
        return FigureKind(id_, draw, tuple(inspect.signature(draw).parameters))

    return made


@contextmanager
def style(salt: str) -> Any:
    """The house style; ``salt`` keeps ids apart where several figures share a page."""
    import matplotlib as mpl

    _fonts()
    with mpl.rc_context({**STYLE, "svg.hashsalt": salt}):
        yield


@cache
def _fonts() -> None:
    """Makes the bundled fonts known, and no other needed."""
    import matplotlib as mpl
    from matplotlib import font_manager

    mpl.use("svg")
    for name in ("IBMPlexSans-Regular.ttf", "IBMPlexSans-SemiBold.ttf"):
        with as_file(files("reports") / "fonts" / name) as path:
            font_manager.fontManager.addfont(os.fspath(path))


def canvas(height_in: float, rows: int = 1, ratios: list[float] | None = None) -> Any:
    """A figure of the report's width with rows of axes that share their time axis."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    axes = drawn.subplots(
        rows, 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios or [1] * rows}
    )
    return drawn, list(axes[:, 0])


def svg(drawn: Any, alt: str) -> Drawing:
    """The figure as an SVG element without prolog, titled for readers who cannot see it."""
    from html import escape

    buffer = io.StringIO()
    drawn.savefig(
        buffer,
        format="svg",
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    text = buffer.getvalue()
    start = text.index("<svg")
    opening_end = text.index(">", start) + 1
    return Drawing(
        text[start:opening_end] + f"<title>{escape(alt)}</title>" + text[opening_end:].rstrip(), alt
    )


def shown(window: Window, run: Run) -> Window:
    """What of a window a figure shows: all of a short one, of a long one what is near the run."""
    if window.stop - window.start <= LONGEST_SHOWN:
        return window
    return Window(max(window.start, run.start - MARGIN), min(window.stop, run.last + MARGIN))


def time_axis(axes: Axes, window: Window) -> None:
    """A time axis in UTC, with ticks at round times."""
    from matplotlib import dates

    axes.set_xlim(floor(window.start), window.stop)
    locator = dates.AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    formatter = dates.ConciseDateFormatter(locator, show_offset=False)
    formatter.formats = ["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%H:%M:%S"]
    formatter.zero_formats = ["", "%Y", "%b", "%d %b", "%H:%M", "%H:%M"]
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlabel(f"Time on {window.start:%d %B %Y}, UTC")


def shade(axes: Axes, run: Run, label: bool = False) -> None:
    """The incident, shaded."""
    axes.axvspan(run.start, run.last, color=SHADE, lw=0, zorder=0)
    if label:
        axes.annotate(
            "incident",
            (_middle(run), 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=ACCENT,
            fontsize=7.5,
        )


def _middle(run: Run) -> datetime:
    return run.start + (run.last - run.start) / 2
