"""Exports of each kind that lands, made up: a record of the cases in tests/sources, told often.

Each record has a time and an id of its own, or it would be told once only.
"""

import csv
import gzip
import json
import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from benchmarks import gateway_logs
from benchmarks.measure import MEGABYTE

CASES = Path(__file__).parents[1] / "tests" / "sources"
SAMPLES = Path(__file__).parents[1] / "data" / "samples" / "real"
FIRST = datetime(2026, 3, 10, tzinfo=UTC)
STEP = timedelta(milliseconds=25)
FAILED_EVERY = 50
LINES_BLOB_BYTES = 4 * MEGABYTE
FLOWS_MINUTE = timedelta(minutes=1)
TUPLES_A_GROUP = 25
METRIC_MINUTES = 1440
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of export; ``write`` makes one of about so many bytes, and gives its rows' number."""

    about: str
    write: Callable[[Path, int], int]


def case(source: str, about: str) -> Record:
    """The case of a format whose sentence begins so."""
    said = tomllib.loads((CASES / f"{source}.toml").read_text(encoding="utf-8"))
    found: list[Record] = [each for each in said["case"] if each["about"].startswith(about)]
    if len(found) != 1:
        raise LookupError(f"tests/sources/{source}.toml: {len(found)} cases begin: {about}")
    return found[0]


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _moment(number: int) -> str:
    return f"{FIRST + number * STEP:%Y-%m-%dT%H:%M:%S.%f}7Z"


# --- gateway logs as rows of a table -------------------------------------------------------------


def _table_row(number: int) -> Record:
    """A row of ApiManagementGatewayLogs; most went well, and have no error to tell of."""
    row = dict(TABLE_ROW)
    if number % FAILED_EVERY:
        gone = [name for name in row if name.startswith("LastError")]
        row |= dict.fromkeys([*gone, "Errors"])
        row |= {"IsRequestSuccess": True, "ResponseCode": 200, "BackendResponseCode": 200}
        row |= {"TotalTime": 40 + number % 200, "BackendTime": 38 + number % 200}
    return row | {"TimeGenerated": _moment(number), "CorrelationId": _id(number)}


def _id(number: int) -> str:
    return f"{number:08x}-0000-4000-a000-{number * 2654435761 % 2**48:012x}"


def _some_columns(row: Record) -> Record:
    """Those of the query in the cases; objects are texts in an answer."""
    return {
        name: _dumped(row[name]) if row[name] and name == "Errors" else row[name] for name in SOME
    }


TABLE_ROW: Record = json.loads(
    case("apim_gateway_logs_table", "A line of a data export rule")["lines"]
)
SOME = (
    *("TimeGenerated", "CorrelationId", "Region", "Method", "Url", "ResponseCode"),
    *("IsRequestSuccess", "TotalTime", "BackendTime", "BackendUrl", "BackendResponseCode"),
    *("LastErrorReason", "LastErrorMessage", "LastErrorElapsed", "Errors", "Type", "_ResourceId"),
)


def _until(size: int, texts: Iterator[str], between: str) -> tuple[str, int]:
    """So many texts that their sum is of that size, and their number."""
    told: list[str] = []
    length = 0
    for text in texts:
        told.append(text)
        length += len(text) + len(between)
        if length >= size:
            break
    return between.join(told), len(told)


def _table_export(folder: Path, size: int) -> int:
    return _in_lines(folder, size, (_dumped(_table_row(number)) for number in count()))


def _in_lines(folder: Path, size: int, lines: Iterator[str]) -> int:
    """Hour blobs of lines; a blob is as large as those of the other benchmarks."""
    rows = hour = 0
    while size > 0:
        text, number = _until(min(size, LINES_BLOB_BYTES), lines, "\n")
        path = folder / f"h={hour:04}" / "PT1H.json"
        path.parent.mkdir(parents=True)
        path.write_text(text + "\n")
        rows, hour, size = rows + number, hour + 1, size - len(text)
    return rows


