"""Given: the frames and values of an incident, made by hand, for tests of what is built on them.

Minutes are counted from 08:00; a list holds one number a minute.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import polars as pl

from pipeline.config import Gateway
from pipeline.limits import Way, way_out
from pipeline.transforms.fingerprints import Mode
from pipeline.transforms.incidents import Run, merged, runs
from pipeline.transforms.latency import Quantiles, Shift
from pipeline.transforms.ports import Band, Bounds
from pipeline.transforms.through import Through, through
from pipeline.transforms.ways import Ways
from pipeline.window import MINUTE, Window

EIGHT = datetime.fromisoformat("2026-03-10T08:00")
GATEWAY = "/subscriptions/0/resourcegroups/rg/providers/microsoft.apimanagement/service/contoso"
PAYMENTS = "203.0.113.10:443"
ORDERS = "203.0.113.20:443"

Counts = Sequence[float]
WAY_SCHEMA: Mapping[str, type[pl.DataType]] = {
    "destination": pl.String,
    "outcome": pl.String,
    "reason": pl.String,
    "fault": pl.String,
    "backend_status": pl.Int32,
    "requests": pl.Float64,
}
FailureWay = tuple[str | None, str, str | None, str | None, int | None, float]

CONNECT_TIMEOUT: FailureWay = (
    PAYMENTS,
    "failed",
    "BackendConnectionFailure",
    "connect_timeout",
    None,
    1,
)
SERVER_ERROR: FailureWay = (PAYMENTS, "failed", None, None, 503, 1)


def at(minute: float) -> datetime:
    """The moment so many minutes after eight."""
    return EIGHT + timedelta(minutes=minute)


def hours(count: float) -> Window:
    """So many hours from eight on."""
    return Window(EIGHT, EIGHT + timedelta(hours=count))


def requests_by_minute(
    requests: Counts,
    failed: Counts = (),
    rejected: Counts = (),
    aborted: Counts = (),
    gateway: str = GATEWAY,
    sampled: Counts = (),
) -> pl.DataFrame:
    """As the query gives it: minutes without requests have no row.

    A minute's first failure starts 10 s into it, its last ends 50 s into it.
    """
    rows = []
    for minute, count in enumerate(requests):
        if not count:
            continue
        bad = _at(failed, minute) + _at(rejected, minute)
        gone = _at(aborted, minute)
        begin, stop = at(minute) + timedelta(seconds=10), at(minute) + timedelta(seconds=50)
        rows.append(
            {
                "gateway": gateway,
                "minute": at(minute),
                "requests": float(count),
                "failed": float(_at(failed, minute)),
                "rejected": float(_at(rejected, minute)),
                "aborted": float(gone),
                "callers": 1,
                "sampled": int(_at(sampled, minute)),
                "first_failure": begin if bad else None,
                "last_failure_end": stop if bad else None,
                "first_abort": begin if gone else None,
                "last_abort_end": stop if gone else None,
            }
        )
    moments = ("minute", "first_failure", "last_failure_end", "first_abort", "last_abort_end")
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(moments, pl.Datetime("us")))


def failures_by_minute(
    counts: Counts, way: FailureWay = CONNECT_TIMEOUT, gateway: str = GATEWAY
) -> pl.DataFrame:
    """As the query gives it: so many a minute, all of one way of failing.

    A minute's first failure starts 10 s into it, its last ends 50 s into it.
    """
    destination, outcome, reason, fault, status, _ = way
    return pl.DataFrame(
        [
            (
                *(gateway, at(minute), destination, outcome, reason, fault, status, float(count)),
                at(minute) + timedelta(seconds=10),
                at(minute) + timedelta(seconds=50),
            )
            for minute, count in enumerate(counts)
            if count
        ],
        schema={
            "gateway": pl.String,
            "minute": pl.Datetime("us"),
            **WAY_SCHEMA,
            "first_at": pl.Datetime("us"),
            "last_end": pl.Datetime("us"),
        },
        orient="row",
    )


def incidents(
    requests: pl.DataFrame, failures: pl.DataFrame, window: Window, least: int = 20
) -> list[Run]:
    """The incidents that the settings' defaults make of it."""
    found = runs(requests, window, minimum_failures=least, minimum_minutes=2)
    return merged(found, failures)


def run(start: float, last: float, counted: str = "failed", end: bool = True) -> Run:
    """A run from minute to minute."""
    return Run(
        gateway=GATEWAY,
        counted=counted,
        start=at(start),
        last=at(last),
        end=at(last) if end else None,
        bad_minutes=int(last - start),
        longest_bad_run=int(last - start),
        failures=100.0,
        usual_rate=0.0,
        spread=0.0,
        worst_minute=at(int(start)),
        worst_rate=0.5,
    )


