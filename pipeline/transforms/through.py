"""What got through to a destination while connects to it waited in vain.

Ports that ran out come free again: one that was closed is held for the hold time and can then be
taken anew. So exhaustion never keeps all calls out for longer than that, and what fails tends to
come back one hold time later, when the ports of the last wave come free together. A rule that
drops packets does neither.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from pipeline.transforms.incidents import Run
from pipeline.window import MINUTE, Window, floor

# Minutes with fewer calls say little of what share of them fails.
LEAST_CALLS = 10
# A minute in which so few failed was a good one.
WELL = 0.02
# Of a shorter time without an answer, chance and a slow start explain enough.
LEAST_PATIENCE = timedelta(minutes=4)
# Wave and hollow must be told apart by minutes.
LEAST_LAG = 3
# Pairs of minutes one hold time apart: with fewer, chance looks like an echo.
LEAST_PAIRS = 4
ALIKE = 0.7
UNLIKE = 0.4


@dataclass(frozen=True, slots=True)
class Through:
    """How calls to one destination fared during a run.

    ``silence`` is the longest stretch of minutes in which all calls that were begun failed, null
    where each minute had one that did not; ``patience`` is the longest for which a want of ports
    alone keeps all out. ``good_minutes`` are those inside the run in which nearly none failed.
    ``echo`` is the correlation of the failing share with itself one hold time (``hold_s``) later,
    null where there are too few minutes to tell, and ``off_beat`` that of half of it.
    """

    destination: str
    calls: float
    answered: float
    silence: Window | None
    patience: timedelta
    good_minutes: int
    hold_s: float
    echo: float | None
    off_beat: float | None

    @property
    def echoes(self) -> bool:
        """Whether failures came back after one hold time, and not after half of it."""
        return (
            self.echo is not None
            and self.off_beat is not None
            and self.echo >= ALIKE
            and self.off_beat <= -UNLIKE
        )

    @property
    def cut_off(self) -> bool:
        """Whether nothing got through for longer than ports that ran out explain."""
        return self.silence is not None and self.silence.stop - self.silence.start >= self.patience


def through(
    calls_by_minute: pl.DataFrame,
    destination: str | None,
    run: Run,
    hold_s: float,
    answer_ms: float | None,
) -> Through | None:
    """What got through to a destination during a run; null where nothing tells of it.

    ``answer_ms`` is how long calls to it take at most, as a rule: they keep their port as long.
    """
    stop = floor(run.last) + MINUTE
    if destination is None:
        return None
    own = calls_by_minute.filter(
        pl.col("destination") == destination,
        pl.col("minute").is_between(floor(run.start), stop, closed="left"),
    ).sort("minute")
    if not own.height:
        return None
    # In the first and the last minute the failures may not have begun, or be over.
    inner = own.filter(
        pl.col("minute").is_between(floor(run.start), floor(run.last), closed="none"),
        pl.col("calls") >= LEAST_CALLS,
    )
    shares = inner.select("minute", share=pl.col("failed") / pl.col("calls"))
    lag = round(hold_s / 60)
    return Through(
        destination=destination,
        calls=float(own["calls"].sum()),
        answered=float((own["calls"] - own["failed"]).sum()),
        silence=_silence(own),
        patience=max(timedelta(seconds=hold_s), LEAST_PATIENCE)
        + timedelta(milliseconds=answer_ms or 0.0),
        good_minutes=inner.filter(pl.col("failed") <= WELL * pl.col("calls")).height,
        hold_s=hold_s,
        echo=_with_itself(shares, lag) if lag >= LEAST_LAG else None,
        off_beat=_with_itself(shares, lag // 2) if lag >= LEAST_LAG else None,
    )


def _silence(own: pl.DataFrame) -> Window | None:
    """The longest stretch in which nothing was answered; minutes without a call do not end it."""
    longest: Window | None = None
    begun = None
    for minute, calls, failed in own.select("minute", "calls", "failed").iter_rows():
        if calls > failed:
            begun = None
            continue
        begun = begun or minute
        stretch = Window(begun, minute + MINUTE)
        if longest is None or stretch.stop - stretch.start > longest.stop - longest.start:
            longest = stretch
    return longest


def _with_itself(shares: pl.DataFrame, lag: int) -> float | None:
    """The correlation of shares that lie so many minutes apart."""
    later = shares.select(pl.col("minute") - lag * MINUTE, later="share")
    pairs = shares.join(later, on="minute")
    if pairs.height < LEAST_PAIRS:
        return None
    one, other = pairs["share"].to_numpy(), pairs["later"].to_numpy()
    if not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])