def _query_answer(folder: Path, size: int) -> int:
    """Answers of at most 30,000 rows, the most that the query interface gives."""
    names = [{"name": name, "type": "string"} for name in SOME]
    rows = (list(_some_columns(_table_row(number)).values()) for number in count())
    told = 0
    for part in count():
        number = min(30_000, max(1, (size - _size(folder)) // 700))
        table = {"name": "PrimaryResult", "columns": names, "rows": list(islice(rows, number))}
        (folder / f"answer-{part:03}.json").write_text(_dumped({"tables": [table]}))
        told += number
        if size - _size(folder) < 700:
            return told
    raise AssertionError


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _portal_csv(folder: Path, size: int) -> int:
    """Files of at most 30,000 rows, as the portal saves them."""
    told = 0
    for part in count():
        with (folder / f"query_data-{part:03}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["TimeGenerated [UTC]", *SOME[1:]])
            for _ in range(30_000):
                row = _some_columns(_table_row(told))
                moment = FIRST + told * STEP
                stamp = f"{moment:%m/%d/%Y, %I:%M:%S}.{moment.microsecond // 1000:03}{moment: %p}"
                row |= {
                    "TimeGenerated": stamp,
                    "IsRequestSuccess": _dumped(row["IsRequestSuccess"]),
                }
                table.writerow("" if cell is None else cell for cell in row.values())
                told += 1
                if told % 100 == 0 and size <= file.tell() + part * 30_000 * 500:
                    return told
    raise AssertionError


def _export_job(folder: Path, size: int) -> int:
    """Parquet with all columns; about 30 bytes a row remain when packed, so size is before that."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = max(1, size // 1000)
    rows = [_table_row(each) for each in range(number)]
    for row in rows:
        row["TimeGenerated"] = datetime.fromisoformat(row["TimeGenerated"])
        for name in ("Errors", "RequestHeaders"):
            row[name] = row[name] and _dumped(row[name])
    pq.write_table(pa.Table.from_pylist(rows), folder / "export.parquet", row_group_size=50_000)
    return number


# --- App Service ---------------------------------------------------------------------------------


def _app_service(folder: Path, size: int) -> int:
    """Lines, whose properties are a text."""
    sample = case("app_service_http_logs", "A real record whose properties are a text")["sample"]
    record = json.loads((SAMPLES / sample).read_text())["records"][0]
    properties = json.loads(record["properties"])

    def told(number: int) -> str:
        own = {**properties, "TimeTaken": number % 977, "CIp": f"198.51.100.{number % 250}"}
        moment = _moment(number)
        return _dumped(
            record | {"time": moment, "EventTime": moment, "properties": json.dumps(own)}
        )

    return _in_lines(folder, size, map(told, count()))


# --- flow logs -----------------------------------------------------------------------------------


def _flow_log(folder: Path, size: int) -> int:
    """One document on one line, as an hour of a busy network is."""
    sample = case("vnet_flow_logs", "Records that the file holds twice")["sample"]
    record = json.loads((SAMPLES / sample).read_text())["records"][0]
    numbers = count()
    rows = 0

    def told(minute: int) -> str:
        nonlocal rows
        own = deepcopy(record) | {"time": f"{FIRST + minute * FLOWS_MINUTE:%Y-%m-%dT%H:%M:%S}.0Z"}
        for flow in own["flowRecords"]["flows"]:
            for group in flow["flowGroups"]:
                shapes = [each.split(",") for each in group["flowTuples"]]
                group["flowTuples"] = [
                    _flow(shapes[each % len(shapes)], next(numbers))
                    for each in range(TUPLES_A_GROUP)
                ]
                rows += TUPLES_A_GROUP
        return _dumped(own)

    text, _ = _until(size, map(told, count()), ",")
    (folder / "PT1H.json").write_text(f'{{"records":[{text}]}}')
    return rows


def _flow(shape: list[str], number: int) -> str:
    moment = FIRST + number * timedelta(milliseconds=1)
    return ",".join(
        [str(int(moment.timestamp() * 1000)), *shape[1:3], str(1024 + number % 60_000), *shape[4:]]
    )


# --- metrics -------------------------------------------------------------------------------------


def _metrics(folder: Path, size: int) -> int:
    """Answers for a day, minute by minute, with three series each."""
    answer = json.loads(case("metrics_rest", "Synthetic: a NAT gateway's connections")["document"])
    rows = day = 0
    while _size(folder) < size:
        begins = FIRST + timedelta(days=day)
        own = deepcopy(answer)
        own["timespan"] = (
            f"{begins:%Y-%m-%dT%H:%M:%SZ}/{begins + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        )
        for series in own["value"][0]["timeseries"]:
            series["data"] = [
                {
                    "timeStamp": f"{begins + minute * FLOWS_MINUTE:%Y-%m-%dT%H:%M:%SZ}",
                    "total": float(minute * 37 % 64_512),
                }
                for minute in range(METRIC_MINUTES)
            ]
            rows += METRIC_MINUTES
        (folder / f"metrics-{day:04}.json").write_text(_dumped(own))
        day += 1
    return rows


# --- gateway logs by a diagnostic setting --------------------------------------------------------


def _plain(folder: Path, size: int) -> int:
    logs = gateway_logs.written(folder, size, min(size, LINES_BLOB_BYTES))
    return logs.hours * logs.records_an_hour


def _packed(folder: Path, size: int) -> int:
    rows = _plain(folder, size)
    for path in [each for each in folder.rglob("*.json") if each.is_file()]:
        path.with_suffix(".json.gz").write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))
        path.unlink()
    return rows


KINDS = {
    "plain": Kind("diagnostic setting, JSON Lines (the fast way)", _plain),
    "gzip": Kind("the same, gzip", _packed),
    "table": Kind("table export, JSON Lines", _table_export),
    "app_service": Kind("App Service, properties as a text", _app_service),
    "flow_log": Kind("VNet flow log, one document", _flow_log),
    "query": Kind("query interface, JSON", _query_answer),
    "csv": Kind("portal, CSV", _portal_csv),
    "metrics": Kind("metrics interface, JSON", _metrics),
    "parquet": Kind("export job, Parquet", _export_job),
}
