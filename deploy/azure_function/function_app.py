"""The scheduled job as an Azure Function: two timers, and a request for a report over a window.

A run ends within the host's time-out by `land.at_most_minutes`, and the next one goes on. An
invocation fails where the run did, so that an alert on failed invocations sees it.
"""

import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import azure.functions as func
import msgspec

from pipeline.checked import checked
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.lake import Lake
from pipeline.report import Format
from pipeline.run import incident_report
from pipeline.window import parsed

CONFIG = Path(os.environ.get("GATEWAY_RCA_CONFIG", Path(__file__).with_name("gateway-rca.toml")))
KINDS = {
    Format.HTML: "text/html; charset=utf-8",
    Format.JSON: "application/json",
    Format.PDF: "application/pdf",
}

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.timer_trigger(schedule="%GATEWAY_RCA_SCHEDULE%", arg_name="timer")
def run(timer: func.TimerRequest) -> None:
    """Does the job: what is new, reported and handed on."""
    _job()


@app.timer_trigger(schedule="%GATEWAY_RCA_REVIEW_SCHEDULE%", arg_name="timer")
def review(timer: func.TimerRequest) -> None:
    """Does the job at the hour of the weekly review, which it makes because it is due then."""
    _job()


@app.route(route="incident", methods=["POST"], trigger_arg_name="request")
def incident(request: func.HttpRequest) -> func.HttpResponse:
    """A report over a window: `from`, `to` (ISO 8601, UTC) and `format` (html, json, pdf)."""
    try:
        asked = {**_body(request), **request.params}
        kind = Format(asked.get("format", "html"))
        if kind not in KINDS:
            raise PipelineError(f"{kind} has files beside it; ask for {', '.join(KINDS)}")
        moments = [asked.get(name) for name in ("from", "to")]
        start, stop = (parsed(str(each), "the time") if each else None for each in moments)
    except (PipelineError, ValueError) as error:
        return func.HttpResponse(f"{error}\n", status_code=400)
    settings = checked(CONFIG)
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        output = {kind: Path(folder) / f"rca.{kind}"}
        try:
            lake = Lake(settings.land.lake)
            done = incident_report([], lake, (start, stop), settings, output, logging.info, _quiet)
        except NothingToReportError as error:
            return func.HttpResponse(f"{error}\n", status_code=404)
        except PipelineError as error:
            return func.HttpResponse(f"{error}\n", status_code=400)
        if not done.written:
            why = "; ".join(done.shortcomings)
            return func.HttpResponse(f"{why}; ask for html or json\n", status_code=501)
        return func.HttpResponse(output[kind].read_bytes(), mimetype=KINDS[kind])


def _body(request: func.HttpRequest) -> dict[str, object]:
    told = request.get_body()
    return msgspec.json.decode(told, type=dict[str, object]) if told else {}


def _quiet(_: object) -> None:
    pass


def _job() -> None:
    from pipeline.job import run as run_job

    manifest = run_job(checked(CONFIG), lambda: datetime.now(UTC))
    logging.info("run ended %s", msgspec.json.encode(manifest).decode())
    if manifest.errors:
        raise RuntimeError("incomplete: " + "; ".join(manifest.errors))
