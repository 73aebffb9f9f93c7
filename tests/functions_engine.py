"""Indexes a function app and invokes it, by the engine that the Azure Functions host runs.

Run by the Python that has the engine: ``python functions_engine.py FOLDER ANSWERS < calls``. The
host's messages (gRPC, which the host would bring) are plain objects with the same fields.
"""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message of the host's protocol: it has the fields that it was given."""

    def WhichOneof(self, _: str) -> str | None:  # noqa: N802  # the protocol's name
        return next(iter(self.__dict__), None)


class Handed(SimpleNamespace):
    """What is handed over, and to which parameter."""

    def WhichOneof(self, _: str) -> str:  # noqa: N802
        return "data"


class Result(Message):
    Failure, Success = 0, 1


class Binding(Message):
    undefined, inout, out = 0, 2, 1


class Messages(SimpleNamespace):
    StatusResult, BindingInfo = Result, Binding

    def __getattr__(self, name: str) -> type[Message]:
        return type(name, (Message,), {})


def named(**fields: Any) -> Any:
    return SimpleNamespace(**fields)


def data(call: dict[str, Any]) -> Message:
    """What a trigger hands over: a timer's state, or a request."""
    if "timer" in call:
        return Message(json=json.dumps(call["timer"]))
    http = {"method": "POST", "url": "https://f.example/api/incident", "headers": {}, "params": {}}
    body = Message(string=call["body"])
    return Message(http=named(**http, body=body, query=call.get("query", {})))


async def main(folder: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    from azure_functions_runtime import handle_event  # type: ignore[import-not-found,unused-ignore]

    properties = {"host": "127.0.0.1", "protos": Messages()}
    asked = named(capabilities={}, function_app_directory=folder)
    request = named(request=named(worker_init_request=asked), properties=properties)
    begun = await handle_event.worker_init_request(request)
    if begun.result.status != Result.Success:
        return {"failed": begun.result.exception.message}
    found = (await handle_event.functions_metadata_request(request)).function_metadata_results
    ids = {each.name: each.function_id for each in found}
    answers = []
    for number, call in enumerate(calls):
        handed = Handed(data=data(call), name="timer" if "timer" in call else "request")
        invocation = named(
            invocation_id=str(number),
            function_id=ids[call["name"]],
            input_data=[handed],
            trigger_metadata={},
            trace_context=named(trace_parent="", trace_state="", attributes={}),
            retry_context=named(retry_count=0, max_retry_count=0, exception=None),
        )
        told = await handle_event.invocation_request(
            named(request=named(invocation_request=invocation), properties=properties)
        )
        answers.append(answer(told))
    return {"bindings": {each.name: list(each.raw_bindings) for each in found}, "answers": answers}


def answer(told: Any) -> dict[str, Any]:
    if told.result.status != Result.Success:
        return {"failed": told.result.exception.message}
    if told.return_value is None:
        return {}
    http = told.return_value.http
    body = next(iter(http.body.__dict__.values()))
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    return {
        "status": int(http.status_code),
        "headers": {key.lower(): value for key, value in http.headers.items()},
        "body": text,
    }


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    done = asyncio.run(main(sys.argv[1], json.load(sys.stdin)))
    Path(sys.argv[2]).write_text(json.dumps(done))
