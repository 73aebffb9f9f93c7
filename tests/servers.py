"""Servers on loopback: a webhook that keeps what it was posted, and a storage that is busy."""

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit


@dataclass(slots=True)
class Hook:
    """A webhook: what it took, and the statuses that it answers with first; then 200."""

    url: str = ""
    taken: list[Any] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def hook() -> Iterator[Hook]:
    """A webhook for as long as it is needed."""
    held = Hook()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = held.answers.pop(0) if held.answers else 200
            if status == 200:
                held.taken.append(said)
            self.answer(status, b"")

    with _serving(Handler) as port:
        held.url = f"http://127.0.0.1:{port}/hook?sig=SYNTHETIC"
        yield held


@dataclass(slots=True)
class Collector:
    """An OTLP endpoint: bodies that it took by path, and the statuses that it answers with first.

    ``silent_s`` is for how long it says nothing.
    """

    url: str = ""
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    silent_s: float = 0.0


@contextmanager
def collector() -> Iterator[Collector]:
    """An OTLP endpoint for as long as it is needed."""
    held = Collector()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            said = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(held.silent_s)
            status = held.answers.pop(0) if held.answers else 200
            if status == 200:
                held.taken.append((self.path, said))
                held.headers.append(dict(self.headers.items()))
            self.answer(status, b"")

    with _serving(Handler) as port:
        held.url = f"http://127.0.0.1:{port}"
        yield held


# What Azure answers when a SAS or a key is not good any more.
EXPIRED = (
    b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code>'
    b"<Message>Server failed to authenticate the request. Make sure the value of Authorization "
    b"header is formed correctly including the signature.</Message><AuthenticationErrorDetail>"
    b"Signature not valid in the specified time frame</AuthenticationErrorDetail></Error>"
)


@dataclass(slots=True)
class Busy:
    """A way to a blob service on which so many requests are refused, with statuses in turn.

    Credentials are ``good_for`` so many requests, where a number is given.
    """

    endpoint: str = ""
    refusals: int = 0
    refused: int = 0
    good_for: int | None = None


@contextmanager
def busy(endpoint: str) -> Iterator[Busy]:
    """A service in front of another one that refuses as many requests as it is told."""
    behind = urlsplit(endpoint)
    state = Busy()

    class Handler(_Quiet):
        def _passed(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if state.good_for is not None:
                state.good_for -= 1
                if state.good_for < 0:
                    self.answer(403, EXPIRED, [("x-ms-error-code", "AuthenticationFailed")])
                    return
            if state.refused < state.refusals:
                state.refused += 1
                self.answer((503, 429, 500)[state.refused % 3], b"")
                return
            way = http.client.HTTPConnection(behind.hostname or "", behind.port or 80)
            way.request(self.command, self.path, content, dict(self.headers.items()))
            told = way.getresponse()
            self.answer(told.status, told.read(), told.getheaders())
            way.close()

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _passed  # noqa: N815  # Python's names

    with _serving(Handler) as port:
        state.endpoint = f"http://127.0.0.1:{port}{behind.path}"
        yield state


class _Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, content: bytes, headers: Any = ()) -> None:
        self.send_response_only(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() == "content-length":
                length = value
            elif name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_port
        server.shutdown()
