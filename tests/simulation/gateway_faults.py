"""What can befall the gateway itself, whatever the back ends do."""

from dataclasses import dataclass

from tests.simulation.world import Api


@dataclass(frozen=True, slots=True)
class PolicyBroken:
    """A policy of an API throws for a share of its requests from `start` to `end`."""

    api: str
    start: float
    end: float
    share: float


@dataclass(frozen=True, slots=True)
class Saturation:
    """CPU runs short: the gateway's own time grows to `factor` times the usual.

    It grows within `ramp_s`, and falls as long after `end`. What has waited for longer than
    `most_wait_s` is turned away with 503, before any back end is called.
    """

    start: float
    end: float
    factor: float
    ramp_s: float
    most_wait_s: float

    def factor_at(self, now: float) -> float:
        """How many times the gateway's own time is the usual one."""
        rise = (now - self.start) / self.ramp_s
        fall = 1.0 - (now - self.end) / self.ramp_s
        return float(self.factor ** min(1.0, max(0.0, min(rise, fall))))


@dataclass(frozen=True, slots=True)
class SickUnit:
    """No new connection of one unit gets an answer from `start` to `end`, wherever it goes."""

    unit: int
    start: float
    end: float


GatewayFault = PolicyBroken | Saturation | SickUnit


class Health:
    """The gateway under its faults."""

    def __init__(self, faults: tuple[GatewayFault, ...]) -> None:
        self._policies = [each for each in faults if isinstance(each, PolicyBroken)]
        self._saturations = [each for each in faults if isinstance(each, Saturation)]
        self._sick = [each for each in faults if isinstance(each, SickUnit)]

    def slowness(self, now: float) -> float:
        """How many times slower than usual the gateway itself is."""
        return max((each.factor_at(now) for each in self._saturations), default=1.0)

    def turns_away(self, waited_s: float) -> bool:
        """Whether a request has waited for too long to be let in."""
        return any(waited_s > each.most_wait_s for each in self._saturations)

    def broken_share(self, api: Api, now: float) -> float:
        """The share of an API's requests whose policy throws."""
        shares = (
            each.share
            for each in self._policies
            if each.api == api.id and each.start <= now < each.end
        )
        return max(shares, default=0.0)

    def isolated(self, unit: int, now: float) -> bool:
        """Whether a unit's new connections get no answer."""
        return any(each.unit == unit and each.start <= now < each.end for each in self._sick)
