"""Daily peaks of the fullest resources over weeks, and what the forecast makes of them."""

from datetime import date, timedelta

import numpy as np

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.reviewed import Told
from pipeline.transforms.forecast import Day
from pipeline.transforms.trend import WEEK
from pipeline.wording import of, share, short, slug

MOST_ROWS = 4
AHEAD = 13 * WEEK
# The name of the lower one stands below its line: on a high axis the lines are close together.
LEVELS = ((0.8, "80 %", True), (1.0, "limit", False))


@figure("C1")
def daily_peaks(resources: list[Told]) -> Drawing | None:
    """Rows: resources. Dots: the peak of each day; line and band: what is expected of days to come.

    Dashed are 80 % and the limit; planned events are shaded.
    """
    shown = [each for each in resources if np.isfinite(each.values).any()][:MOST_ROWS]
    if not shown:
        return None
    first = min(each.days[0] for each in shown)
    last = max(each.days[-1] for each in shown)
    with house.style("C1"):
        drawn, panels = house.canvas(0.7 + 1.3 * len(shown), rows=len(shown))
        for axes, each in zip(panels, shown, strict=True):
            _panel(axes, each)
            axes.set_xlim(first, last + timedelta(days=AHEAD))
        _months(panels[-1])
        return house.svg(drawn, _alt(shown))


def _panel(axes: house.Axes, told: Told) -> None:
    known = np.isfinite(told.values)
    days = [day for day, there in zip(told.days, known, strict=True) if there]
    axes.plot(days, told.values[known], ls="", marker=".", ms=3.2, color=house.INK)
    top = float(np.nanmax(told.values))
    if told.forecast:
        ahead = told.forecast.days(AHEAD)
        top = max(top, *(each.median for each in ahead))
        _fan(axes, ahead)
        for event in told.forecast.events:
            stop = event.stop + timedelta(days=1)
            axes.axvspan(event.start, stop, color=house.SHADE, lw=0, zorder=0)
            axes.annotate(
                short(event.name, 24),
                (event.start, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, -2),
                textcoords="offset points",
                va="top",
                fontsize=7,
                color=house.ACCENT,
            )
    else:
        axes.annotate(
            "too little history: no forecast",
            (1, 0.5),
            xycoords="axes fraction",
            xytext=(-8, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            color=house.MUTED,
            fontsize=7.5,
            # A dashed line may pass there.
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )
    axes.axvline(told.days[-1] + timedelta(days=1), color=house.MUTED, lw=0.6)
    height = 1.12 * max(min(top, 2.0), 0.1)
    for level, name, below in LEVELS:
        if level <= height or top > 0.4:
            height = max(height, 1.12 * level)
            axes.axhline(level, color=house.INK, lw=0.8, ls=(0, (4, 3)))
            axes.annotate(
                name,
                (0, level),
                xycoords=("axes fraction", "data"),
                xytext=(3, -1.5 if below else 1.5),
                textcoords="offset points",
                va="top" if below else "bottom",
                fontsize=7,
            )
    axes.set_ylim(0, height)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}".replace("%", " %"))
    axes.set_title(_name(told), pad=5)


def _fan(axes: house.Axes, ahead: list[Day]) -> None:
    days = [each.day for each in ahead]
    axes.fill_between(
        days,
        [each.low for each in ahead],
        [each.high for each in ahead],
        color=house.PALE,
        lw=0,
    )
    axes.plot(days, [each.median for each in ahead], color=house.BLUE, lw=0.9)


def _months(axes: house.Axes) -> None:
    from matplotlib import dates

    locator = dates.AutoDateLocator(minticks=4, maxticks=10)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))
    axes.set_xlabel("Day, UTC; the vertical line is where the data ends")


def _name(told: Told) -> str:
    own = told.resource
    gateway = short(own.gateway.rpartition("/")[2], 30)
    if own.destination:
        return f"{gateway} to {short(own.destination)}"
    return f"{gateway}: {slug(own.kind)}" + (f", {short(own.instance)}" if own.instance else "")


def _alt(shown: list[Told]) -> str:
    said = "; ".join(
        f"{_name(each)}: highest {share(float(np.nanmax(each.values)))} of the limit, "
        + (
            f"80 % about {_told(each.resource.crossing.at_80.median)}"
            if each.forecast
            else "no forecast"
        )
        for each in shown
    )
    return f"Daily peaks of {of(len(shown), 'resource')}, with forecasts. {said}."


def _told(day: str | None) -> str:
    return "not in sight" if day is None else date.fromisoformat(day).isoformat()
