"""A run told to OpenTelemetry: spans and metrics as a receiver takes them, and no harm done."""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipeline import job, log, telemetry
from pipeline.cli import main
from pipeline.config import Settings
from pipeline.errors import ExitStatus
from pipeline.lake import Lake
from pipeline.lease import HeldError, held
from tests.exports import blob, lines
from tests.servers import Collector, collector

EVENING = datetime(2026, 3, 10, 20, tzinfo=UTC)
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENDPOINT, "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def logged() -> Iterator[StringIO]:
    """What the job logs."""
    kept, out = logging.getLogger("gateway_rca").handlers[:], StringIO()
    log.start(out)
    yield out
    log.logger.handlers[:] = kept


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """An endpoint, named in the environment."""
    with collector() as taking:
        monkeypatch.setenv(ENDPOINT, taking.url)
        yield taking


def ticking() -> Callable[[], datetime]:
    """A clock on which a second passes each time that it is looked at."""
    moments = (EVENING + timedelta(seconds=each) for each in range(10_000))
    return lambda: next(moments)


def settings(folder: Path, *more: str) -> Settings:
    land = {"sources": [str(folder / "in"), *more], "lake": str(folder / "lake")}
    return msgspec.convert({"land": land}, Settings)


def problems(logged: StringIO) -> list[str]:
    told = [json.loads(line) for line in logged.getvalue().splitlines()]
    return [each["why"] for each in told if each["event"] == "telemetry not exported"]


def spans(taken: Collector) -> dict[str, Any]:
    (body,) = [body for path, body in taken.taken if path == "/v1/traces"]
    (resource,) = ExportTraceServiceRequest.FromString(body).resource_spans
    (scope,) = resource.scope_spans
    return {"resource": plain(resource.resource), **{each.name: each for each in scope.spans}}


def metrics(taken: Collector) -> dict[str, Any]:
    (body,) = [body for path, body in taken.taken if path == "/v1/metrics"]
    (resource,) = ExportMetricsServiceRequest.FromString(body).resource_metrics
    (scope,) = resource.scope_metrics
    return {each.name: [*each.gauge.data_points] for each in scope.metrics}


def plain(told: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in told.attributes
    }


def value(points: list[Any]) -> float:
    (point,) = points
    return float(getattr(point, point.WhichOneof("value")))


