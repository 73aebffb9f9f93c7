"""The gateway: takes requests, forwards them over pooled connections, says how each ended."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import numpy as np

from tests.simulation.backend import Answer, Backend, Syn
from tests.simulation.connection import Connection, Unit, needs_port
from tests.simulation.events import EventLoop
from tests.simulation.exchange import Call, Cause, Exchange, GatewayError, Kind, Outcome
from tests.simulation.gateway_errors import (
    CLIENT_GONE,
    CONNECT_REFUSED,
    CONNECT_TIMED_OUT,
    CONNECTION_RESET,
    CUT_WHILE_IDLE,
    CUT_WHILE_SILENT,
    FORWARD_TIMED_OUT,
    NOT_RESOLVED,
    NOT_TRUSTED,
    early_error,
    forward_error,
    policy_error,
)
from tests.simulation.gateway_faults import Health
from tests.simulation.ports import Endpoint, PortTable
from tests.simulation.world import Destination, Operation, World

SYN_WAITS_S = (3.0, 6.0, 12.0)
"""How long each SYN is waited for; the sum, 21 s, is the managed gateway's connect time-out."""

CUT_EARLY_S = 10.0
"""How much sooner than its time an idle timer may cut, at most."""

RESET_RETRIES_S = (2.0, 2.1)
"""How long connecting goes on after the first refusal: Windows asks again, twice."""


