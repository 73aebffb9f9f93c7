"""What targets are handed: whole, the same each time, and without a secret in any message."""

import email
import email.policy
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from pipeline.publisher import Issued, PublishError
from pipeline.publishers import publishers, webhook
from tests.azurite import Certificate
from tests.servers import hook


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    files = []
    for kind in ("pdf", "html", "json"):
        files.append(tmp_path / f"rca.{kind}")
        files[-1].write_bytes(f"a {kind} \N{SNOWMAN}\n".encode())
    return Issued(
        kind="incident",
        id="apim-20260310T0830Z",
        revision=2,
        title="75 requests failed at <apim>: backend errors (confirmed), revision 2",
        says=("Two & a half minutes.", "INCOMPLETE: land"),
        files=tuple(files),
        newest=True,
        at=datetime(2026, 3, 10, 20, tzinfo=UTC),
    )


def publish(issued: Issued, **told: Any) -> None:
    publisher = publishers()[told["kind"]]
    publisher.publish(msgspec.convert(told, publisher.settings), issued)


MAIL = {"kind": "mail", "to": ["a@contoso.example", "b@contoso.example"], "from": "rca@x.example"}


def test_a_mail_is_a_ready_file_with_the_report_attached(issued: Issued, tmp_path: Path) -> None:
    publish(issued, **MAIL, folder=str(tmp_path / "out"))
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "incident-apim-20260310T0830Z-r2.eml"
    first = file.read_bytes()
    publish(issued, **MAIL, folder=str(tmp_path / "out"))
    assert file.read_bytes() == first
    mail = email.message_from_bytes(first, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert mail["Subject"] == issued.title
    assert mail["To"] == "a@contoso.example, b@contoso.example"
    assert mail["Date"] == "Tue, 10 Mar 2026 20:00:00 +0000"
    attached = {each.get_filename(): each for each in mail.iter_attachments()}
    assert list(attached) == ["rca.pdf", "rca.html", "rca.json"]
    assert attached["rca.pdf"].get_content() == issued.files[0].read_bytes()
    assert attached["rca.html"].get_content_type() == "text/html"


@contextmanager
def mailbox(
    refuse: bool = False, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """A mail server that takes every message, or none; by STARTTLS where it has a certificate."""
    taken: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def finish(self) -> None:
            super().finish()
            self.request.close()

        def handle(self) -> None:
            self.wfile.write(b"220 x\r\n")
            while said := self.rfile.readline().strip().upper():
                if said.startswith(b"EHLO") and tls:
                    self.wfile.write(b"250-x\r\n250 STARTTLS\r\n")
                    continue
                if said.startswith(b"STARTTLS") and tls:
                    self.wfile.write(b"220 go\r\n")
                    try:
                        self.request = tls.wrap_socket(self.request, server_side=True)
                    except OSError:
                        return
                    self.setup()
                    continue
                if said.startswith(b"DATA"):
                    self.wfile.write(b"354 go\r\n")
                    told = b""
                    while (line := self.rfile.readline()) != b".\r\n":
                        told += line
                    taken.append(told)
                elif said.startswith(b"MAIL") and refuse:
                    self.wfile.write(b"550 no\r\n")
                    continue
                self.wfile.write(b"250 x\r\n" if said != b"QUIT" else b"221 x\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_address[1]}", taken
        server.shutdown()


def test_a_mail_is_sent(issued: Issued) -> None:
    with mailbox() as (server, taken):
        publish(issued, **MAIL, smtp=server, tls=False)
    (told,) = taken
    assert b"Subject: 75 requests failed" in told


def test_a_mail_goes_to_nobody_but_whom_the_certificate_names(
    issued: Issued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Certificate.made(tmp_path)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(made.certificate, made.key)
    with mailbox(tls=server_side) as (server, taken):
        with pytest.raises(PublishError, match="a certificate that is not trusted here"):
            publish(issued, **MAIL, smtp=server)
        assert taken == []
        monkeypatch.setenv("SSL_CERT_FILE", str(made.certificate))
        publish(issued, **MAIL, smtp=server)
    assert len(taken) == 1


@pytest.mark.parametrize("server", ["refusing", "127.0.0.1:1"])
def test_a_mail_that_is_not_taken_is_told(issued: Issued, server: str) -> None:
    with mailbox(refuse=True) as (place, _), pytest.raises(PublishError) as raised:
        publish(issued, **MAIL, smtp=place if server == "refusing" else server, tls=False)
    assert "the mail" in str(raised.value)


def test_a_card_for_slack_says_what_markup_would_hide(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook() as posted:
        monkeypatch.setenv("HOOK", posted.url)
        publish(issued, kind="webhook", card="slack", url_from="HOOK", link="https://x.example/")
    (card,) = posted.taken
    text = card["blocks"][0]["text"]["text"]
    assert "at &lt;apim&gt;: backend errors" in text
    assert "Two &amp; a half" in text
    page = "https://x.example/incident/apim-20260310T0830Z/r2/rca.html"
    assert f"<{page}|Open the report>" in text


def test_a_card_for_teams_is_an_adaptive_card(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hook() as posted:
        monkeypatch.setenv("HOOK", posted.url)
        publish(issued, kind="webhook", card="teams", url_from="HOOK")
    (message,) = posted.taken
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert [each["text"] for each in card["body"]] == [issued.title, *issued.says]
    assert card["actions"] == []


@pytest.mark.parametrize("card", ["teams", "slack"])
def test_a_card_holds_no_more_than_is_taken(
    card: str, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack refuses a text of more than 3,000 letters, and so would every run after."""
    many = replace(issued, says=tuple(f"source {n} <away> & gone" for n in range(500)))
    with hook() as posted:
        monkeypatch.setenv("HOOK", posted.url)
        publish(many, kind="webhook", card=card, url_from="HOOK", link="https://x.example/")
    (told,) = posted.taken
    if card == "slack":
        text = told["blocks"][0]["text"]["text"]
        assert text.endswith("|Open the report>")
    else:
        text = "\n".join(e["text"] for e in told["attachments"][0]["content"]["body"])
    assert len(text) <= 3_000
    assert "source 0" in text
    assert "… and more, in the report and in the run's manifest" in text


def test_a_busy_webhook_is_tried_again(issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "PAUSES_S", (0.01, 0.01))
    with hook() as posted:
        monkeypatch.setenv("HOOK", posted.url)
        posted.answers = [429, 502]
        publish(issued, kind="webhook", card="teams", url_from="HOOK")
    assert len(posted.taken) == 1


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "http://127.0.0.1:1/hook?sig=SECRET", "https://:x/SECRET"]
)
def test_a_webhook_that_cannot_be_reached_keeps_its_secret(
    url: str, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "PAUSES_S", ())
    monkeypatch.setenv("HOOK", url)
    with pytest.raises(PublishError, match="HOOK") as raised:
        publish(issued, kind="webhook", card="teams", url_from="HOOK")
    assert "SECRET" not in str(raised.value)
    if url.startswith("http:"):
        assert "(ConnectionRefusedError)" in str(raised.value)


def test_a_report_that_is_not_the_newest_leaves_latest_alone(
    issued: Issued, tmp_path: Path
) -> None:
    publish(issued, kind="folder", to=str(tmp_path / "out"))
    older = Issued(**{**{name: getattr(issued, name) for name in issued.__slots__},
                      "revision": 1, "newest": False})  # fmt: skip
    issued.files[0].write_bytes(b"older")
    publish(older, kind="folder", to=str(tmp_path / "out"))
    kept = tmp_path / "out" / "incident"
    assert (kept / "latest" / "rca.pdf").read_bytes() != b"older"
    assert (kept / issued.id / "r1" / "rca.pdf").read_bytes() == b"older"
