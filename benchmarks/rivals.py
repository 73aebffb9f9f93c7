"""Other engines at the work of bare.sql: one of them, alone in the interpreter that runs this file.

Nothing of the project is imported here, so that a rival may live in an environment of its own. The
fields to read come as an empty Parquet file, from which each engine takes its own types.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

THREADS = 2


def polars(exports: Path, fields: Path, output: Path) -> Callable[[], object]:
    """Polars: read lazily, sorted and written by its streaming engine."""
    os.environ["POLARS_MAX_THREADS"] = str(THREADS)
    import polars as pl

    schema = pl.read_parquet_schema(fields)
    told, error = pl.col("properties").struct, pl.col("properties").struct.field("lastError").struct

    def without_query(name: str) -> pl.Expr:
        return told.field(name).str.split("?").list.first()

    # The tenth of a microsecond is cut off.
    moment = pl.col("time").str.slice(0, 26).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us")
    columns = {
        "date": moment.dt.date(),
        "time": moment,
        "resource_id": pl.col("resourceId").str.to_lowercase(),
        "region": pl.col("location"),
        "instance": pl.lit(None, pl.String),
        "correlation_id": pl.col("correlationId"),
        "caller_ip": pl.col("callerIpAddress"),
        "subscription": told.field("apimSubscriptionId"),
        "api": told.field("apiId"),
        "api_revision": told.field("apiRevision"),
        "operation": told.field("operationId"),
        "product": told.field("productId"),
        "method": told.field("method"),
        "url": without_query("url"),
        "protocol": told.field("clientProtocol"),
        "status": told.field("responseCode"),
        "success": pl.col("isRequestSuccess"),
        "total_ms": pl.col("durationMs"),
        "client_ms": told.field("clientTime"),
        "cache": told.field("cache"),
        "cache_ms": told.field("cacheTime"),
        "request_bytes": told.field("requestSize"),
        "response_bytes": told.field("responseSize"),
        "backend": told.field("backendId"),
        "backend_method": told.field("backendMethod"),
        "backend_url": without_query("backendUrl"),
        "backend_protocol": told.field("backendProtocol"),
        "backend_host": told.field("backendUrl").str.split("/").list.get(2, null_on_oob=True),
        "backend_port": pl.lit(443, pl.Int32),
        "backend_status": told.field("backendResponseCode"),
        "backend_ms": told.field("backendTime"),
        "error_source": error.field("source"),
        "error_section": error.field("section"),
        "error_reason": error.field("reason"),
        "error_message": error.field("message"),
        "error_elapsed_ms": error.field("elapsed"),
        "error_ip": pl.lit(None, pl.String),
        "error_port": pl.lit(None, pl.Int32),
        "errors": told.field("errors").list.len(),
        "weight": pl.lit(1.0),
        "blob": pl.col("blob"),
        "position": pl.col("position"),
        "item": pl.lit(1, pl.Int64),
    }
    blobs = sorted(exports.rglob("*.json"))
    rows = pl.scan_ndjson(
        blobs, schema=schema, include_file_paths="blob", row_index_name="position"
    )
    ordered = rows.select(**columns).sort("time")
    return lambda: ordered.sink_parquet(output, compression="zstd", engine="streaming")


def chdb(exports: Path, fields: Path, output: Path) -> Callable[[], object]:
    """ClickHouse in this process, by chdb."""
    engine = import_module("chdb").connect(":memory:")
    nullable = "settings schema_inference_make_columns_nullable = 1"
    described = engine.query(f"describe file('{fields}', Parquet) {nullable}", "JSONEachRow")
    columns = [json.loads(line) for line in str(described).splitlines()]
    sql = Path(__file__).with_name("bare_chdb.sql").read_text(encoding="utf-8")
    for name, value in (
        ("$blobs", f"'{exports}/**/*.json'"),
        ("$columns", _text(", ".join(f"`{each['name']}` {each['type']}" for each in columns))),
        ("$output", f"'{output}'"),
        ("$threads", str(THREADS)),
    ):
        sql = sql.replace(name, value)
    return lambda: engine.query(sql)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


RIVALS = {"polars": polars, "chdb": chdb}


def main(name: str, *paths: str) -> None:
    """Prints what the rival takes as JSON; its version too."""
    run = RIVALS[name](*map(Path, paths))
    began, began_processor = time.perf_counter(), time.process_time()
    run()
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - began_processor
    status = Path("/proc/self/status").read_text().splitlines()
    peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    said = {
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "peak_mb": peak_kib * 1024 / 1e6,
        "version": import_module(name).__version__,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
