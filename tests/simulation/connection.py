"""Connections to back ends, and the keep-alive pools that hold the idle ones."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.simulation.events import EventLoop
from tests.simulation.ports import Egress, PortTable
from tests.simulation.world import Destination, Path


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection; `port` is None on a private path, `on_reset` is set while in use.

    `silent_since` is when it was opened or last put back into the pool.
    """

    destination: Destination
    port: int | None
    uses: int = 0
    idle: bool = False
    silent_since: float = 0.0
    on_reset: Callable[[], None] | None = None


class Unit:
    """A scale unit: its ports and, for each host, its open connections."""

    def __init__(
        self, ports: PortTable, egress: Egress, pool_idle_s: float, loop: EventLoop
    ) -> None:
        self.ports = ports
        self._fin_hold_s = egress.fin_hold_s
        self._pool_idle_s = pool_idle_s
        self._loop = loop
        self._open: dict[str, list[Connection]] = {}
        self._idle: dict[str, list[Connection]] = {}

    def idle_connection(self, destination: Destination) -> Connection | None:
        """Take the connection that was used last out of the pool of that host.

        One that is multiplexed stays there for others.
        """
        if destination.multiplexed:
            return next(iter(self._open.get(destination.host, ())), None)
        idle = self._idle.get(destination.host)
        if not idle:
            return None
        connection = idle.pop()
        connection.idle = False
        return connection

    def port(self, destination: Destination) -> int | None:
        """A port towards a public destination, or None when there is none left."""
        return self.ports.take(destination.endpoint, self._loop.now)

    def opened(self, destination: Destination, port: int | None) -> Connection:
        """A connection that has just been established."""
        connection = Connection(destination, port, silent_since=self._loop.now)
        self._open.setdefault(destination.host, []).append(connection)
        return connection

    def keep(self, connection: Connection) -> None:
        """Put a connection back into the pool, to be closed if nobody uses it for too long."""
        connection.uses += 1
        connection.silent_since = self._loop.now
        if connection.destination.multiplexed:
            self._loop.after(self._pool_idle_s, partial(self._expire, connection, connection.uses))
            return
        connection.idle = True
        connection.on_reset = None
        self._idle.setdefault(connection.destination.host, []).append(connection)
        self._loop.after(self._pool_idle_s, partial(self._expire, connection, connection.uses))

    def close(self, connection: Connection, hold_s: float) -> None:
        """Close a connection; its port stays held for `hold_s` seconds."""
        destination = connection.destination
        if connection not in self._open.get(destination.host, ()):
            return
        self._open[destination.host].remove(connection)
        if connection.idle:
            connection.idle = False
            self._idle[destination.host].remove(connection)
        if connection.port is not None:
            self.release(destination, connection.port, self._loop.now, hold_s)

    def release(self, destination: Destination, port: int, closed: float, hold_s: float) -> None:
        """Let a port go `hold_s` seconds after its connection was `closed`."""
        free_at = max(closed + hold_s, self._loop.now)
        self._loop.at(free_at, lambda: self.ports.free(destination.endpoint, port, closed, free_at))

    def open_connections(self, host: str) -> tuple[Connection, ...]:
        """Every connection to that host, idle or in use."""
        return tuple(self._open.get(host, ()))

    def _expire(self, connection: Connection, uses: int) -> None:
        unused = connection.idle or connection.destination.multiplexed
        if unused and connection.uses == uses:
            self.close(connection, self._fin_hold_s)


def needs_port(destination: Destination) -> bool:
    """Whether the way to that destination is translated."""
    return destination.path is Path.PUBLIC
