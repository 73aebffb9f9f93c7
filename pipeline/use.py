"""Use: how full something was over the weeks reviewed, as what its minutes come down to."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import polars as pl

from pipeline.capacity_finding import Utilisation
from pipeline.window import told

PERCENTILES = (0.5, 0.95, 0.99)


@dataclass(slots=True)
class Use:
    """Minutes that are let go as they are added, but for the estimate and the highest bounds."""

    estimates: list[npt.NDArray[np.float64]] = field(default_factory=list)
    peak: float = -1.0
    peak_at: datetime | None = None
    lower_peak: float = 0.0
    upper_peak: float = 0.0

    def add(self, minutes: pl.DataFrame) -> None:
        """Adds what is told of some minutes (minute, lower, estimate, upper), the earlier first."""
        if minutes.is_empty():
            return
        estimate = minutes["estimate"].to_numpy()
        self.estimates.append(estimate)
        top = int(np.argmax(estimate))
        if estimate[top] > self.peak:
            self.peak, self.peak_at = float(estimate[top]), minutes["minute"][top]
        self.lower_peak = max(self.lower_peak, float(minutes["lower"].to_numpy().max()))
        self.upper_peak = max(self.upper_peak, float(minutes["upper"].to_numpy().max()))

    def utilisation(self, limit: float) -> Utilisation | None:
        """All of it as shares of a limit; null where nothing was told."""
        if self.peak_at is None:
            return None
        values = np.concatenate(self.estimates)
        p50, p95, p99 = (round(float(each), 4) for each in np.quantile(values / limit, PERCENTILES))
        return Utilisation(
            p50=p50,
            p95=p95,
            p99=p99,
            peak=round(self.peak / limit, 4),
            peak_at=told(self.peak_at),
            lower_peak=round(self.lower_peak / limit, 4),
            upper_peak=round(self.upper_peak / limit, 4),
            minutes=len(values),
        )
