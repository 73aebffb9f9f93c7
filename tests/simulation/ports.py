"""Source ports of the address translation: who holds which, towards where, and until when."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

FIN_HOLD_S = 240.0
RST_HOLD_S = 15.0
IDLE_TIMEOUT_S = 240.0
FIRST_PORT = 1024


@dataclass(frozen=True, slots=True)
class Egress:
    """What translates addresses, and how long it holds a port, in seconds.

    ``kind`` is a word of the settings. ``shared_ports`` are those that all units take from one
    pool; where it is null, each unit has ports of its own.
    """

    kind: str
    fin_hold_s: float
    rst_hold_s: float
    half_open_s: float
    idle_timeout_s: float
    shared_ports: int | None = None


LOAD_BALANCER = Egress("load_balancer", FIN_HOLD_S, RST_HOLD_S, IDLE_TIMEOUT_S, IDLE_TIMEOUT_S)
NAT_GATEWAY = Egress("nat_gateway", 65.0, 16.0, 30.0, 240.0, shared_ports=50_000)


class Endpoint(NamedTuple):
    """The far end of a connection as address translation sees it."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Lease:
    """One port of one unit, held towards one endpoint.

    `taken` is the first SYN, `closed` the FIN, RST or last sign of life, `freed` when the
    port can be taken again; all in seconds since the start.
    """

    unit: int
    endpoint: Endpoint
    port: int
    taken: float
    closed: float
    freed: float


class PortTable:
    """The ports of one unit. One port may serve several endpoints, but each of them only once."""

    def __init__(self, unit: int, limit: int) -> None:
        self.unit = unit
        self.limit = limit
        self.leases: list[Lease] = []
        self._free: dict[Endpoint, deque[int]] = {}
        self._taken: dict[tuple[Endpoint, int], float] = {}

    def take(self, endpoint: Endpoint, now: float) -> int | None:
        """The port longest free towards `endpoint`, or None when all are held."""
        if endpoint not in self._free:
            self._free[endpoint] = deque(range(FIRST_PORT, FIRST_PORT + self.limit))
        if not self._free[endpoint]:
            return None
        port = self._free[endpoint].popleft()
        self._taken[endpoint, port] = now
        return port

    def free(self, endpoint: Endpoint, port: int, closed: float, now: float) -> None:
        """Give back a port whose connection ended at `closed` and whose hold ends now."""
        taken = self._taken.pop((endpoint, port))
        self._free[endpoint].append(port)
        self.leases.append(Lease(self.unit, endpoint, port, taken, closed, now))
