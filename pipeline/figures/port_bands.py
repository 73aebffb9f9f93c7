"""Ports held to the destinations that failed most, between bounds, against the limit."""

from datetime import datetime
from typing import Any

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.limits import Way
from pipeline.transforms.grid import minutes, series
from pipeline.transforms.incidents import Run
from pipeline.transforms.ports import Band, Bounds
from pipeline.transforms.ways import Ways
from pipeline.window import MINUTE, Window
from pipeline.wording import of, short, slug

MOST_ROWS = 3
# A destination with fewer failures than this share of the worst one's has no panel.
LEAST_SHARE = 0.05
# A limit further above the band than this is told in words: drawn, it would flatten the band.
FARTHEST = 20
# The strip below zero that shows failures, as a share of the height above.
STRIP = 0.16
LEVELS = {"lower": "at least", "estimate": "estimate", "upper": "at most", "wanted": "wanted"}
DASHED, DOTTED = (0, (4, 3)), (0, (1.2, 1.2))


@figure("F5")
def port_bands(
    bands: list[Band],
    ports: list[Bounds],
    measured_ports: pl.DataFrame,
    failures_by_minute: pl.DataFrame,
    ways: Ways,
    way: Way,
    run: Run,
    window: Window,
) -> Drawing | None:
    """Rows: destinations. Band: at least to at most; lines: estimate, wanted, limit, measured.

    Ticks below zero are failures. The axis ends where the band does: around the incident.
    """
    failed = {name: count for name, count in ways.by_destination() if name and count}
    least = LEAST_SHARE * max(failed.values(), default=0)
    held = sorted(
        (each for each in ports if failed.get(each.destination, -1) >= least),
        key=lambda each: (-failed[each.destination], -each.upper_peak, each.destination),
    )[:MOST_ROWS]
    if not held:
        return None
    drawn_of = {band.destination: band for band in bands}
    rows = [(each, drawn_of[each.destination]) for each in held]
    view = _view(house.shown(window, run), rows[0][1])
    measured = measured_ports.filter(
        pl.col("used").is_not_null() & pl.col("minute").is_between(view.start, view.stop)
    )
    counted = failures_by_minute.filter(pl.col("outcome").is_in(run.counted.split(",")))
    with house.style("F5"):
        drawn, panels = house.canvas(0.85 + 1.2 * len(rows), rows=len(rows))
        for axes, (bounds, band) in zip(panels, rows, strict=True):
            used = _used(measured, band)
            minutes = band.minutes.filter(pl.col("minute").is_between(view.start, view.stop))
            top = _top(minutes, used, band.limit)
            _levels(axes, minutes)
            _step(axes, used["minute"].to_list(), used["used"].to_list(), color=house.INK)
            _limit(axes, bounds, way, top)
            of_this = counted.filter(pl.col("destination") == band.destination)
            _failures(axes, of_this, view, top)
            _scale(axes, top)
            axes.set_title(
                f"{short(band.destination)}, from {slug(band.basis)}",
                pad=14 if axes is panels[0] else 6,
            )
            house.shade(axes, run, label=axes is panels[0])
        _key(drawn, measured)
        house.time_axis(panels[-1], view)
        return house.svg(
            drawn, _alt(held, failed, measured, run), _held([b for _, b in rows], view)
        )


def _held(drawn: list[Band], view: Window) -> pl.DataFrame:
    """Ports held at each minute's peak, a column a destination and level."""
    rows = minutes(view)
    for band in drawn:
        told = band.minutes.select(
            "minute",
            *(
                pl.col(level).alias(f"{band.destination}, ports {name}")
                for level, name in LEVELS.items()
            ),
        )
        rows = rows.join(told, on="minute", how="left")
    return rows.sort("minute")


def _view(shown: Window, band: Band) -> Window:
    """What of a window the band covers: beyond it ports were not looked at, and none is drawn."""
    minute = band.minutes["minute"]
    first, last = minute.min(), minute.max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise TypeError("a band has minutes")
    return Window(max(shown.start, first), min(shown.stop, last + MINUTE))


def _used(measured: pl.DataFrame, band: Band) -> pl.DataFrame:
    """Ports that were measured, to all destinations: of the band's instance if it is told, else of
    the busiest.
    """
    own = measured.filter(pl.col("instance") == pl.lit(band.instance))
    of_one = own if own.height else measured
    return of_one.group_by("minute").agg(pl.col("used").max()).sort("minute")


def _top(minutes: pl.DataFrame, used: pl.DataFrame, limit: int) -> float:
    """Where the axis ends: above all that is drawn, and above the limit where it is not too far."""
    drawn = (minutes["upper"], minutes["wanted"], used["used"])
    highest = max(1, *(_highest(each) for each in drawn))
    return 1.25 * (highest if limit > FARTHEST * highest else max(highest, limit))


def _highest(values: pl.Series) -> float:
    return float(values.max() or 0)  # type: ignore[arg-type]


