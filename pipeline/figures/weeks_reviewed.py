"""The weeks reviewed: how full the fullest resources were, quarter hour by quarter hour."""

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.reviewed import Told
from pipeline.window import Window
from pipeline.wording import of, share, short, slug

MOST_ROWS = 3
EVERY = "15m"


@figure("C2")
def weeks_reviewed(resources: list[Told], review: Window, at: tuple[float, ...]) -> Drawing | None:
    """Rows: resources. Band: at least to at most, line: estimate, each the highest of 15 minutes.

    Dashed are the alerts and the limit; a band that goes on above the axis is cut off.
    """
    shown = [each for each in resources if each.resource.utilisation][:MOST_ROWS]
    if not shown:
        return None
    with house.style("C2"):
        drawn, panels = house.canvas(0.7 + 1.2 * len(shown), rows=len(shown))
        for axes, each in zip(panels, shown, strict=True):
            _panel(axes, each, at)
        house.time_axis(panels[-1], review)
        panels[-1].set_xlabel(f"From {review.start:%d %B %Y}, UTC")
        return house.svg(drawn, _alt(shown))


def _panel(axes: house.Axes, told: Told, at: tuple[float, ...]) -> None:
    limit = told.resource.limit
    quarters = (
        told.minutes.group_by_dynamic("minute", every=EVERY)
        .agg(pl.col("lower", "estimate", "upper").max() / limit)
        .upsample("minute", every=EVERY)
    )
    minute = quarters["minute"].to_list()
    lower, estimate, upper = (quarters[name].to_numpy() for name in ("lower", "estimate", "upper"))
    axes.fill_between(minute, lower, upper, step="post", color=house.PALE, lw=0)
    axes.step(minute, estimate, where="post", color=house.BLUE, lw=0.9)
    for level in (*at, 1.0):
        axes.axhline(level, color=house.INK, lw=0.7, ls=(0, (4, 3)))
    peak = told.resource.utilisation.peak if told.resource.utilisation else 0
    axes.set_ylim(0, max(1.15, 1.1 * peak))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}".replace("%", " %"))
    own = told.resource
    axes.set_title(
        short(own.destination or f"{slug(own.kind)} {own.instance or ''}".strip()), pad=5
    )


def _alt(shown: list[Told]) -> str:
    said = "; ".join(
        f"{short(each.resource.destination or slug(each.resource.kind))}: peak "
        f"{share(each.resource.utilisation.peak)} at {each.resource.utilisation.peak_at}"
        for each in shown
        if each.resource.utilisation
    )
    return f"Shares of the limit of {of(len(shown), 'resource')} over the weeks reviewed. {said}."
