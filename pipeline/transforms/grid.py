"""Minutes without gaps: series on one grid, so that they can be laid side by side."""

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.window import Window, floor

Series = npt.NDArray[np.float64]


def minutes(window: Window) -> pl.DataFrame:
    """One row a minute of the window, column ``minute``."""
    return pl.DataFrame(
        {
            "minute": pl.datetime_range(
                floor(window.start),
                window.stop,
                interval="1m",
                closed="left",
                time_unit="us",
                eager=True,
            )
        }
    )


def level(frame: pl.DataFrame, window: Window, column: str) -> Series:
    """A column by minute over the window; a minute without a row is as the one before it."""
    joined = minutes(window).join(frame.select("minute", column), on="minute", how="left")
    filled = joined.sort("minute")[column].cast(pl.Float64).fill_null(strategy="forward")
    return filled.fill_null(0).to_numpy().astype(np.float64)


def series(frame: pl.DataFrame, window: Window, column: str, missing: float) -> Series:
    """A column summed by minute over the window; minutes without rows hold ``missing``."""
    by_minute = frame.group_by("minute").agg(pl.col(column).sum())
    joined = minutes(window).join(by_minute, on="minute", how="left").sort("minute")
    return joined[column].cast(pl.Float64).fill_null(missing).to_numpy().astype(np.float64)
