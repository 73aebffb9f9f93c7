"""How back ends behave: service times, and the faults that can befall them."""

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from tests.simulation.world import Operation


class Syn(Enum):
    """What comes back when the gateway asks for a new connection."""

    ANSWERED = auto()
    REFUSED = auto()
    LOST = auto()
    UNRESOLVED = auto()


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Service times grow to `factor` times the usual in `ramp_s`, and fall as long after `end`."""

    host: str
    start: float
    end: float
    factor: float
    ramp_s: float

    def factor_at(self, now: float) -> float:
        """How many times slower than usual; the growth is exponential, as queues grow."""
        rise = (now - self.start) / self.ramp_s
        fall = 1.0 - (now - self.end) / self.ramp_s
        return float(self.factor ** min(1.0, max(0.0, min(rise, fall))))


@dataclass(frozen=True, slots=True)
class Refusal:
    """The process is gone: open connections are reset at `start`, new ones refused until `end`."""

    host: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Somebody drops SYNs from `start` to `end`.

    Connections that are already open live on, unless the fault `cuts` them, too.
    """

    host: str
    start: float
    end: float
    cuts: bool = False


@dataclass(frozen=True, slots=True)
class NameLost:
    """The host's name does not resolve for a share of new connections from `start` to `end`."""

    host: str
    start: float
    end: float
    share: float


@dataclass(frozen=True, slots=True)
class BadCertificate:
    """No new connection gets through its TLS handshake from `start` to `end`."""

    host: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ReuseLost:
    """Each answer ends with its connection being closed, from `start` to `end`."""

    host: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class ErrorAnswers:
    """A share of requests is answered with `status`, fast, from `start` to `end`."""

    host: str
    start: float
    end: float
    status: int
    share: float


@dataclass(frozen=True, slots=True)
class Throttle:
    """A token bucket at the back end: more than `per_second` on average is answered with 429."""

    host: str
    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class FullBacklog:
    """A token bucket of handshakes: SYNs beyond `per_second` on average are dropped unseen."""

    host: str
    per_second: float
    burst: float


Fault = (
    Slowdown
    | Refusal
    | BlackHole
    | NameLost
    | BadCertificate
    | ReuseLost
    | ErrorAnswers
    | Throttle
    | FullBacklog
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A back end's answer: seconds until it is there, its status, and whether a fault made it."""

    after_s: float
    status: int
    faulty: bool


class Backend:
    """One host under its faults."""

    def __init__(self, faults: tuple[Fault, ...], error_share: float) -> None:
        self._faults = faults
        self._error_share = error_share
        buckets = (fault for fault in faults if isinstance(fault, Throttle | FullBacklog))
        self._tokens = {fault: fault.burst for fault in buckets}
        self._refilled = 0.0

    def syn(self, now: float) -> Syn:
        """What happens to an attempt to connect at `now`."""
        for fault in self._faults:
            if isinstance(fault, Refusal) and fault.start <= now < fault.end:
                return Syn.REFUSED
            if isinstance(fault, BlackHole) and fault.start <= now < fault.end:
                return Syn.LOST
            if isinstance(fault, FullBacklog) and not self._admit(fault, now):
                return Syn.LOST
        return Syn.ANSWERED

    def resolves(self, now: float, rng: np.random.Generator) -> bool:
        """Whether the host's name is found at `now`."""
        return not any(
            isinstance(fault, NameLost)
            and fault.start <= now < fault.end
            and rng.random() < fault.share
            for fault in self._faults
        )

    def trusted(self, now: float) -> bool:
        """Whether a TLS handshake succeeds at `now`."""
        return not self._any(BadCertificate, now)

    def keeps_open(self, now: float) -> bool:
        """Whether connections outlive their answers at `now`."""
        return not self._any(ReuseLost, now)

    def slowness(self, now: float) -> float:
        """How many times slower than usual the host is."""
        factors = [f.factor_at(now) for f in self._faults if isinstance(f, Slowdown)]
        return math.prod(factors)

    def answer(self, operation: Operation, now: float, rng: np.random.Generator) -> Answer:
        """The answer to a request that reaches the host at `now`."""
        quick = float(rng.lognormal(np.log(0.008), 0.4))
        luck = float(rng.random())
        for fault in self._faults:
            match fault:
                case ErrorAnswers() if fault.start <= now < fault.end and luck < fault.share:
                    return Answer(quick, fault.status, faulty=True)
                case Throttle() if not self._admit(fault, now):
                    return Answer(quick, 429, faulty=True)
        usual = float(rng.lognormal(np.log(operation.service_s), operation.sigma))
        service = usual * self.slowness(now)
        if luck > 1.0 - self._error_share:
            return Answer(service, 500, faulty=False)
        if luck > 1.0 - self._error_share - operation.missing_share:
            return Answer(service, 404, faulty=False)
        return Answer(service, operation.status, faulty=False)

    def _any(self, kind: type[BadCertificate] | type[ReuseLost], now: float) -> bool:
        faults = (fault for fault in self._faults if isinstance(fault, kind))
        return any(fault.start <= now < fault.end for fault in faults)

    def _admit(self, fault: Throttle | FullBacklog, now: float) -> bool:
        gained = (now - self._refilled) * fault.per_second
        self._refilled = now
        self._tokens[fault] = min(fault.burst, self._tokens[fault] + gained)
        if self._tokens[fault] < 1.0:
            return False
        self._tokens[fault] -= 1.0
        return True
