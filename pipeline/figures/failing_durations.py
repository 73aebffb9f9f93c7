"""How long failing requests lasted: time-outs show as spikes."""

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.wording import share

MOST_SECONDS = 300


@figure("F4")
def failing_durations(failing_durations: pl.DataFrame) -> Drawing | None:
    """Bars: failures by whole seconds from request start to the last error."""
    by_second = failing_durations.group_by("second").agg(pl.col("failures").sum()).sort("second")
    if by_second.is_empty():
        return None
    total = float(by_second["failures"].sum())
    within = by_second.filter(pl.col("second") <= MOST_SECONDS)
    mode = by_second.sort("failures", "second", descending=[True, False]).row(0, named=True)
    with house.style("F4"):
        drawn, (axes,) = house.canvas(1.7)
        axes.bar(
            within["second"].to_list(),
            within["failures"].to_list(),
            width=0.9,
            align="edge",
            color=house.ACCENT,
            lw=0,
        )
        axes.annotate(
            f"{share(mode['failures'] / total)} after {mode['second']} to {mode['second'] + 1} s",
            (mode["second"] + 0.9, mode["failures"]),
            xytext=(5, -2),
            textcoords="offset points",
            va="top",
            color=house.ACCENT,
            fontsize=7.5,
        )
        axes.set_xlim(0, max(30, float(within["second"].max() or 0) + 2))  # type: ignore[arg-type]
        axes.set_ylabel("failures")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel("Seconds from the start of the request to its last error")
        return house.svg(
            drawn,
            f"How long {total:,.0f} failing requests lasted, by whole seconds. Most, "
            f"{share(mode['failures'] / total)}, failed after {mode['second']} to "
            f"{mode['second'] + 1} s.",
            within.select("second", "failures"),
        )
