"""One request on its way through the gateway, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum

from tests.simulation.connection import Connection
from tests.simulation.world import Api, Caller, Operation


class Kind(StrEnum):
    """What a request runs into before any back end is involved."""

    CALL = "call"
    SCANNER = "scanner"
    BAD_KEY = "bad_key"
    POLICY_ERROR = "policy_error"


class Cause(StrEnum):
    """The truth about why a request did not get a good answer."""

    SNAT = "snat"
    BLACK_HOLE = "black_hole"
    REFUSED = "refused"
    RESET = "reset"
    SLOW = "slow"
    HUNG_UP = "hung_up"
    IDLE_CUT = "idle_cut"
    UNRESOLVED = "unresolved"
    TLS = "tls"
    POLICY = "policy"
    SATURATED = "saturated"
    BACKEND_ERROR = "backend_error"
    THROTTLED = "throttled"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller asks for. A retry keeps the `number` and has a higher `attempt`."""

    number: int
    attempt: int
    kind: Kind
    caller: Caller
    api: Api | None
    operation: Operation | None
    method: str
    url: str
    backend_url: str | None
    patience_s: float
    impatient: bool


@dataclass(frozen=True, slots=True)
class GatewayError:
    """The gateway's own account of an error; `elapsed_s` counts from the start of the request."""

    elapsed_s: float
    source: str
    path: str
    reason: str
    message: str
    section: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished request. Moments are in seconds since the start of the scenario, times in seconds.

    `backend_*` are None where the log must not have them; `cause` is what the log does not know.
    """

    call: Call
    unit: int
    correlation_id: str
    started: float
    ended: float
    status: int
    backend_called: bool
    backend_status: int | None
    backend_s: float | None
    client_s: float
    cache: str
    cache_s: float | None
    request_bytes: int
    response_bytes: int
    error: GatewayError | None
    cause: Cause | None


@dataclass(slots=True)
class Exchange:
    """A request in flight: what the gateway remembers while it works on it."""

    call: Call
    unit: int
    correlation_id: str
    started: float
    cache: str = "none"
    forwarded: float = 0.0
    connection: Connection | None = None
    port: int | None = None
    last_syn: float = 0.0
    starved: bool = False
    done: bool = False
