"""When requests arrive: the rhythm of a real trace, or Poisson, both under a rate that changes."""

import gzip
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]

GRID_S = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests per second over time, linear between the given points, zero outside them."""

    points: tuple[tuple[float, float], ...]

    def expected_arrivals(self) -> tuple[Seconds, Seconds]:
        """A grid of times and the number of arrivals expected up to each of them."""
        times = np.array([time for time, _ in self.points])
        rates = np.array([rate for _, rate in self.points])
        grid = np.arange(times[0], times[-1] + GRID_S / 2, GRID_S)
        height = np.interp(grid, times, rates)
        steps = (height[1:] + height[:-1]) / 2 * GRID_S
        return grid, np.concatenate([[0.0], np.cumsum(steps)])


def traced_arrivals(rate: Rate, rng: np.random.Generator) -> Seconds:
    """Arrival times in seconds with the burstiness of the recorded trace.

    The trace is started at a random place, looped as often as needed and stretched so that on
    average it follows `rate`.
    """
    gaps = recorded_gaps()
    grid, expected = rate.expected_arrivals()
    rounds = int(np.ceil(expected[-1] / gaps.sum())) + 1
    marks = np.cumsum(np.tile(np.roll(gaps, -int(rng.integers(len(gaps)))), rounds))
    times: Seconds = np.interp(marks[marks < expected[-1]], expected, grid)
    return times


def poisson_arrivals(rate: Rate, rng: np.random.Generator) -> Seconds:
    """Arrival times in seconds of independent callers who follow `rate`."""
    grid, expected = rate.expected_arrivals()
    marks = np.sort(rng.uniform(0.0, expected[-1], int(rng.poisson(expected[-1]))))
    times: Seconds = np.interp(marks, expected, grid)
    return times


def recorded_gaps() -> Seconds:
    """Gaps between the arrivals of the bundled trace, scaled to a mean of one."""
    packed = files("tests.simulation.traces").joinpath("conversation_gaps.csv.gz").read_bytes()
    lines = gzip.decompress(packed).decode("ascii").split()[1:]
    gaps = np.array([float(line) for line in lines])
    relative: Seconds = gaps / gaps.mean()
    return relative
