"""Failures by cause, and new calls to the worst destination, on one time axis."""

import numpy as np
import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.transforms.grid import Series, minutes, series
from pipeline.transforms.incidents import Run
from pipeline.transforms.ways import Ways
from pipeline.window import MINUTE, Window
from pipeline.wording import rate, short

MOST_CAUSES = 4
NAMES = {
    "connect_timeout": "connect timed out",
    "connect_failed": "connect failed",
    "refused": "refused",
    "response_timeout": "no answer in time",
    "idle_closed": "connection was closed",
    "reset": "connection was reset",
    "dns": "name not resolved",
    "tls": "TLS failed",
    "other": "another error",
}


@figure("F1")
def failures_and_bursts(
    failures_by_minute: pl.DataFrame,
    calls_by_minute: pl.DataFrame,
    ways: Ways,
    run: Run,
    window: Window,
) -> Drawing | None:
    """Bars: failures a minute, stacked by cause. Lines: new calls a second to where most went."""
    view = house.shown(window, run)
    grid = minutes(view)["minute"].to_list()
    causes = _by_cause(failures_by_minute.filter(pl.col("outcome").is_in(run.counted.split(","))))
    with house.style("F1"):
        drawn, (top, bottom) = house.canvas(2.25, rows=2, ratios=[1.15, 1])
        base: Series = np.zeros(len(grid))
        rows = minutes(view)
        for (cause, frame), colour in zip(causes, house.CAUSES, strict=False):
            height = series(frame, view, "requests", 0)
            rows = rows.with_columns(pl.Series(f"failed: {cause}", height))
            top.bar(grid, height, MINUTE, bottom=base, align="edge", color=colour, lw=0)
            base = base + height
        _label_causes(top, [cause for cause, _ in causes], base)
        top.set_title("Requests that ended badly, a minute", pad=14)
        top.set_ylim(0, max(float(np.max(base)) * 1.08, 1))
        top.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        house.shade(top, run, label=True)

        worst = next((name for name, _ in ways.by_destination() if name), None)
        frame = calls_by_minute.filter(pl.col("destination").eq_missing(pl.lit(worst)))
        peak = series(frame, view, "peak_per_s", 0)
        mean = series(frame, view, "mean_per_s", 0)
        bottom.step(grid, peak, where="post", color=house.ACCENT, lw=1)
        bottom.fill_between(grid, mean, step="post", color=house.PALE, lw=0)
        bottom.step(grid, mean, where="post", color=house.BLUE, lw=1)
        within = [run.start - MINUTE < minute <= run.last for minute in grid]
        highest = int(np.argmax(np.where(within, peak, 0)))
        # Above the lines, beside the title: within, there is no place that is always free.
        for from_edge, colour, told in (
            (-104, house.ACCENT, f"peak second: {peak[highest]:,.0f}"),
            (0, house.BLUE, f"mean of its minute: {rate(mean[highest])}"),
        ):
            bottom.annotate(
                told,
                (1, 1),
                xycoords="axes fraction",
                xytext=(from_edge, 4),
                textcoords="offset points",
                ha="right",
                va="bottom",
                color=colour,
                fontsize=7.5,
            )
        bottom.set_title(f"New calls to {short(worst or 'no destination', 36)}, a second")
        bottom.set_ylim(0, max(float(np.max(peak)) * 1.18, 1))
        house.shade(bottom, run)
        house.time_axis(bottom, view)
        return house.svg(
            drawn,
            f"Two charts over the same minutes, the incident shaded from {run.start:%H:%M} to "
            f"{run.last:%H:%M} UTC. Above, failures a minute, at most {float(np.max(base)):,.0f}, "
            f"most of them: {short(causes[0][0], 40) if causes else 'none'}. Below, new calls a "
            f"second to {short(worst or 'no destination')}: at most {peak[highest]:,.0f} in a "
            "second, when "
            f"the minute's mean was {rate(mean[highest])}.",
            rows.with_columns(
                pl.Series("new calls, peak second", peak),
                pl.Series("new calls a second, mean", mean),
            ),
        )


def _by_cause(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Failures by cause, the most frequent first, the rest as one."""
    named = frame.with_columns(
        cause=pl.when(pl.col("backend_status") >= 400)
        .then(pl.format("backend answered {}", "backend_status"))
        .otherwise(
            pl.coalesce(pl.col("fault").replace(NAMES), "reason", pl.lit("no reason recorded"))
        )
    )
    ranked = named.group_by("cause").agg(pl.col("requests").sum())
    order = ranked.sort("requests", "cause", descending=[True, False])["cause"].to_list()
    parts = [(cause, named.filter(pl.col("cause") == cause)) for cause in order[: MOST_CAUSES - 1]]
    rest = named.filter(pl.col("cause").is_in(order[MOST_CAUSES - 1 :]))
    return [*parts, ("all others", rest)] if rest.height else parts


def _label_causes(axes: house.Axes, causes: list[str], bars: Series) -> None:
    """The causes in their colours, on the side on which the bars are lower."""
    side = max(1, len(bars) // 4)
    right = float(np.max(bars[:side])) > float(np.max(bars[-side:]))
    for place, (cause, colour) in enumerate(zip(causes, house.CAUSES, strict=False)):
        axes.annotate(
            short(cause, 40),
            (1 if right else 0, 1),
            xycoords="axes fraction",
            xytext=(-4 if right else 4, -6 - 11 * place),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            color=colour,
            fontsize=7.5,
            fontweight="semibold",
        )
