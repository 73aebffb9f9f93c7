"""What the simulated world is made of: destinations, APIs, callers and the gateway's units."""

from dataclasses import dataclass
from enum import StrEnum

from tests.simulation.ports import LOAD_BALANCER, Egress, Endpoint


class Path(StrEnum):
    """How the gateway reaches a destination; only the public path needs a translated port."""

    PUBLIC = "public"
    PRIVATE_ENDPOINT = "private_endpoint"


@dataclass(frozen=True, slots=True)
class Destination:
    """A back-end host. `close_share` of its answers end with the connection being closed.

    `handshake_s` is the time to open a connection, TLS included. `multiplexed` back ends speak
    HTTP/2: a unit's calls share one connection, which answers do not close.
    """

    host: str
    endpoint: Endpoint
    scheme: str
    path: Path
    close_share: float
    handshake_s: float
    multiplexed: bool = False

    @property
    def origin(self) -> str:
        """Scheme and authority of the host's URLs, with the port unless it is the usual one."""
        usual = {"https": 443, "http": 80}[self.scheme]
        port = "" if self.endpoint.port == usual else f":{self.endpoint.port}"
        return f"{self.scheme}://{self.host}{port}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of an API. Service time is lognormal: median in seconds, sigma of its log.

    `template` and `query` may hold `{id}`, `{word}` and `{sig}`; `weight` is relative.
    """

    id: str
    method: str
    template: str
    weight: float
    service_s: float
    sigma: float = 0.5
    query: str = ""
    backend_query: str = ""
    cached_share: float = 0.0
    missing_share: float = 0.0
    request_bytes: int = 700
    response_bytes: int = 2000
    status: int = 200


@dataclass(frozen=True, slots=True)
class Api:
    """An API; `timeout_s` is the limit of forward-request, no destination means a mock."""

    id: str
    prefix: str
    revision: str
    destination: Destination | None
    timeout_s: float
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """The software behind one subscription: how long it waits and how it retries, in seconds."""

    subscription: str
    product: str
    user: str
    key_in_query: bool
    patience_s: float
    retries: int
    backoff_s: float


@dataclass(frozen=True, slots=True)
class Caller:
    """One address that calls on behalf of a client; `weight` is its share of the traffic."""

    ip: str
    client: Client
    weight: float


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A scale unit of the gateway: its region and its hidden number of ports per endpoint."""

    location: str
    ports: int


@dataclass(frozen=True, slots=True)
class Noise:
    """Shares of all requests that go wrong for everyday reasons, whatever the scenario."""

    scanner: float = 0.0012
    bad_key: float = 0.002
    policy_error: float = 0.0003
    backend_error: float = 0.0004
    impatient: float = 0.0008


@dataclass(frozen=True, slots=True)
class World:
    """Everything that exists before the first request.

    `pool_idle_s` is how long an unused connection is kept, in seconds; `described_failures` the
    share of failed connects whose record names the back end. `unit_weights` say how requests are
    spread over the units; without them, evenly.
    """

    units: tuple[UnitPlan, ...]
    pool_idle_s: float
    destinations: tuple[Destination, ...]
    apis: tuple[Api, ...]
    callers: tuple[Caller, ...]
    noise: Noise
    described_failures: float
    egress: Egress = LOAD_BALANCER
    unit_weights: tuple[float, ...] = ()

    def destination(self, host: str) -> Destination:
        """The destination of that name."""
        return next(item for item in self.destinations if item.host == host)