class Gateway:
    """All units of one gateway; `finished` is told the outcome of every request."""

    def __init__(
        self,
        world: World,
        backends: dict[str, Backend],
        health: Health,
        loop: EventLoop,
        rng: np.random.Generator,
        finished: Callable[[Outcome], None],
    ) -> None:
        self.units = tuple(
            Unit(table, world.egress, world.pool_idle_s, loop) for table in port_tables(world)
        )
        self.starved_connects: Counter[tuple[int, Endpoint]] = Counter()
        self.starved_at: list[tuple[float, int]] = []
        self._egress = world.egress
        self._health = health
        self._spread = np.cumsum(world.unit_weights) / sum(world.unit_weights or (1.0,))
        self._described_failures = world.described_failures
        self._backends = backends
        self._loop = loop
        self._rng = rng
        self._finished = finished

    def receive(self, call: Call) -> None:
        """Start working on a request that arrives now, on a unit picked at random."""
        exchange = Exchange(
            call=call,
            unit=self._pick_unit(),
            correlation_id=self._uuid(),
            started=self._loop.now,
        )
        usual_s = float(self._rng.lognormal(np.log(0.0012), 0.5))
        inbound_s = usual_s * self._health.slowness(self._loop.now)
        self._loop.after(inbound_s, partial(self._inbound, exchange))

    def side_call(self, destination: Destination, lasts_s: float) -> None:
        """A policy calls on its own: over a connection of its own, without a record."""
        number = self._pick_unit()
        unit = self.units[number]
        port = unit.port(destination)
        if port is None:
            self._starve(number, destination)
            return
        closes = self._loop.now + lasts_s
        hold_s = self._egress.fin_hold_s
        self._loop.at(closes, partial(unit.release, destination, port, closes, hold_s))

    def _pick_unit(self) -> int:
        if not len(self._spread):
            return int(self._rng.integers(len(self.units)))
        place = int(np.searchsorted(self._spread, self._rng.random(), side="right"))
        return min(place, len(self.units) - 1)

    def _starve(self, unit: int, destination: Destination) -> None:
        self.starved_connects[unit, destination.endpoint] += 1
        self.starved_at.append((self._loop.now, unit))

    def reset_connections(self, host: str) -> None:
        """The host has died: idle connections are closed, requests in flight fail."""
        for unit in self.units:
            for connection in unit.open_connections(host):
                if connection.idle or connection.destination.multiplexed:
                    unit.close(connection, self._egress.fin_hold_s)
                elif connection.on_reset is not None:
                    connection.on_reset()

    def _inbound(self, exchange: Exchange) -> None:
        call = exchange.call
        if call.kind is not Kind.CALL:
            self._reject(exchange)
        elif self._health.turns_away(self._elapsed(exchange)):
            self._finish(exchange, 503, None, cause=Cause.SATURATED)
        elif self._policy_fails(exchange):
            error = policy_error(self._elapsed(exchange))
            self._fail(exchange, 500, error, Cause.POLICY, described=False)
        elif call.api is None or call.operation is None or call.api.destination is None:
            self._finish(exchange, 200, call.operation)
        elif self._in_cache(exchange, call.operation):
            cache_s = float(self._rng.lognormal(np.log(0.003), 0.5))
            self._finish(exchange, 200, call.operation, cache_s=cache_s)
        else:
            self._forward(exchange, call.api.destination, call.api.timeout_s)

    def _policy_fails(self, exchange: Exchange) -> bool:
        api = exchange.call.api
        share = 0.0 if api is None else self._health.broken_share(api, self._loop.now)
        return share > 0.0 and bool(self._rng.random() < share)

    def _in_cache(self, exchange: Exchange, operation: Operation) -> bool:
        if operation.cached_share == 0.0:
            return False
        hit = bool(self._rng.random() < operation.cached_share)
        exchange.cache = "hit" if hit else "miss"
        return hit

    def _forward(self, exchange: Exchange, destination: Destination, timeout_s: float) -> None:
        now = self._loop.now
        exchange.forwarded = now
        hangs_up = max(now, exchange.started + exchange.call.patience_s)
        if hangs_up < now + timeout_s:
            self._loop.at(hangs_up, partial(self._hang_up, exchange))
        else:
            self._loop.after(timeout_s, partial(self._time_out, exchange))
        connection = self.units[exchange.unit].idle_connection(destination)
        if connection is None:
            self._connect(exchange, destination, 0)
        elif needs_port(destination) and (
            now - connection.silent_since >= self._egress.idle_timeout_s and connection.uses
        ):
            self._loop.after(0.003, partial(self._found_dead, exchange, connection))
        else:
            self._send(exchange, connection)

    def _found_dead(self, exchange: Exchange, connection: Connection) -> None:
        """The first call over a connection that the idle timer had cut unseen."""
        self.units[exchange.unit].close(connection, 0.0)
        if not exchange.done:
            error = self._connection_failure(exchange, CUT_WHILE_IDLE)
            self._fail(exchange, 500, error, Cause.IDLE_CUT, described=True)

    def _connect(self, exchange: Exchange, destination: Destination, tries: int) -> None:
        """Send a SYN, the first or a repeated one, if there is a port to send it from."""
        if exchange.done:
            self._forget_port(exchange, destination)
            return
        exchange.last_syn = self._loop.now
        match self._syn(exchange, destination):
            case Syn.ANSWERED:
                handshake_s = destination.handshake_s * float(self._rng.lognormal(0.0, 0.2))
                self._loop.after(handshake_s, partial(self._established, exchange, destination))
            case Syn.UNRESOLVED:
                lasts_s = float(self._rng.lognormal(np.log(0.4), 1.2))
                self._loop.after(lasts_s, partial(self._unresolved, exchange, destination))
            case Syn.REFUSED:
                lasts_s = float(self._rng.uniform(*RESET_RETRIES_S))
                self._loop.after(lasts_s, partial(self._refused, exchange, destination))
            case Syn.LOST if tries < len(SYN_WAITS_S) - 1:
                again = partial(self._connect, exchange, destination, tries + 1)
                self._loop.after(SYN_WAITS_S[tries], again)
            case Syn.LOST:
                lasts_s = SYN_WAITS_S[tries] + float(self._rng.gamma(2.0, 0.012))
                self._loop.after(lasts_s, partial(self._unanswered, exchange, destination))

    def _syn(self, exchange: Exchange, destination: Destination) -> Syn:
        backend = self._backends[destination.host]
        if exchange.port is None and not backend.resolves(self._loop.now, self._rng):
            return Syn.UNRESOLVED
        if needs_port(destination) and exchange.port is None:
            exchange.port = self.units[exchange.unit].port(destination)
            exchange.starved = exchange.port is None
            if exchange.starved:
                self._starve(exchange.unit, destination)
                return Syn.LOST
        if self._health.isolated(exchange.unit, self._loop.now):
            return Syn.LOST
        return backend.syn(self._loop.now)

    def _forget_port(self, exchange: Exchange, destination: Destination) -> None:
        """A half-open connection is never closed: its port is freed by the idle timer."""
        if exchange.port is not None:
            unit = self.units[exchange.unit]
            unit.release(destination, exchange.port, exchange.last_syn, self._egress.half_open_s)

    def _unanswered(self, exchange: Exchange, destination: Destination) -> None:
        self._forget_port(exchange, destination)
        message = f"{CONNECT_TIMED_OUT} {destination.endpoint}"
        self._fail_connect(exchange, message, connect_cause(exchange))

    def _unresolved(self, exchange: Exchange, destination: Destination) -> None:
        message = f"{NOT_RESOLVED} '{destination.host}'"
        self._fail_connect(exchange, message, Cause.UNRESOLVED)

    def _refused(self, exchange: Exchange, destination: Destination) -> None:
        if exchange.port is not None:
            unit = self.units[exchange.unit]
            unit.release(destination, exchange.port, self._loop.now, self._egress.rst_hold_s)
        self._fail_connect(exchange, f"{CONNECT_REFUSED} {destination.endpoint}", Cause.REFUSED)

    def _fail_connect(self, exchange: Exchange, message: str, cause: Cause) -> None:
        if exchange.done:
            return
        described = bool(self._rng.random() < self._described_failures)
        self._fail(exchange, 500, self._connection_failure(exchange, message), cause, described)

    def _established(self, exchange: Exchange, destination: Destination) -> None:
        unit = self.units[exchange.unit]
        if not self._backends[destination.host].trusted(self._loop.now):
            if exchange.port is not None:
                unit.release(destination, exchange.port, self._loop.now, self._egress.fin_hold_s)
            self._fail_connect(exchange, NOT_TRUSTED, Cause.TLS)
            return
        connection = unit.opened(destination, exchange.port)
        if exchange.done:
            unit.keep(connection)
        else:
            self._send(exchange, connection)

    def _send(self, exchange: Exchange, connection: Connection) -> None:
        exchange.connection = connection
        connection.uses += 1
        if not connection.destination.multiplexed:
            connection.on_reset = partial(self._reset, exchange)
        operation = exchange.call.operation
        assert operation is not None
        backend = self._backends[connection.destination.host]
        answer = backend.answer(operation, self._loop.now, self._rng)
        if needs_port(connection.destination) and answer.after_s > self._egress.idle_timeout_s:
            cut_s = self._egress.idle_timeout_s - float(self._rng.uniform(0.0, CUT_EARLY_S))
            self._loop.after(cut_s, partial(self._cut, exchange, connection))
            return
        self._loop.after(answer.after_s, partial(self._answered, exchange, connection, answer))

    def _cut(self, exchange: Exchange, connection: Connection) -> None:
        """An idle timer cuts a connection on which the back end has been silent."""
        if exchange.done:
            return
        self.units[exchange.unit].close(connection, self._egress.rst_hold_s)
        error = self._connection_failure(exchange, CUT_WHILE_SILENT)
        self._fail(exchange, 500, error, Cause.IDLE_CUT, described=True)

    def _answered(self, exchange: Exchange, connection: Connection, answer: Answer) -> None:
        if exchange.done:
            return
        unit = self.units[exchange.unit]
        closes = self._rng.random() < connection.destination.close_share
        kept = self._backends[connection.destination.host].keeps_open(self._loop.now)
        if (closes or not kept) and not connection.destination.multiplexed:
            unit.close(connection, self._egress.fin_hold_s)
        else:
            unit.keep(connection)
        self._finish(
            exchange,
            answer.status,
            exchange.call.operation,
            backend_status=answer.status,
            cause=answer_cause(answer),
        )

    def _reset(self, exchange: Exchange) -> None:
        assert exchange.connection is not None
        self.units[exchange.unit].close(exchange.connection, self._egress.rst_hold_s)
        error = self._connection_failure(exchange, CONNECTION_RESET)
        self._fail(exchange, 500, error, Cause.RESET, described=True)

    def _hang_up(self, exchange: Exchange) -> None:
        usual = exchange.call.impatient or not self._delayed(exchange)
        cause = Cause.NOISE if usual else Cause.HUNG_UP
        self._give_up(exchange, 0, "ClientConnectionFailure", CLIENT_GONE, cause)

    def _delayed(self, exchange: Exchange) -> bool:
        """Whether the wait is out of the ordinary: no connection yet, or a slowed back end."""
        if exchange.connection is None:
            return True
        backend = self._backends[exchange.connection.destination.host]
        return backend.slowness(self._loop.now) > 1.0

    def _time_out(self, exchange: Exchange) -> None:
        cause = connect_cause(exchange) if exchange.connection is None else Cause.SLOW
        self._give_up(exchange, 500, "Timeout", FORWARD_TIMED_OUT, cause)

    def _give_up(
        self, exchange: Exchange, status: int, reason: str, message: str, cause: Cause
    ) -> None:
        if exchange.done:
            return
        connected = exchange.connection is not None
        if exchange.connection is not None and not exchange.connection.destination.multiplexed:
            self.units[exchange.unit].close(exchange.connection, self._egress.fin_hold_s)
        error = forward_error(self._elapsed(exchange), reason, message)
        self._fail(exchange, status, error, cause, described=connected)

    def _reject(self, exchange: Exchange) -> None:
        status, error = early_error(exchange.call.kind, self._elapsed(exchange))
        self._fail(exchange, status, error, Cause.NOISE, described=False)

    def _fail(
        self, exchange: Exchange, status: int, error: GatewayError, cause: Cause, described: bool
    ) -> None:
        """End a request with an error; `described` if the back-end fields are filled."""
        exchange.done = True
        now = self._loop.now
        written = 0 if status == 0 else int(self._rng.integers(180, 240))
        self._finished(
            Outcome(
                call=exchange.call,
                unit=exchange.unit,
                correlation_id=exchange.correlation_id,
                started=exchange.started,
                ended=now + float(self._rng.gamma(2.0, 0.0004)),
                status=status,
                backend_called=described,
                backend_status=None,
                backend_s=now - exchange.forwarded if described else None,
                client_s=0.0,
                cache=exchange.cache,
                cache_s=None,
                request_bytes=self._request_bytes(exchange.call.operation),
                response_bytes=written,
                error=error,
                cause=cause,
            )
        )

    def _finish(
        self,
        exchange: Exchange,
        status: int,
        operation: Operation | None,
        *,
        backend_status: int | None = None,
        cache_s: float | None = None,
        cause: Cause | None = None,
    ) -> None:
        """End a request with an answer: the back end's, the cache's or a mock."""
        exchange.done = True
        now = self._loop.now
        client_s = float(self._rng.lognormal(np.log(0.004), 0.9))
        called = backend_status is not None
        self._finished(
            Outcome(
                call=exchange.call,
                unit=exchange.unit,
                correlation_id=exchange.correlation_id,
                started=exchange.started,
                ended=now + client_s + (cache_s or 0.0),
                status=status,
                backend_called=called,
                backend_status=backend_status,
                backend_s=now - exchange.forwarded if called else None,
                client_s=client_s,
                cache=exchange.cache,
                cache_s=cache_s,
                request_bytes=self._request_bytes(operation),
                response_bytes=self._response_bytes(operation, status),
                error=None,
                cause=cause,
            )
        )

    def _connection_failure(self, exchange: Exchange, message: str) -> GatewayError:
        return forward_error(self._elapsed(exchange), "BackendConnectionFailure", message)

    def _elapsed(self, exchange: Exchange) -> float:
        return self._loop.now - exchange.started

    def _request_bytes(self, operation: Operation | None) -> int:
        usual = 400 if operation is None else operation.request_bytes
        return usual + int(self._rng.integers(0, 64))

    def _response_bytes(self, operation: Operation | None, status: int) -> int:
        if operation is None or status >= 400:
            return int(self._rng.integers(180, 240))
        return int(operation.response_bytes * self._rng.lognormal(0.0, 0.3))

    def _uuid(self) -> str:
        digits = self._rng.bytes(16).hex()
        variant = "89ab"[int(digits[16], 16) % 4]
        return "-".join(
            (digits[:8], digits[8:12], "4" + digits[13:16], variant + digits[17:20], digits[20:])
        )


def port_tables(world: World) -> tuple[PortTable, ...]:
    """The ports of each unit: its own, or those of the pool that all share."""
    shared = world.egress.shared_ports
    if shared is not None:
        return (PortTable(0, shared),) * len(world.units)
    return tuple(PortTable(number, plan.ports) for number, plan in enumerate(world.units))


def connect_cause(exchange: Exchange) -> Cause:
    """Why there is no connection: no port to send a SYN from, or no answer to it."""
    return Cause.SNAT if exchange.starved else Cause.BLACK_HOLE


def answer_cause(answer: Answer) -> Cause | None:
    """Why the back end's answer was not a good one; None if it was."""
    if not answer.faulty:
        return None if answer.status < 400 else Cause.NOISE
    return Cause.THROTTLED if answer.status == 429 else Cause.BACKEND_ERROR
