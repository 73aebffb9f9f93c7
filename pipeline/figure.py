"""What a figure is: a drawing in the house style, as SVG whose text stays text."""

import inspect
import io
import os
import re
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import msgspec
import polars as pl

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
ID = re.compile(r' id="([^"]*)"')
REFERENCE = re.compile(r'(?:"#|url\(#)([^")]*)[")]')
COMMENT = re.compile(r"<!--.*?-->\s*", re.DOTALL)

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


# Beyond so many places a reader of the page gets no values, only the drawing.
MOST_READINGS = 2000
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Drawing:
    """An SVG element, in words what it shows, and the numbers that it draws.

    ``rows`` hold one row a place on the horizontal axis: first that place, then a column for each
    thing drawn. ``readings`` say the same as JSON, with where on the drawing each place is.
    """

    svg: str
    alt: str
    rows: pl.DataFrame | None = None
    readings: str | None = None


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


def svg(drawn: Any, alt: str, rows: pl.DataFrame | None = None) -> Drawing:
    """The figure as an SVG element without prolog, titled for readers who cannot see it.

    ``rows`` are the numbers that it draws, over the axis that its panels share.
    """
    from html import escape

    buffer = io.StringIO()
    drawn.savefig(
        buffer,
        format="svg",
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    text = _spare(buffer.getvalue())
    start = text.index("<svg")
    opening_end = text.index(">", start) + 1
    return Drawing(
        text[start:opening_end] + f"<title>{escape(alt)}</title>" + text[opening_end:].rstrip(),
        alt,
        rows,
        None if rows is None else _readings(drawn.axes[0], rows),
    )


def _spare(text: str) -> str:
    """The drawing without comments, which say its texts once more, and ids that nothing names.

    Figures share a page, on which an id stands once.
    """
    named = set(REFERENCE.findall(text))
    return ID.sub(lambda id_: id_[0] if id_[1] in named else "", COMMENT.sub("", text))


def _readings(axes: Axes, rows: pl.DataFrame) -> str | None:
    """The numbers drawn and where they stand, from 0 at the drawing's left edge to 1."""
    from matplotlib import dates

    if not 0 < rows.height <= MOST_READINGS:
        return None
    places = rows.to_series(0)
    timed = places.dtype.is_temporal()
    # A minute is drawn from its start to its end: its middle stands for it.
    middle = [
        float(dates.date2num(place + timedelta(seconds=30))) if timed else place + 0.5
        for place in places
    ]
    low, high = (float(each) for each in axes.get_xlim())
    frame = axes.get_position()
    told = {
        "x": [
            round(float(frame.x0) + float(frame.width) * (x - low) / (high - low), 4)
            for x in middle
        ],
        "at": [f"{place:%H:%M} UTC" if timed else f"{place} s" for place in places],
        "series": {
            column.name: column.cast(pl.Float64).round_sig_figs(DIGITS).to_list()
            for column in rows.iter_columns()
            if column.name != places.name
        },
    }
    return msgspec.json.encode(told).decode()


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
