"""The callers: what they ask for, and when they ask again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, TypeVar

import numpy as np

from tests.simulation.arrivals import Rate, poisson_arrivals, traced_arrivals
from tests.simulation.events import EventLoop
from tests.simulation.exchange import Call, Kind, Outcome
from tests.simulation.world import Api, Caller, Operation, World

FRONT_DOOR = "https://api.contoso.example"
WORDS = ("oak", "pine", "linen", "copper", "slate", "amber", "wool", "cedar")
SCANNED = ("/wp-login.php", "/.env", "/admin/config.php", "/actuator/health", "/.git/config")
RETRIED = frozenset({0, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Surge:
    """Extra requests of one client to some operations, at a rate of its own."""

    subscription: str
    operations: tuple[str, ...]
    rate: Rate


Item = TypeVar("Item")


class Menu(Generic[Item]):
    """Things to draw from, each as often as its weight says."""

    def __init__(self, items: Sequence[Item], weights: Sequence[float]) -> None:
        self.items = items
        self._shares = np.cumsum(np.array(weights)) / sum(weights)

    def draw(self, rng: np.random.Generator) -> Item:
        """One of the things."""
        place = int(np.searchsorted(self._shares, rng.random(), side="right"))
        return self.items[min(place, len(self.items) - 1)]


class Traffic:
    """Turns arrival times into calls, and unlucky outcomes into retries."""

    def __init__(
        self,
        world: World,
        loop: EventLoop,
        rng: np.random.Generator,
        send: Callable[[Call], None],
    ) -> None:
        self._world = world
        self._loop = loop
        self._rng = rng
        self._send = send
        self._number = 0
        choices = [(api, operation) for api in world.apis for operation in api.operations]
        self._menu = Menu(choices, [operation.weight for _, operation in choices])
        self._callers = Menu(world.callers, [caller.weight for caller in world.callers])

    def background(self, rate: Rate) -> None:
        """Everyday traffic of all callers, in the rhythm of the recorded trace."""
        for time in traced_arrivals(rate, self._rng).tolist():
            self._loop.at(time, partial(self._everyday, self._menu, self._callers))

    def surge(self, surge: Surge) -> None:
        """Extra traffic of one client."""
        chosen = [choice for choice in self._menu.items if choice[1].id in surge.operations]
        menu = Menu(chosen, [operation.weight for _, operation in chosen])
        own = [c for c in self._world.callers if c.client.subscription == surge.subscription]
        callers = Menu(own, [caller.weight for caller in own])
        for time in poisson_arrivals(surge.rate, self._rng).tolist():
            self._loop.at(time, partial(self._everyday, menu, callers))

    def again(self, outcome: Outcome) -> None:
        """Let the caller retry, if that is what its software does after such an outcome."""
        call = outcome.call
        client = call.caller.client
        if call.attempt >= client.retries or outcome.status not in RETRIED or call.impatient:
            return
        pause = client.backoff_s * 2.0**call.attempt * float(self._rng.uniform(0.5, 1.5))
        retry = replace(call, attempt=call.attempt + 1)
        self._loop.at(outcome.ended + pause, partial(self._send, retry))

    def _everyday(self, menu: Menu[tuple[Api, Operation]], callers: Menu[Caller]) -> None:
        self._number += 1
        caller = callers.draw(self._rng)
        noise = self._world.noise
        luck = float(self._rng.random())
        if luck < noise.scanner:
            self._send(self._scan(caller))
            return
        api, operation = menu.draw(self._rng)
        kind = Kind.CALL
        if luck < noise.scanner + noise.bad_key:
            kind = Kind.BAD_KEY
        elif luck < noise.scanner + noise.bad_key + noise.policy_error:
            kind = Kind.POLICY_ERROR
        impatient = bool(self._rng.random() < noise.impatient)
        self._send(self._call(caller, api, operation, kind, impatient))

    def _scan(self, caller: Caller) -> Call:
        path = SCANNED[int(self._rng.integers(len(SCANNED)))]
        outsider = replace(caller, ip=f"192.0.2.{int(self._rng.integers(1, 5))}")
        return Call(
            number=self._number,
            attempt=0,
            kind=Kind.SCANNER,
            caller=outsider,
            api=None,
            operation=None,
            method="GET",
            url=FRONT_DOOR + path,
            backend_url=None,
            patience_s=10.0,
            impatient=True,
        )

    def _call(
        self, caller: Caller, api: Api, operation: Operation, kind: Kind, impatient: bool
    ) -> Call:
        filled = {
            "id": str(int(self._rng.integers(1000, 10000))),
            "word": WORDS[int(self._rng.integers(len(WORDS)))],
        }
        filled["sig"] = f"{filled['word']}{filled['id']}"
        path = operation.template.format_map(filled)
        query = operation.query.format_map(filled)
        client = caller.client
        key = f"subscription-key=SYNTHETIC-{client.subscription}" if client.key_in_query else ""
        origin = None if api.destination is None else api.destination.origin
        patience_s = float(self._rng.uniform(0.02, 1.0)) if impatient else client.patience_s
        return Call(
            number=self._number,
            attempt=0,
            kind=kind,
            caller=caller,
            api=api,
            operation=operation,
            method=operation.method,
            url=FRONT_DOOR + api.prefix + path + joined_query(query, key),
            backend_url=origin and origin + path + joined_query(query, operation.backend_query),
            patience_s=patience_s,
            impatient=impatient,
        )


def joined_query(*parts: str) -> str:
    """The parts of a query string behind a question mark, or nothing at all."""
    given = [part for part in parts if part]
    return "?" + "&".join(given) if given else ""
