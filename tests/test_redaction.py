"""No secret passes the door: not in rows, not in the quarantine, not in a report."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.sources import sources
from pipeline.stretch import KEPT_BYTES
from pipeline.transforms.redaction import holds_secret, redacted, without_secrets
from tests.exports import TABLES, blob, landed, line, record, rows
from tests.test_sources import cases

SECRET = "hunter2SECRETvalue"
JWT = f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIi{SECRET}.c2ln{SECRET}"
# Each holds the secret once or more; S stands for it.
PLACE = re.compile(r"(?<![A-Za-z])S(?![A-Za-z])")
SECRETIVE = (
    "https://user:S@host.example/path",
    "https://user:p@S@host.example/path",
    "amqps://user:S@host.example:5671/bus",
    "redis://:S@host.example:6379",
    "https://host.example/path?x=1&code=S",
    "https://host.example/path?$filter='x'&code=S",
    "https://host.example/path#access_token=S",
    "https://host.example/path;jsessionid=S?a=b",
    "https://user:S@host.example?sig=S",
    r"https://host.example/path?x=1\u0026code=S",
    r"https:\/\/user:S@host.example\/path?sig=S",
    "GET /path?code=S&b=S HTTP/1.1",
    "sv=2024-11-04&sp=r&sig=S%3D&se=2026",
    "SharedAccessSignature sr=bus&sig=S&se=1",
    "AccountName=store;AccountKey=S==;EndpointSuffix=core",
    "Endpoint=sb://bus/;SharedAccessKeyName=root;SharedAccessKey=S=",
    "Server=db;User Id=sa;Password=S;Encrypt=true",
    "Authorization: Bearer S",
    "authorization=Basic S",
    "Proxy-Authorization: Digest username=S, response=S",
    "bearer S 12",
    "Cookie: a=1; session=S; b=S",
    'Cookie: a="S"; b=S',
    "Set-Cookie: session=S; Path=/; HttpOnly",
    "Ocp-Apim-Subscription-Key: S",
    "x-functions-key:S",
    "x-api-key=S",
    "api key: S",
    "access_token=S",
    "client_secret:S",
    '{"Authorization":"Bearer S","x":1}',
    '{"Cookie":["a=1","b=S; c=S"]}',
    '[{"name":"Cookie","value":"b=S"},{"name":"Host","value":"host.example"}]',
    r"[{\"name\":\"x-api-key\",\"value\":\"S\"}]",
    '{"subscription-key":["S"]}',
    r'{"password":"a,b \"S\" S","x":1}',
    r"{\"password\":\"a,b \\\"S\\\" S\",\"x\":1}",
    r"{\\\"password\\\":\\\"a,b \\\\\\\"S\\\\\\\" S\\\",\\\"x\\\":1}",
    "{'Cookie':'a=S; b=S','Host':'host.example'}",
    JWT,
)
HARMLESS = (
    "https://host.example:8080/significant/design",
    "No connection could be made because the target machine actively refused it 203.0.113.10:443",
    "Access denied due to invalid subscription key. Make sure to provide a valid key.",
    "JWT Validation Failed: IDX10223: Lifetime validation failed. The token is expired.",
    "Unauthorized: basic authentication required",
    "bearer authentication failed",
    '{"method":"GET","responseCode":500,"durationMs":17',
    "it's 5 o'clock: yes, is it? yes",
)


def clean(text: str) -> str:
    (result,) = redacted(pl.Series([text]))
    return str(result)


def secretive() -> list[str]:
    return [text if SECRET in text else PLACE.sub(SECRET, text) for text in SECRETIVE]


@pytest.mark.parametrize("text", secretive())
def test_a_secret_is_taken_out_of_a_text(text: str) -> None:
    assert SECRET in text
    assert SECRET not in clean(text)
    assert SECRET not in clean(f"before {text} behind")


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_a_secret_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://u:p@host.example/a/b?sig=1", "https://host.example/a/b"),
        ("to https://host.example/a?k=v failed", "to https://host.example/a failed"),
        ("https://host.example/a?mail=x@y.example", "https://host.example/a"),
        ("Host: a\r\nCookie: b=c\r\nAge: 1", "Host: a\r\nCookie: [redacted]\r\nAge: 1"),
        ('{"api-key":"abc","n":1}', '{"api-key":"[redacted]","n":1}'),
        ("Server=db;Password=abc;Encrypt=true", "Server=db;Password=[redacted];Encrypt=true"),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, left: str) -> None:
    assert clean(text) == left


def test_null_stays_null_and_no_text_is_given_to_another() -> None:
    texts = [None, "password=one", "plain", "password=two", "", "password=one"]
    hidden = "password=[redacted]"
    told = pl.Series(texts)
    assert redacted(told).to_list() == [None, hidden, "plain", hidden, "", hidden]
    assert holds_secret(told).to_list() == [None, True, False, True, False, True]
    assert without_secrets(told.drop_nulls().unique(maintain_order=True)).to_list() == [
        hidden,
        "plain",
        hidden,
        "",
    ]


def everywhere(value: object, secret: str) -> object:
    """The value with the secret at the end of each text in it."""
    match value:
        case dict():
            return {key: everywhere(each, secret) for key, each in value.items()}
        case list():
            return [everywhere(each, secret) for each in value]
        case str():
            return f"{value} {secret}"
        case _:
            return value


def soaked(number: int, text: str) -> bytes:
    """A line with the text in each of its texts that may hold any, told and untold."""
    error = {"source": "x", "section": "x", "reason": "x", "message": "x", "path": "x"}
    told = record(
        number,
        location="x",
        note="x",
        properties={
            "clientProtocol": "x",
            "backendProtocol": "x",
            "backendMethod": "x",
            "backendId": "x",
            "apiId": "x",
            "apiRevision": "x",
            "operationId": "x",
            "productId": "x",
            "apimSubscriptionId": "x",
            "cache": "x",
            "lastError": error,
            "errors": [error],
            "requestHeaders": {"Authorization": "x", "Cookie": "x"},
            "requestBody": "x",
            "traceRecords": [{"message": "x"}],
        },
    )
    fixed = {name: told[name] for name in ("time", "category")}
    soaked = everywhere(told, text)
    assert isinstance(soaked, dict)
    return json.dumps({**soaked, **fixed}).encode()


def test_no_text_of_the_lake_holds_a_secret_that_was_in_a_line(tmp_path: Path) -> None:
    texts = list(secretive())
    sound = [soaked(number, text) for number, text in enumerate(texts)]
    cut = [each[: len(each) * 3 // 4] for each in sound]
    untimed = [line(1, time=text) for text in texts]
    mistyped = [line(1, durationMs=text, note=text) for text in texts]
    content = b"\n".join([line(9999), *sound, *cut, *untimed, *mistyped, b""])
    blob(tmp_path / "in" / "PT1H.json", content)
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert landing.rows["requests"] == len(texts) + 1
    assert landing.quarantined.total() == 3 * len(texts)
    leaks = {
        (name, column): value[-200:]
        for name in TABLES
        for row in rows(tmp_path / "lake", name)
        for column, value in row.items()
        if isinstance(value, str) and SECRET in value
    }
    assert leaks == {}


# What the platform itself writes, into columns that no caller's text comes to.
PLATFORM = re.compile(r"(?i)mac|mac_?address|rule|(target_?)?resource_?(id|uri)")


def planted(value: object, texts: Iterator[str]) -> Iterator[object]:
    """The value once for each text in it, with a secret at that text's end."""
    match value:
        case dict():
            for key, each in value.items():
                if PLATFORM.fullmatch(key):
                    continue
                for instead in planted(each, texts):
                    yield {**value, key: instead}
        case list():
            for place, each in enumerate(value):
                for instead in planted(each, texts):
                    yield [*value[:place], instead, *value[place + 1 :]]
        case str():
            yield f"{value} {next(texts)}"


