"""The event loop: simulated time, and what happens next."""

import heapq
from collections.abc import Callable
from itertools import count


class EventLoop:
    """Runs actions in the order of their simulated time, first come first served among equals.

    `now` is in seconds since the start of the scenario.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Let `action` happen at `when`, in seconds since the start; never in the past."""
        if when < self.now:
            raise ValueError(f"{when} s is before the present, {self.now} s")
        heapq.heappush(self._pending, (when, next(self._order), action))

    def after(self, delay: float, action: Callable[[], None]) -> None:
        """Let `action` happen `delay` seconds from now."""
        self.at(self.now + delay, action)

    def run(self) -> None:
        """Run until nothing is left to happen."""
        while self._pending:
            self.now, _, action = heapq.heappop(self._pending)
            action()
