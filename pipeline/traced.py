"""Traced: a run as spans and measures, from what its manifest and its parts tell.

Nothing is measured again. Measures are gauges, each of the last run: a job that ends after each run
has no count that goes on, and gauges mean the same whatever temporality a backend wants.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version

import polars as pl
from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from pipeline.manifest import Manifest, OfSource, Part
from pipeline.transforms.redaction import redacted

NAME = "gateway-rca"
Value = str | int | float


def spans(lake: str, manifest: Manifest, parts: Iterable[Part]) -> list[ReadableSpan]:
    """A span for the run, one for each of its parts, and in that of landing one a source."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer(NAME, version(NAME))
    whole = _begun(tracer, "run", manifest.started, Context(), of_run(lake, manifest))
    within = set_span_in_context(whole, Context())
    # Those of sources come last, into the one that landed them.
    landing = within
    for part in sorted(parts, key=lambda each: each.source is not None):
        if part.source:
            span = _begun(tracer, "land source", part.began, landing, of_source(part.source))
        else:
            span = _begun(tracer, part.name, part.began, within, {})
        if part.name == "land":
            landing = set_span_in_context(span, Context())
        _ended(span, part.ended, part.errors)
    _ended(whole, manifest.ended or manifest.started, manifest.errors)
    provider.shutdown()
    return list(exporter.get_finished_spans())


def measures(lake: str, manifest: Manifest) -> MetricsData:
    """What a dashboard or an alert asks of the last run."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], resource=_resource(), shutdown_on_exit=False)
    _measure(provider.get_meter(NAME, version(NAME)), lake, manifest)
    data = reader.get_metrics_data() or MetricsData([])
    provider.shutdown()
    return data


def _measure(meter: Meter, lake: str, manifest: Manifest) -> None:
    here: dict[str, Value] = {"gateway_rca.lake": lake}

    def gauge(name: str, unit: str, about: str, value: float | None, **attributes: str) -> None:
        if value is not None:
            named = {f"gateway_rca.{key}": each for key, each in attributes.items()}
            meter.create_gauge(f"gateway_rca.{name}", unit, about).set(value, {**here, **named})

    gauge("run.duration", "s", "How long the last run took", manifest.took_s)
    gauge("run.errors", "{error}", "What failed in the last run", len(manifest.errors))
    gauge("run.exit_status", "", "0 done, 1 in part, 3 nothing to report on", manifest.status)
    gauge("run.peak_memory", "By", "Memory at most", manifest.peak_memory_bytes)
    for dataset, rows in rows_landed(manifest).items():
        gauge("run.rows", "{row}", "Rows landed by the last run", rows, dataset=dataset)
    quarantined = sum(each.quarantined for each in manifest.sources)
    gauge("run.quarantined", "{record}", "Records that could not be read", quarantined)
    gauge("run.incidents", "{incident}", "Incidents reported first", manifest.incidents)
    gauge("run.reports", "{report}", "Reports and revisions issued", len(manifest.reports))
    success = manifest.succeeded.timestamp() if manifest.succeeded else None
    gauge("last_success", "s", "When the last run that did well began, Unix time", success)


def of_run(lake: str, manifest: Manifest) -> dict[str, Value]:
    """The attributes of a run's span."""
    told: dict[str, Value] = {
        "lake": lake,
        "outcome": manifest.outcome,
        "exit_status": int(manifest.status),
        "sources": len(manifest.sources),
        "rows": rows_landed(manifest).total(),
        "quarantined": sum(each.quarantined for each in manifest.sources),
        "incidents": manifest.incidents,
        "reports": len(manifest.reports),
        "delivered": len(manifest.delivered),
        "errors": len(manifest.errors),
        "peak_memory_bytes": manifest.peak_memory_bytes,
    }
    return {f"gateway_rca.{name}": value for name, value in told.items()}


def of_source(told: OfSource) -> dict[str, Value]:
    """The attributes of the span in which a source was landed."""
    counts: dict[str, Value] = {
        "source": told.source,
        "blobs": told.blobs,
        "blobs_read": told.read,
        "lines": told.lines,
        "rows": sum(told.rows.values()),
        "duplicates": told.duplicates,
        "quarantined": told.quarantined,
        "set_aside": told.set_aside,
        "pending": told.pending,
    }
    return {f"gateway_rca.{name}": value for name, value in counts.items()}


def rows_landed(manifest: Manifest) -> Counter[str]:
    """Rows that a run landed, by dataset."""
    return sum((Counter(each.rows) for each in manifest.sources), Counter())


def _resource() -> Resource:
    """Who tells; what the environment states goes before our own names."""
    stated = OTELResourceDetector().detect().attributes
    return Resource.create({"service.name": NAME, "service.version": version(NAME), **stated})


def _begun(
    tracer: Tracer, name: str, at: datetime, within: Context, attributes: Mapping[str, Value]
) -> Span:
    clean = {key: _clean_value(each) for key, each in attributes.items()}
    return tracer.start_span(name, within, attributes=clean, start_time=_nanoseconds(at))


def _ended(span: Span, at: datetime, errors: Iterable[str]) -> None:
    """Ends a span; each error is an event of it, and the first says what became of it."""
    told = _clean(errors)
    for each in told:
        span.add_event("exception", {"exception.message": each}, _nanoseconds(at))
    if told:
        span.set_status(Status(StatusCode.ERROR, told[0]))
    span.end(_nanoseconds(at))


def _clean_value(value: Value) -> Value:
    return _clean([value])[0] if isinstance(value, str) else value


def _clean(texts: Iterable[str]) -> list[str]:
    return redacted(pl.Series(list(texts), dtype=pl.String)).to_list()


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
