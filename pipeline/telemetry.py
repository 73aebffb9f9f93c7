"""Telemetry: hands a run to an OpenTelemetry endpoint, as a trace and metrics.

The standard OTEL_ variables switch it on, where the extra ``otel`` is installed. What is not taken
is told in the log, costs a bounded time, and changes nothing of the run.
"""

import logging
import os
from collections.abc import Callable
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline import log
from pipeline.manifest import Manifest, Part

if TYPE_CHECKING:
    from enum import Enum

    from requests import Session

SIGNALS = ("traces", "metrics")
# A signal is tried for so long, whatever time-out is set: the standard counts in milliseconds, the
# SDK in seconds. That time begins anew at each byte; so no longer than this is waited in all.
PATIENCE_S = 10.0
LONGEST_S = 25.0
SPOKEN = "http/protobuf"
EXTRA = "opentelemetry.exporter.otlp.proto.http"
CURES = {
    401: "; check OTEL_EXPORTER_OTLP_HEADERS",
    403: "; check OTEL_EXPORTER_OTLP_HEADERS",
    404: "; OTEL_EXPORTER_OTLP_ENDPOINT is the URL to which v1/traces and v1/metrics are added",
}
# Its warnings are no JSON, and may quote the headers, which hold the endpoint's key.
logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
Send = Callable[[str, "Session"], "Enum"]


def wanted() -> list[str]:
    """The signals that the environment asks for."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    return [
        each
        for each in SIGNALS
        if _said(each, "ENDPOINT") and os.environ.get(f"OTEL_{each.upper()}_EXPORTER") != "none"
    ]


def lacks() -> str | None:
    """What keeps all that is wanted from being sent, with the cure; null if nothing."""
    if not _installed():
        return (
            "an OTEL_ variable names an endpoint, and OpenTelemetry is not installed; "
            "pip install 'gateway-rca[otel]'"
        )
    for each in wanted():
        if (protocol := _said(each, "PROTOCOL") or SPOKEN) != SPOKEN:
            return (
                f"the protocol for {each} is {protocol}, and only {SPOKEN} is spoken here; set "
                f"OTEL_EXPORTER_OTLP_PROTOCOL={SPOKEN}, and the endpoint's HTTP port (4318)"
            )
        if not _said(each, "ENDPOINT").startswith(("http://", "https://")):
            return (
                f"the endpoint for {each} is no URL; write it as in http://localhost:4318, in "
                "OTEL_EXPORTER_OTLP_ENDPOINT"
            )
    return None


def export(lake: str, manifest: Manifest, parts: list[Part]) -> None:
    """Sends a run, if that is wanted; what is not taken is told in the log."""

    def send(signal: str, session: "Session") -> "Enum":
        from opentelemetry.exporter.otlp.proto.http import metric_exporter, trace_exporter

        from pipeline import traced

        if signal == "traces":
            spans = traced.spans(lake, manifest, parts)
            return trace_exporter.OTLPSpanExporter(
                session=session, timeout=_patience_s(signal)
            ).export(spans)
        measures = traced.measures(lake, manifest)
        return metric_exporter.OTLPMetricExporter(
            session=session, timeout=_patience_s(signal)
        ).export(measures)

    for why in _failures(send):
        log.problem("telemetry not exported", why=why)


def tried() -> list[str]:
    """Why what is wanted would not be taken; tried by messages that hold nothing."""

    def send(signal: str, session: "Session") -> "Enum":
        from opentelemetry.exporter.otlp.proto.http import metric_exporter, trace_exporter
        from opentelemetry.sdk.metrics.export import MetricsData

        if signal == "traces":
            return trace_exporter.OTLPSpanExporter(
                session=session, timeout=_patience_s(signal)
            ).export([])
        return metric_exporter.OTLPMetricExporter(
            session=session, timeout=_patience_s(signal)
        ).export(MetricsData([]))

    return _failures(send)


def endpoints() -> str:
    """Where to each signal goes that is wanted, as may be printed."""
    return ", ".join(f"{each} to {_host(each)}" for each in wanted())


def _failures(send: Send) -> list[str]:
    """Sends each signal that is wanted; gives what was not taken, and why."""
    if not wanted():
        return []
    if why := lacks():
        return [why]
    told = {each: f"{each}: no answer within {LONGEST_S:.0f} s" for each in wanted()}
    sending = Thread(target=_sent, args=(send, told), daemon=True, name="telemetry")
    sending.start()
    sending.join(LONGEST_S)
    return [*told.values()]


def _sent(send: Send, told: dict[str, str]) -> None:
    """Sends; what is taken is struck off, and the rest gets its reason."""
    for signal in list(told):
        try:
            why = _refused(send, signal)
        except Exception as error:  # a run does not fail for what tells of it
            log.bug("bug", part="telemetry")
            why = f"a fault of gateway-rca itself, see the log: {type(error).__name__}"
        if why:
            told[signal] = f"{signal}: {why}"
        else:
            del told[signal]


def _refused(send: Send, signal: str) -> str | None:
    import requests

    answers: list[int] = []
    with requests.Session() as session:
        session.hooks["response"].append(
            lambda answer, *_, **__: answers.append(answer.status_code)
        )
        if send(signal, session).name == "SUCCESS":
            return None
    where = _host(signal)
    if not answers:
        return f"{where} did not answer; check OTEL_EXPORTER_OTLP_ENDPOINT, collector and network"
    return f"{where} answered with HTTP status {answers[-1]}{CURES.get(answers[-1], '')}"


def _installed() -> bool:
    try:
        return find_spec(EXTRA) is not None
    except ModuleNotFoundError:
        return False


def _said(signal: str, what: str) -> str:
    """What the environment says of a signal, else of all."""
    names = (f"OTEL_EXPORTER_OTLP_{signal.upper()}_{what}", f"OTEL_EXPORTER_OTLP_{what}")
    return next((said for each in names if (said := os.environ.get(each, "").strip())), "")


def _patience_s(signal: str) -> float:
    try:
        return min(float(_said(signal, "TIMEOUT") or PATIENCE_S), PATIENCE_S)
    except ValueError:
        return PATIENCE_S


def _host(signal: str) -> str:
    """The endpoint's host and port; a URL may hold a key."""
    url = urlsplit(_said(signal, "ENDPOINT"))
    return url.netloc.rpartition("@")[2]
