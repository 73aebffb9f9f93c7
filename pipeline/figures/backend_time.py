"""BackendTime of successful calls by minute, on a log axis, against its usual level."""

import polars as pl

from pipeline import figure as house
from pipeline.figure import Drawing, figure
from pipeline.transforms.incidents import Run
from pipeline.transforms.latency import Shift
from pipeline.transforms.ways import Ways
from pipeline.window import MINUTE, Window
from pipeline.wording import short

MOST_PANELS = 3


@figure("F3")
def backend_time(
    backend_time_by_minute: pl.DataFrame,
    latency: list[Shift],
    ways: Ways,
    run: Run,
    window: Window,
) -> Drawing | None:
    """Small multiples with one scale: where failures went first, then what moved most."""
    view = house.shown(window, run)
    answered = backend_time_by_minute.filter(
        pl.col("succeeded")
        & (pl.col("p50_ms") > 0)
        & pl.col("minute").is_between(view.start - MINUTE, view.stop)
    )
    shifts = {each.destination: each for each in latency}
    hit = [name for name, _ in ways.by_destination() if name]
    present = set(answered["destination"].to_list())
    names = [name for name in dict.fromkeys([*hit[:1], *shifts, *hit]) if name in present]
    names = names[:MOST_PANELS]
    if not names:
        return None
    within = answered.filter(pl.col("destination").is_in(names))
    low, high = within["p50_ms"].to_numpy().min(), within["p99_ms"].to_numpy().max()
    with house.style("F3"):
        drawn, panels = house.canvas(0.55 + 0.98 * len(names), rows=len(names))
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, within.filter(pl.col("destination") == name), shifts.get(name), run)
            axes.set_title(short(name))
            axes.set_yscale("log")
            axes.set_ylim(low / 1.3, high * 1.5)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f} ms")
            axes.minorticks_off()
        _key(panels[0])
        house.time_axis(panels[-1], view)
        return house.svg(drawn, _alt(names, shifts, run), _percentiles(within, names))


def _percentiles(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Percentiles in ms, a row a minute, a column a destination and percentile."""
    rows = frame.select("minute").unique().sort("minute")
    for name in names:
        told = frame.filter(pl.col("destination") == name).select(
            "minute",
            *(pl.col(f"{each}_ms").alias(f"{name}, {each}, ms") for each in ("p50", "p95", "p99")),
        )
        rows = rows.join(told, on="minute", how="left")
    return rows.sort("minute")


def _panel(axes: house.Axes, frame: pl.DataFrame, shift: Shift | None, run: Run) -> None:
    frame = frame.sort("minute").upsample("minute", every="1m")
    minute = frame["minute"].to_list()
    p50, p95, p99 = (frame[name].to_numpy() for name in ("p50_ms", "p95_ms", "p99_ms"))
    axes.fill_between(minute, p50, p95, color=house.PALE, lw=0)
    axes.plot(minute, p99, color=house.MUTED, lw=0.6)
    axes.plot(minute, p95, color=house.BLUE, lw=1)
    axes.plot(minute, p50, color=house.INK, lw=1.2)
    if shift and shift.before.p95:
        axes.axhline(shift.before.p95, color=house.BLUE, lw=0.8, ls=(0, (2, 2)))
    if shift and shift.change_from and shift.change_to:
        axes.axvspan(shift.change_from, shift.change_to + MINUTE, ymax=0.06, color=house.INK, lw=0)
    house.shade(axes, run)


def _key(axes: house.Axes) -> None:
    """The percentiles' names in the colours of their lines, above the first panel."""
    for place, (name, colour) in enumerate(
        (("p99", house.MUTED), ("p95", house.BLUE), ("p50", house.INK))
    ):
        axes.annotate(
            name,
            (1, 1),
            xycoords="axes fraction",
            xytext=(-24 * place, 5),
            textcoords="offset points",
            ha="right",
            color=colour,
            fontsize=7.5,
            fontweight="semibold",
        )


def _alt(names: list[str], shifts: dict[str, Shift], run: Run) -> str:
    told = [
        f"{short(name)}: {shift.before.p95:,.0f} ms before, {shift.during.p95:,.0f} ms during"
        for name in names
        if (shift := shifts.get(name)) and shift.before.p95 and shift.during.p95 is not None
    ]
    return (
        f"BackendTime of successful calls by minute on a log axis, the incident from "
        f"{run.start:%H:%M} to {run.last:%H:%M} UTC shaded. 95th percentile at "
        + "; ".join(told or ["no destination with enough calls"])
        + ". A dotted line is the usual 95th percentile."
    )