def fared(failed: Counts, calls: float = 50, hold_s: float = 240) -> Through:
    """How payments fared in a run of so many minutes, of whose calls so many failed."""
    frame = pl.DataFrame(
        [
            {"destination": PAYMENTS, "minute": at(minute), "calls": calls, "failed": float(count)}
            for minute, count in enumerate(failed)
        ]
    )
    got = through(frame, PAYMENTS, run(0, len(failed) - 0.5), hold_s, None)
    assert got is not None
    return got


def died_of(*kinds: FailureWay) -> Ways:
    """The failures of an incident, by what they died of."""
    frame = pl.DataFrame(list(kinds), schema=WAY_SCHEMA, orient="row")
    return Ways(frame, float(frame["requests"].sum()))


def times(way: FailureWay, requests: float, **changed: str | int | None) -> FailureWay:
    """A way of failing, so often and with some of its values changed."""
    values = {**dict(zip(WAY_SCHEMA, way, strict=True)), **changed, "requests": requests}
    return tuple(values.values())  # type: ignore[return-value]


def held(upper: int, lower: int = 1, limit: int = 1024, destination: str = PAYMENTS) -> Bounds:
    """Ports held to a destination, between bounds."""
    return Bounds(destination, lower, upper, at(60), limit)


def band(
    upper: Counts,
    destination: str = PAYMENTS,
    limit: int = 1024,
    instance: str | None = None,
    basis: str = "gateway_logs",
) -> Band:
    """A band with so many ports at most by minute: a tenth at least, half held, more wanted."""
    levels = series_frame("upper", [float(each) for each in upper]).with_columns(
        lower=pl.col("upper") / 10,
        estimate=pl.col("upper") / 2,
        wanted=pl.col("upper") * 0.6,
        at=pl.col("minute") + timedelta(seconds=7),
    )
    return Band(destination, instance, levels, limit, basis=basis)


def measured_ports(used: Counts, instance: str = "10.0.0.4", allocated: int = 1024) -> pl.DataFrame:
    """As the counters tell it: ports in use on an instance, to all destinations."""
    frame = series_frame("used", [float(each) for each in used], instance=instance)
    return frame.with_columns(
        resource_id=pl.lit("/subscriptions/0/loadbalancers/lb"),
        allocated=pl.lit(float(allocated)),
    )


def way(**stated: object) -> Way:
    """The way out of the gateway, with settings that state so much."""
    return way_out(GATEWAY, Gateway(GATEWAY, **stated), EIGHT)  # type: ignore[arg-type]


def shift(
    before_ms: float | None,
    during_ms: float | None,
    destination: str = PAYMENTS,
    change: float | None = None,
) -> Shift:
    """BackendTime of successes (p95) before and during; ``change`` is the minute of the step."""
    changed = None if change is None else at(change)
    return Shift(
        destination=destination,
        baseline=Window(at(0), at(55)),
        before=Quantiles(500, before_ms, before_ms, before_ms),
        during=Quantiles(500, during_ms, during_ms, during_ms),
        change_at=changed,
        change_from=changed,
        change_to=changed,
        change_factor=None
        if changed is None or not before_ms or during_ms is None
        else during_ms / before_ms,
    )


def series_frame(column: str, values: Counts, **labels: str | bool) -> pl.DataFrame:
    """One number a minute with the same labels."""
    return pl.DataFrame(
        [{**labels, "minute": EIGHT + n * MINUTE, column: value} for n, value in enumerate(values)],
        schema_overrides={"minute": pl.Datetime("us")},
    )


def _at(counts: Counts, minute: int) -> float:
    return counts[minute] if minute < len(counts) else 0


def change(began: float = 10, ended: float | None = 12, **said: object) -> dict[str, object]:
    """A change as the query gives it: done to the gateway itself, by a tool, unless said else."""
    told = {
        "near": "resource",
        "resource_id": GATEWAY,
        "category": "administrative",
        "operation": "microsoft.apimanagement/service/write",
        "status": "succeeded",
        "caller_kind": "application",
        "caller": "tool",
        "old_value": None,
        "new_value": None,
        "cause": None,
        **said,
    }
    parts = str(told["resource_id"]).split("/")
    kind = "/".join(parts[6:8]) or None
    begin, end = at(began), None if ended is None else at(ended)
    return {"resource_type": kind, **told, "began": begin, "ended": end}


def changes_around(*told: dict[str, object]) -> pl.DataFrame:
    """Changes as the query gives them."""
    moments = dict.fromkeys(("began", "ended"), pl.Datetime("us"))
    return pl.DataFrame(list(told), schema_overrides=moments, infer_schema_length=None)


def mode(kind: str, share: float = 0.9) -> Mode:
    """A mode of the lengths of failures that so much of them share."""
    return Mode(kind, (20, 21), 100 * share, share, f"They ended as a {kind} does.")