def _levels(axes: house.Axes, minutes: pl.DataFrame) -> None:
    minute = minutes["minute"].to_list()
    lower, upper = (minutes[name].to_list() for name in ("lower", "upper"))
    axes.fill_between(
        [*minute, minute[-1] + MINUTE],
        [*lower, lower[-1]],
        [*upper, upper[-1]],
        step="post",
        color=house.PALE,
        lw=0,
    )
    for edge in (lower, upper):
        _step(axes, minute, edge, color=house.CAUSES[2], lw=0.6)
    # Where as much is held as is wanted, the estimate hides it.
    _step(axes, minute, minutes["wanted"].to_list(), color=house.BLUE, ls=DOTTED)
    _step(axes, minute, minutes["estimate"].to_list(), color=house.BLUE)


def _step(axes: house.Axes, minute: list[datetime], values: list[float], **line: Any) -> None:
    """A line of steps; the last minute is drawn to its end."""
    if minute:
        axes.step([*minute, minute[-1] + MINUTE], [*values, values[-1]], where="post", **line)


def _limit(axes: house.Axes, bounds: Bounds, way: Way, top: float) -> None:
    """The limit as a dashed line with its number; one beyond the axis in words."""
    told = f"limit {bounds.limit:,}"
    if way.guaranteed:
        told = f"guaranteed {bounds.limit:,}, more may be given"
    elif not way.documented:
        told += " (assumed)"
    far = bounds.limit > top
    if far:
        told += f": {bounds.limit / bounds.upper_peak:,.0f} times the peak, far above this axis"
    else:
        axes.axhline(bounds.limit, color=house.INK, lw=0.9, ls=DASHED)
    axes.annotate(
        told,
        (0, 1 if far else bounds.limit),
        xycoords=("axes fraction", "axes fraction" if far else "data"),
        xytext=(4, -3 if far else 2.5),
        textcoords="offset points",
        va="top" if far else "bottom",
        color=house.INK,
        fontsize=7.5,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
    )


def _failures(axes: house.Axes, frame: pl.DataFrame, view: Window, top: float) -> None:
    """A tick below zero for each minute with failures, the longer the more."""
    counts = series(frame, view, "requests", 0)
    most = float(counts.max(initial=0))
    if not most:
        return
    middle = [view.start.replace(second=30) + place * MINUTE for place in range(len(counts))]
    ticks = [(x, count) for x, count in zip(middle, counts, strict=True) if count]
    axes.vlines(
        [x for x, _ in ticks],
        [-0.02 * top - 0.12 * top * count / most for _, count in ticks],
        -0.02 * top,
        color=house.ACCENT,
        lw=1.1,
    )


def _scale(axes: house.Axes, top: float) -> None:
    """Ports from zero up; what is below zero are no ports."""
    from matplotlib.ticker import MaxNLocator

    places = MaxNLocator(nbins=4, integer=True).tick_values(0, top)
    axes.set_yticks([place for place in places if 0 <= place <= top])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_ylim(-STRIP * top, top)
    axes.axhline(0, color=house.FAINT, lw=0.8)


def _key(drawn: house.Axes, measured: pl.DataFrame) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    lines = {
        "estimate": (house.BLUE, "-"),
        "wanted": (house.BLUE, DOTTED),
        "limit": (house.INK, DASHED),
        **({"measured: used ports, all destinations": (house.INK, "-")} if measured.height else {}),
    }
    drawn.legend(
        handles=[
            Patch(facecolor=house.PALE, edgecolor=house.CAUSES[2], label="at least to at most"),
            *(
                Line2D([], [], color=colour, ls=style, lw=1.1, label=label)
                for label, (colour, style) in lines.items()
            ),
            Line2D([], [], color=house.ACCENT, ls="", marker="|", label="failures, below 0"),
        ],
        loc="outside upper left",
        ncols=6,
        frameon=False,
        fontsize=7.5,
        handlelength=1.6,
        handleheight=0.8,
        columnspacing=1.0,
        borderaxespad=0.2,
    )


def _alt(held: list[Bounds], failed: dict[str, float], measured: pl.DataFrame, run: Run) -> str:
    told = "; ".join(
        f"{short(each.destination)} (from {slug(each.basis)}): at least {each.lower_peak:,}, "
        f"probably about {each.estimate_peak:,}, at most {each.upper_peak:,} ports at the peak, "
        f"about {each.demand_peak:,} were wanted, the limit is {each.limit:,}, "
        f"{failed[each.destination]:,.0f} calls failed"
        for each in held
    )
    used = f"Measured were up to {_highest(measured['used']):,.0f} used ports, to all destinations."
    return (
        f"Ports held to {of(len(held), 'destination')} by minute, between bounds, the incident "
        f"from {run.start:%H:%M} to {run.last:%H:%M} UTC shaded. {told}."
        + (f" {used}" if measured.height else "")
    )