def records_of(source: str) -> list[dict[str, object]]:
    """Records of a format's cases, as many as have texts of their own."""
    found = []
    for case in cases(source):
        for told in case.blob.splitlines() if case.blob.startswith(b"{") else ():
            with suppress(ValueError):
                found.append(json.loads(told))
    return [each for each in found if isinstance(each, dict)][:12]


def texts_of(lake: Path) -> str:
    """All that stands in the files of a lake: each column as text, and each file's bytes."""
    found = []
    for file in lake.rglob("*"):
        if file.is_file():
            found.append(file.read_bytes().decode("latin-1"))
        if file.suffix == ".parquet":
            found.append(str(pq.read_table(file).to_pylist()))
    return "\n".join(found)


@pytest.mark.parametrize("source", sources())
def test_no_file_of_the_lake_holds_a_secret_whatever_format_it_came_in(
    source: str, tmp_path: Path
) -> None:
    texts = cycle(secretive())
    told = [each for one in records_of(source) for each in planted(one, texts)]
    content = b"".join(json.dumps(each).encode() + b"\n" for each in told)
    halves = b"".join(json.dumps(each).encode()[:-3] + b"\n" for each in told)
    named = b"".join(json.dumps(each).encode() + b"\n" for each in records_of(source))
    blob(tmp_path / "in" / "lines.json", named + content + halves)
    blob(
        tmp_path / "in" / "document.json",
        json.dumps({"records": [*records_of(source), *told]}).encode(),
    )
    landing = landed(tmp_path / "in", tmp_path / "lake")
    assert landing.lines >= len(told) or not told
    leaks = [each[-160:] for each in texts_of(tmp_path / "lake").split(SECRET)[:-1]]
    assert leaks == []