def test_a_run_is_a_trace_of_its_parts_and_says_what_failed(
    tmp_path: Path, receiver: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod")
    blob(tmp_path / "in" / "PT1H.json", lines(1, 2, 3) + b"broken\n")
    away = "https://x.blob.core.windows.net?sv=1&sig=SECRET"
    done = job.run(settings(tmp_path, away), ticking())
    told = spans(receiver)
    assert told["resource"]["service.name"] == "gateway-rca"
    assert told["resource"]["deployment.environment.name"] == "prod"
    assert told.keys() == {"resource", "run", "land", "land source", "diagnose", "review",
                           "publish", "tidy"}  # fmt: skip
    run, landed = told["run"], told["land"]
    assert landed.parent_span_id == run.span_id
    assert told["land source"].parent_span_id == landed.span_id
    # Times are those of the manifest, measured once.
    assert (run.end_time_unix_nano - run.start_time_unix_nano) / 1e9 == done.took_s
    for name in ("land", "diagnose", "tidy"):
        took_s = (told[name].end_time_unix_nano - told[name].start_time_unix_nano) / 1e9
        assert took_s == done.steps[name]
    attributes = plain(run)
    assert attributes["gateway_rca.rows"] == 3
    assert attributes["gateway_rca.quarantined"] == 1
    assert attributes["gateway_rca.sources"] == 2
    assert attributes["gateway_rca.exit_status"] == done.status == ExitStatus.INCOMPLETE
    # The source that failed stands last of the two, and tells why.
    failed = told["land source"]
    assert (failed.status.code, landed.status.code, run.status.code) == (2, 2, 2)
    assert "names no container" in failed.status.message
    (event,) = failed.events
    assert event.name == "exception"
    assert plain(event)["exception.message"] == done.errors[0]
    assert told["tidy"].status.code == 0
    assert all(each["api-key"] == "abc" for each in receiver.headers)
    assert not any(b"SECRET" in body for _, body in receiver.taken)


def test_metrics_are_of_the_last_run_and_tell_the_last_that_did_well(
    tmp_path: Path, receiver: Collector
) -> None:
    blob(tmp_path / "in" / "PT1H.json", lines(1, 2, 3))
    clock = ticking()
    first = job.run(settings(tmp_path), clock)
    told = metrics(receiver)
    assert value(told["gateway_rca.run.duration"]) == first.took_s
    assert value(told["gateway_rca.last_success"]) == first.started.timestamp()
    assert value(told["gateway_rca.run.errors"]) == 0
    (rows,) = told["gateway_rca.run.rows"]
    assert (rows.as_int, plain(rows)["gateway_rca.dataset"]) == (3, "requests")
    assert plain(rows)["gateway_rca.lake"] == str(tmp_path / "lake")
    receiver.taken.clear()
    job.run(settings(tmp_path, "/nowhere"), clock)
    told = metrics(receiver)
    assert value(told["gateway_rca.run.errors"]) == 1
    assert value(told["gateway_rca.run.exit_status"]) == 1
    assert value(told["gateway_rca.last_success"]) == first.started.timestamp()


def test_a_run_that_found_another_at_work_is_told(tmp_path: Path, receiver: Collector) -> None:
    lake = Lake(tmp_path / "lake")
    lake.ready()
    with held(lake), pytest.raises(HeldError):
        job.run(settings(tmp_path), ticking())
    assert "another run is at work" in spans(receiver)["run"].status.message


@pytest.mark.parametrize(
    ("answers", "silent_s", "says"),
    [
        ([503] * 20, 0, "answered with HTTP status 503"),
        ([401] * 2, 0, "HTTP status 401; check OTEL_EXPORTER_OTLP_HEADERS"),
        ([], 5, "did not answer"),
    ],
)
def test_an_endpoint_that_does_not_take_it_costs_little_and_is_told(
    answers: list[int],
    silent_s: float,
    says: str,
    receiver: Collector,
    tmp_path: Path,
    logged: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    receiver.answers, receiver.silent_s = answers, silent_s
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    assert job.run(settings(tmp_path), ticking()).outcome == "done"
    assert [each.partition(":")[0] for each in problems(logged)] == ["traces", "metrics"]
    assert all(each.endswith(says) or says in each for each in problems(logged))


def test_whatever_the_endpoint_does_a_run_waits_for_so_long_and_no_longer(
    receiver: Collector, tmp_path: Path, logged: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the standard these are milliseconds, which the SDK would take for half an hour.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2000")
    monkeypatch.setattr(telemetry, "PATIENCE_S", 0.5)
    monkeypatch.setattr(telemetry, "LONGEST_S", 0.2)
    receiver.silent_s = 8
    begun = time.monotonic()
    assert job.run(settings(tmp_path, "/nowhere"), ticking()).outcome == "incomplete"
    assert time.monotonic() - begun < 6
    assert problems(logged) == [f"{each}: no answer within 0 s" for each in telemetry.SIGNALS]
    for thread in threading.enumerate():
        if thread.name == "telemetry":
            thread.join(10)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ({ENDPOINT: "http://127.0.0.1:9"}, "pip install 'gateway-rca[otel]'"),
        (
            {ENDPOINT: "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        ),
        ({ENDPOINT: "collector:4318"}, "write it as in http://localhost:4318"),
    ],
)
def test_what_keeps_it_from_being_sent_is_told_with_the_cure(
    said: dict[str, str], cure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, each in said.items():
        monkeypatch.setenv(name, each)
    if "pip" in cure:
        monkeypatch.setitem(sys.modules, telemetry.EXTRA, None)
    blob(tmp_path / "in" / "PT1H.json", lines(1))
    file = tmp_path / "gateway-rca.toml"
    file.write_text(
        f'[land]\nsources = ["{tmp_path}/in"]\nlake = "{tmp_path}/lake"\n'
        "[incident]\nlook_back_days = 90\n"
    )
    ran = CliRunner().invoke(main, ["run", str(file)])
    assert ran.exit_code in (0, 3), ran.stderr
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    (problem,) = [each for each in told if each["event"] == "telemetry not exported"]
    assert cure in problem["why"]
    doctor = CliRunner().invoke(main, ["doctor", "--config", str(file), "--json"])
    (check,) = [each for each in json.loads(doctor.stdout) if each["name"] == "telemetry"]
    assert not check["sound"]
    assert cure in check["cure"]


def test_nothing_is_sent_where_the_standard_variables_say_so(
    receiver: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_METRICS_EXPORTER", "none")
    job.run(settings(tmp_path, "/nowhere"), ticking())
    assert [path for path, _ in receiver.taken] == ["/v1/traces"]
    assert telemetry.tried() == []
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert telemetry.wanted() == []
