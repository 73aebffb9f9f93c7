"""Which destinations failed when: one row a destination, one cell a minute."""

from datetime import datetime, timedelta

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.transforms.incidents import Run
from pipeline.window import MINUTE, Window
from pipeline.wording import short

MOST_ROWS = 14
# Shares at which the shade steps up: none has to be told from its neighbour by hue.
STEPS = (
    (0.0, "#e9edf1", "0 %"),
    (0.001, "#f3c9b8", "up to 5 %"),
    (0.05, "#e08a66", "5 to 25 %"),
    (0.25, "#b3361b", "25 to 75 %"),
    (0.75, "#5c1407", "over 75 %"),
)


@figure("F2")
def destination_heat_map(calls_by_minute: pl.DataFrame, run: Run, window: Window) -> Drawing | None:
    """Rows: destinations, those with most failures on top. Cells: share of calls that failed."""
    view = house.shown(window, run)
    counted = [name for name in ("failed", "rejected") if name in run.counted] or ["failed"]
    within = calls_by_minute.filter(
        pl.col("minute").is_between(view.start - MINUTE, view.stop)
    ).with_columns(bad=pl.sum_horizontal(counted))
    totals = within.group_by("destination").agg(pl.col("bad").sum(), pl.col("calls").sum())
    ordered = totals.sort("bad", "calls", "destination", descending=[True, True, False])
    if ordered.is_empty():
        return None
    names = ordered["destination"].to_list()[:MOST_ROWS]
    with house.style("F2"):
        drawn, (axes,) = house.canvas(0.95 + 0.22 * len(names))
        for row, name in enumerate(reversed(names)):
            _row(axes, row, within.filter(pl.col("destination") == name))
        axes.set_yticks(range(len(names)), [short(name, 44) for name in reversed(names)])
        axes.tick_params(axis="y", labelcolor=house.INK)
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        for edge in (run.start, run.last):
            axes.axvline(edge, color=house.INK, lw=0.7, ls=(0, (3, 2)))
        _key(axes)
        house.time_axis(axes, view)
        worst = ordered.row(0, named=True)
        return house.svg(
            drawn,
            f"Share of calls that failed, by destination and minute, at {len(names)} of them. "
            f"Dashed lines mark the incident from {run.start:%H:%M} to {run.last:%H:%M} UTC. "
            f"{short(worst['destination'])} failed most, {worst['bad']:,.0f} of "
            f"{worst['calls']:,.0f} calls.",
            _shares(within.filter(pl.col("destination").is_in(names)), names),
        )


def _shares(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """The share of calls that failed, a row a minute, a column a destination."""
    shares = frame.with_columns(share=pl.col("bad") / pl.col("calls"))
    table = shares.pivot("destination", index="minute", values="share", aggregate_function="max")
    return table.select(
        "minute", *(pl.col(name).alias(f"{name}, share failed") for name in names)
    ).sort("minute")


def _row(axes: house.Axes, row: int, frame: pl.DataFrame) -> None:
    """Cells of a destination; neighbours of one shade are drawn as one bar."""
    width = timedelta(minutes=1)
    bars: dict[str, list[tuple[datetime, timedelta]]] = {}
    for minute, bad, calls in frame.sort("minute").select("minute", "bad", "calls").iter_rows():
        share = bad / calls if calls else 0.0
        colour = next(colour for least, colour, _ in reversed(STEPS) if share >= least)
        cells = bars.setdefault(colour, [])
        if cells and cells[-1][0] + cells[-1][1] == minute:
            cells[-1] = (cells[-1][0], cells[-1][1] + width)
        else:
            cells.append((minute, width))
    for colour, cells in bars.items():
        axes.broken_barh(cells, (row - 0.38, 0.76), facecolors=colour, lw=0)


def _key(axes: house.Axes) -> None:
    from matplotlib.patches import Patch

    axes.legend(
        handles=[Patch(color=colour, label=label) for _, colour, label in STEPS],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=len(STEPS),
        frameon=False,
        fontsize=7,
        handlelength=1,
        handleheight=1,
        columnspacing=1.2,
        borderaxespad=0.2,
        title="calls that failed in the minute; white: no call",
        title_fontsize=7,
        alignment="right",
    )
