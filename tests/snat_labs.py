"""Two public labs that claim SNAT exhaustion, told as Application Insights would tell their calls.

Both are yeongseon's (``data/samples/real/snat-experiments``, origins beside it). Nobody read a
port counter, so whether ports ran out is not known; what became of each call is.

**Experiments** (``yeongseon_exp_*``): threads that each call the target, wait for its answer, and
call again over a new connection. A record's ``t`` is the *end* of its call, in seconds since the
run began, and ``ms`` its duration, so that the call began at ``t - ms / 1000``. Warm-up calls show
it: with 50 threads, ``t`` goes from 10.25 to 10.92 s and ``ms`` is the same within 0.05 s, so all
began in the first 0.05 s. Were ``t`` the start, each run would be idle for its first 10 s, that of
300 threads would end at 122 s where 90.8 s are recorded, and threads would call again before they
had their answer, which otherwise none does. ``test_snat_labs`` computes it. ``t`` is told to 10 ms,
so no start is known better.

**Lab of the guide** (``yeongseon_lab_*``): thirty requests, fifteen at a time, to an app that makes
twenty calls in a row for each. The bodies of two answers are kept: how many calls, how many of them
failed, how long all took; nothing of a call by itself. Here they follow each other in equal parts
up to the moment of the answer, and those that failed are the last. What the app did for the other
requests nobody recorded, and nothing is made up.

For a call without a status, Application Insights of Python writes result code 0; ``Success`` is as
recorded. Neither tells the error's text.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

REAL = Path(__file__).parents[1] / "data" / "samples" / "real"
LABS = REAL / "snat-experiments"
GUIDE_BATCH = "20260404T055433Z"
GUIDE_BODIES = (2, 3)


@dataclass(frozen=True, slots=True)
class Call:
    """An outbound call that a lab recorded; seconds since the lab began."""

    start_s: float
    ms: float
    target: str
    status: int | None
    succeeded: bool
    worker: int

    @property
    def end_s(self) -> float:
        """When it was over."""
        return self.start_s + self.ms / 1000


def recorded(connections: int) -> dict[str, Any]:
    """The experiment with so many threads, as its author recorded it."""
    path = LABS / f"yeongseon_exp_{connections}conn_nopool_run1.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def experiment(connections: int) -> list[Call]:
    """The calls of the experiment with so many threads."""
    run = recorded(connections)
    return [
        Call(
            start_s=each["t"] - each["ms"] / 1000,
            ms=each["ms"],
            target=run["config"]["target"],
            status=each["sc"],
            succeeded=each["ok"],
            worker=each["w"],
        )
        for each in run["raw_results"]
    ]


def guide() -> list[Call]:
    """The calls of the guide's lab that its two bodies tell of; both were asked for at once."""
    waited = (LABS / f"yeongseon_lab_outbound-targeted-{GUIDE_BATCH}.csv").read_text("utf-8")
    answered_s = {
        int(number): float(seconds)
        for number, status, seconds, *_ in csv.reader(waited.splitlines())
        if status == "200"
    }
    return [call for request in GUIDE_BODIES for call in _in_a_row(request, answered_s[request])]


def _in_a_row(request: int, answered_s: float) -> Iterator[Call]:
    path = LABS / f"yeongseon_lab_error-body-{request}_body-{GUIDE_BATCH}.txt"
    body = json.loads(path.read_text(encoding="utf-8"))
    ms = body["elapsedMs"] / body["calls"]
    for place in range(body["calls"]):
        succeeded = place < body["successes"]
        yield Call(
            start_s=answered_s - (body["calls"] - place) * ms / 1000,
            ms=ms,
            target=body["target"],
            status=200 if succeeded else None,
            succeeded=succeeded,
            worker=request,
        )


def resource(app: str) -> str:
    """The Application Insights resource of an app of a lab."""
    return (
        "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG-SNAT-LAB"
        f"/PROVIDERS/MICROSOFT.INSIGHTS/COMPONENTS/{app.upper()}"
    )


def export(calls: Iterable[Call], app: str, begun: datetime, folder: Path) -> Path:
    """A new folder with the blob that a diagnostic setting would write of the calls."""
    folder.mkdir()
    in_order = sorted(calls, key=lambda call: call.end_s)
    lines = [
        json.dumps(_record(number, call, app, begun), separators=(",", ":")) + "\r\n"
        for number, call in enumerate(in_order)
    ]
    (folder / "PT1H.json").write_bytes("".join(lines).encode())
    return folder


def _record(number: int, call: Call, app: str, begun: datetime) -> dict[str, Any]:
    """A record of AppDependencies as storage holds it; ``begun`` is UTC without a zone."""
    called = urlsplit(call.target)
    time = begun + timedelta(seconds=call.start_s)
    return {
        "time": f"{time:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "resourceId": resource(app),
        "Type": "AppDependencies",
        "AppRoleInstance": f"{app}-0",
        "AppRoleName": app,
        # A call has an operation of its own: two that began at one moment are still two.
        "OperationId": f"{call.worker:016x}{number:016x}",
        "Id": f"{number:016x}",
        "Target": called.hostname,
        "DependencyType": "HTTP",
        "Name": f"GET {called.path}",
        "Data": call.target,
        "Success": call.succeeded,
        "ResultCode": str(call.status or 0),
        "DurationMs": call.ms,
        "ItemCount": 1,
    }
