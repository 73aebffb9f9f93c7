"""Ask: the queries a report needs, each run once with the parameters of its window or incident."""

from collections.abc import Iterable, Mapping

import polars as pl
import pyarrow as pa

from pipeline.answer import Answer, settled
from pipeline.config import Gateway, Settings
from pipeline.engine import Engine
from pipeline.query import queries

Parameters = Mapping[str, object]


def ask(engine: Engine, names: Iterable[str], parameters: Parameters) -> dict[str, Answer]:
    """The answers to the named queries, by name."""
    answers = {}
    for name in dict.fromkeys(names):
        query = queries()[name]
        bound = {each.name: parameters[each.name] for each in query.parameters}
        answers[name] = Answer(name, bound, settled(pl.DataFrame(engine.ask(query, bound))))
    return answers


def tell_topology(engine: Engine, settings: Settings) -> dict[str, str]:
    """Makes gateways and destinations known to the engine; gives what was learnt from the logs.

    An address comes from the settings; a host that they do not name gets the one address that its
    failed calls name. The answer maps such hosts to their addresses.
    """
    stated = {destination.host.lower() for destination in settings.destination}
    rows = [row for each in settings.destination for row in _stated(each.host, each.ips, each.path)]
    engine.hold("destinations", _destinations(rows))
    observed = pl.DataFrame(engine.ask(queries()["observed_addresses"], {}))
    single = observed.group_by("host", maintain_order=True).agg(pl.col("ip").unique())
    learnt = {
        host: ips[0] for host, ips in single.iter_rows() if host not in stated and len(ips) == 1
    }
    rows += [row for host, ip in learnt.items() for row in _stated(host, (ip,), None)]
    engine.hold("destinations", _destinations(rows))
    engine.hold("gateways", _gateways(settings.gateway))
    return learnt


def without_topology(engine: Engine) -> None:
    """Makes an engine know no gateway and no destination."""
    engine.hold("destinations", _destinations([]))
    engine.hold("gateways", _gateways(()))


def _stated(
    host: str, ips: tuple[str, ...], path: str | None
) -> list[tuple[str, str, str | None, str | None]]:
    """Rows of (name as called, address to count under, host, way).

    Hosts on one address are counted under it. A host on several is counted under its own name, and
    so are its addresses: which of them a call went to, the logs do not say.
    """
    written = [_as_in_urls(ip) for ip in ips]
    address = written[0] if len(written) == 1 else host.lower()
    return [(name, address, host.lower(), path) for name in (host.lower(), *written)]


def _as_in_urls(ip: str) -> str:
    """An address as logs write it: IPv6 in lower case and brackets."""
    bare = ip.lower().strip("[]")
    return f"[{bare}]" if ":" in bare else bare


def _gateways(stated: Iterable[Gateway]) -> pa.Table:
    told = [(each.resource_id.lower(), 1 / (each.sampling or 1)) for each in stated]
    return pa.table(
        {
            "gateway": pa.array([name for name, _ in told], pa.string()),
            "requests_a_record": pa.array([share for _, share in told], pa.float64()),
        }
    )


def _destinations(rows: list[tuple[str, str, str | None, str | None]]) -> pa.Table:
    """One row a name: where several hosts share an address, no one host is it."""
    by_name: dict[str, list[tuple[str, str, str | None, str | None]]] = {}
    for row in rows:
        by_name.setdefault(row[0], []).append(row)
    merged = [
        (
            name,
            each[0][1] if len({row[1] for row in each}) == 1 else name,
            each[0][2] if len({row[2] for row in each}) == 1 else None,
            each[0][3],
        )
        for name, each in sorted(by_name.items())
    ]
    columns = list(zip(*merged, strict=True)) if merged else [(), (), (), ()]
    return pa.table(
        {
            name: pa.array(values, pa.string())
            for name, values in zip(("named", "address", "host", "path"), columns, strict=True)
        }
    )
