"""Exports as tests need them: lines of a gateway log, blobs of them, and what a lake then holds."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from pipeline.lake import Lake
from pipeline.land import Landing, land

MORNING = datetime(2026, 3, 10, 8, tzinfo=UTC)
GATEWAY = "/SUBSCRIPTIONS/0/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/CONTOSO"
TABLES = ("requests", "quarantine", "landings")
Row = dict[str, Any]


def record(number: int, /, **changes: object) -> Row:
    """A gateway log record, its own by its number; ``properties`` among the changes are added."""
    told: Any = changes.pop("properties", {})
    moment = MORNING + timedelta(seconds=number, microseconds=275_087)
    return {
        "isRequestSuccess": True,
        "time": f"{moment:%Y-%m-%dT%H:%M:%S.%f}5Z",
        "category": "GatewayLogs",
        "durationMs": 170,
        "callerIpAddress": "198.51.100.22",
        "correlationId": f"c{number}",
        "location": "West Europe",
        "resourceId": GATEWAY,
        "properties": {
            "method": "GET",
            "url": f"https://api.contoso.example/stock/{number}",
            "responseCode": 200,
            "backendTime": 167,
            "backendUrl": "https://stock.contoso.example/items",
            **told,
        },
        **changes,
    }


def line(number: int, /, **changes: object) -> bytes:
    """The record as a log writes it, without a line end."""
    return json.dumps(record(number, **changes), separators=(",", ":")).encode()


def lines(*numbers: int) -> bytes:
    """The content of a blob: a line for each number."""
    return b"".join(line(number) + b"\n" for number in numbers)


def blob(path: Path, content: bytes) -> Path:
    """Writes a blob, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def landed(source: Path, lake: Path) -> Landing:
    """Lands a source as a run of its own does, and checks that no line was lost on the way."""
    landing = land([str(source)], Lake(lake))
    assert_accounted(landing, lake)
    return landing


def rows(lake: Path, name: str) -> list[Row]:
    """The rows of a table of the lake, read as anybody's Delta reader does."""
    try:
        table = DeltaTable(str(lake / name))
    except TableNotFoundError:
        return []
    found: list[Row] = table.to_pyarrow_table().to_pylist()
    return sorted(found, key=lambda row: (row["blob"], row.get("position", row.get("from_byte"))))


def requests(lake: Path) -> list[Row]:
    """The requests that landed, by blob and position."""
    return rows(lake, "requests")


def ids(lake: Path) -> list[str]:
    """The correlation ids of the requests, sorted; a request that landed twice stands twice."""
    return sorted(row["correlation_id"] for row in requests(lake))


def content(lake: Path) -> dict[str, list[Row]]:
    """All that the lake holds; two runs that differ only in their number hold the same."""
    ledger: dict[str, Counter[str]] = {}
    counts = ("lines", "rows", "duplicates", "quarantined", "set_aside")
    for row in rows(lake, "landings"):
        ledger.setdefault(row["blob"], Counter()).update({count: row[count] for count in counts})
    return {
        "requests": rows(lake, "requests"),
        "quarantine": rows(lake, "quarantine"),
        "landings": [{"blob": name, **counted} for name, counted in sorted(ledger.items())],
    }


def assert_accounted(landing: Landing, lake: Path) -> None:
    """Every line is a row, a duplicate, quarantined, set aside or pending; and they are there."""
    assert landing.lines == (
        landing.rows.total()
        + landing.duplicates
        + landing.quarantined.total()
        + landing.set_aside.total()
        + landing.pending
    )
    ledger = rows(lake, "landings")
    for row in ledger:
        told = row["rows"] + row["duplicates"] + row["quarantined"] + row["set_aside"]
        assert row["lines"] == told, row
    for table, count in (("requests", "rows"), ("quarantine", "quarantined")):
        said: Counter[str] = Counter()
        for row in ledger:
            said[row["blob"]] += row[count]
        assert Counter(row["blob"] for row in rows(lake, table)) == +said
    places = [(row["blob"], row["position"]) for name in TABLES[:2] for row in rows(lake, name)]
    assert len(places) == len(set(places))