@pytest.mark.parametrize("before", ["https://user:", "Authorization: Bearer ", "x-api-key: "])
def test_a_secret_that_the_cut_of_a_long_line_would_part_is_not_kept(
    before: str, tmp_path: Path
) -> None:
    for length in range(len(before) + 1, len(before) + len(SECRET) + 2):
        start = '{"category":"GatewayLogs","note":"'
        fill = "x " * ((KEPT_BYTES - length - len(start)) // 2)
        refused = f"{start}{fill}{before}{SECRET}@host.example/a"
        blob(tmp_path / "in" / f"{length}.json", b"\n".join([line(length), refused.encode(), b""]))
    landed(tmp_path / "in", tmp_path / "lake")
    kept = [row["raw"] for row in rows(tmp_path / "lake", "quarantine")]
    assert len(kept) == len(SECRET) + 1
    assert not [raw[-60:] for raw in kept if SECRET[:4] in raw]
    assert all(len(raw) > KEPT_BYTES - 200 for raw in kept)


def test_a_report_on_requests_full_of_secrets_shows_none(tmp_path: Path) -> None:
    texts = secretive()
    usual = [line(number, properties={"apiId": "stock"}) for number in range(0, 3600, 6)]
    failed = {"responseCode": 500, "backendResponseCode": 500}
    failing = [
        json.dumps({**told, "properties": {**told["properties"], **failed}}).encode()
        for number in range(240)
        for told in [json.loads(soaked(1500 + number, texts[number % len(texts)]))]
    ]
    content = b"\n".join([*usual, *failing, *(each[:-9] for each in failing[:20]), b""])
    source = blob(tmp_path / "in" / "PT1H.json", content)
    words = ["incident", str(source), "--output", str(tmp_path / "rca.html")]
    said = CliRunner().invoke(
        main, [*words, "--format", "html", "--format", "json"], catch_exceptions=False
    )
    assert said.exit_code == 0, said.output
    findings = json.loads((tmp_path / "rca.json").read_bytes())
    assert findings["incidents"]
    assert findings["quarantine"]
    for shown in ((tmp_path / "rca.json").read_text(), (tmp_path / "rca.html").read_text()):
        assert "[redacted]" in shown
        assert SECRET not in shown
    assert SECRET not in said.output
