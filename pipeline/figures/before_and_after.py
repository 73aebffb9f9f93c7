"""Failures and load before and after, hour of the week by hour of the week, of matched minutes."""

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.transforms.matching import HOURS_A_DAY
from pipeline.wording import of, share

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_TICKS = 12
SIDES = (("before", house.ACCENT, -0.16), ("after", house.BLUE, 0.16))


@figure("C1")
def before_and_after(matched: pl.DataFrame) -> Drawing | None:
    """Above the share that failed, below the load that was made alike: bars by hour and side."""
    if matched.is_empty():
        return None
    hours = matched.group_by("hour").agg(pl.all().exclude("before", "after").sum()).sort("hour")
    minutes = matched.group_by("hour").len().sort("hour")["len"]
    with house.style("C1"):
        drawn, (top, bottom) = house.canvas(2.9, rows=2, ratios=[1.4, 1])
        places = list(range(hours.height))
        for name, colour, aside in SIDES:
            failed = hours[f"failed_{name}"] / hours[f"requests_{name}"]
            load = hours[f"requests_{name}"] / minutes
            at = [place + aside for place in places]
            width = 0.3
            top.bar(at, (100 * failed).to_list(), width, color=colour, label=name)
            bottom.bar(at, load.to_list(), width, color=colour)
        top.set_title("Share of requests that failed, in matched minutes")
        top.yaxis.set_major_formatter(lambda value, _: f"{value:,.3g} %")
        top.set_ylim(bottom=0)
        bottom.set_title("Requests a minute")
        bottom.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        drawn.legend(loc="outside upper right", ncols=2, frameon=False, fontsize=7.5)
        step = max(1, -(-len(places) // MOST_TICKS))
        bottom.set_xticks(places[::step], [_hour(each) for each in hours["hour"].to_list()[::step]])
        bottom.set_xlabel("Hour of the week, UTC")
        return house.svg(drawn, _alt(matched, hours.height))


def _hour(hour: int) -> str:
    day, of_day = divmod(hour, HOURS_A_DAY)
    return f"{DAYS[day]} {of_day:02}:00"


def _alt(matched: pl.DataFrame, hours: int) -> str:
    before, after = (
        share(float(matched[f"failed_{name}"].sum()) / float(matched[f"requests_{name}"].sum()))
        for name, *_ in SIDES
    )
    return (
        f"Share of requests that failed in {of(matched.height, 'matched minute')} of "
        f"{of(hours, 'hour')} of the week: {before} before, {after} after; below it the requests "
        "a minute, which are alike on both sides."
    )
