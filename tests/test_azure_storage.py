"""Azure Blob Storage is read and written like folders are; each test speaks with a real Azurite."""

import gzip
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from azure.storage.blob import ContainerClient
from deltalake import DeltaTable, write_deltalake

from pipeline import azure_blobs, azure_place, location
from pipeline.blob_files import BlobFiles
from pipeline.datasets import datasets
from pipeline.errors import PipelineError
from pipeline.lake import Lake, Span
from pipeline.storage import CHUNK_BYTES, Blob, BrokenBlobError, blobs, read_ahead
from tests import azurite as emulator
from tests.azurite import ACCOUNT, KEY, Azurite, append
from tests.servers import busy

NOISE = random.Random(1).randbytes(CHUNK_BYTES)
LONG = b"".join(b"%d\n" % number for number in range(2 * CHUNK_BYTES // 3))
ROOT = Path(__file__).parents[1]
MARK = b"\xef\xbb\xbf"


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_SERVICE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    yield
    azure_blobs.close()


@pytest.fixture
def container(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> ContainerClient:
    """A new container, reached by the connection string in the environment."""
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    return azurite.container()


def at(container: ContainerClient, path: str = "") -> str:
    return f"az://{ACCOUNT}/{container.container_name}/{path}".rstrip("/")


def names(source: str) -> list[str]:
    return [each.name.split("/", 4)[4] for each in blobs(source)]


def put(container: ContainerClient, path: str, content: bytes) -> Blob:
    """Uploads a blob and lists it."""
    container.upload_blob(path, content, overwrite=True)
    (listed,) = blobs(at(container, path))
    return listed


def read(chunks: Iterator[bytes]) -> tuple[bytes, str]:
    """All that can be read, and why it was not more."""
    content = b""
    try:
        for chunk in chunks:
            content += chunk
    except BrokenBlobError as error:
        return content, str(error)
    return content, ""


# Listing


def test_a_path_names_a_blob_else_a_folder_else_a_beginning(container: ContainerClient) -> None:
    for path in ("logs/a.json", "logs/a.json.gz", "logs/deep/b.json", "logs-old/a.json", "c"):
        container.upload_blob(path, b"x")
    assert names(at(container)) == [
        "c",
        "logs-old/a.json",
        "logs/a.json",
        "logs/a.json.gz",
        "logs/deep/b.json",
    ]
    assert names(at(container, "logs/a.json")) == ["logs/a.json"]
    assert names(at(container, "logs")) == ["logs/a.json", "logs/a.json.gz", "logs/deep/b.json"]
    assert names(at(container, "logs") + "/") == names(at(container, "logs"))
    assert names(at(container, "logs-")) == ["logs-old/a.json"]
    assert names(at(container, "logs*/a.json")) == ["logs-old/a.json", "logs/a.json"]
    assert names(at(container, "logs/?.json*")) == ["logs/a.json", "logs/a.json.gz"]


def test_a_name_with_the_signs_of_a_glob_is_taken_as_it_is_first(
    container: ContainerClient,
) -> None:
    for path in ("a[1].json", "a1.json"):
        container.upload_blob(path, b"x")
    assert names(at(container, "a[1].json")) == ["a[1].json"]


def test_settings_and_placeholders_of_folders_are_no_exports(container: ContainerClient) -> None:
    container.upload_blob("logs", b"", metadata={"hdi_isfolder": "true"})
    container.upload_blob("logs/gateway-rca.toml", b"")
    container.upload_blob("logs/empty.json", b"")
    assert names(at(container, "logs")) == ["logs/empty.json"]


def test_a_blob_is_listed_with_a_name_that_stays_and_an_etag_that_changes(
    container: ContainerClient,
) -> None:
    append(container, "y=2026/PT1H.json", b"a\n")
    (first,) = blobs(at(container))
    append(container, "y=2026/PT1H.json", b"b\n")
    (second,) = blobs(at(container))
    assert first.name == second.name == at(container, "y=2026/PT1H.json")
    assert (first.size, second.size) == (2, 4)
    assert first.etag != second.etag
    assert not {'"', "'"} & set(first.etag)


def test_more_blobs_than_one_page_of_a_listing_are_all_found(container: ContainerClient) -> None:
    at_once = [f"{number:04}" for number in range(30)]
    for path in at_once:
        container.upload_blob(path, b"")
    assert names(at(container)) == at_once


@pytest.mark.parametrize("path", ["nowhere", "nowhere/*.json"])
def test_a_path_at_which_nothing_lies_is_refused(container: ContainerClient, path: str) -> None:
    assert blobs(at(container)) == []
    with pytest.raises(PipelineError, match=r"no blob has this name or begins with it$"):
        blobs(at(container, path))


def test_a_missing_container_is_told_with_the_cure(container: ContainerClient) -> None:
    container.delete_container()
    with pytest.raises(PipelineError, match="az storage container create --account-name devstore"):
        blobs(at(container))


@pytest.mark.parametrize("source", ["az://", "az://account", "https://a.blob.core.windows.net"])
def test_a_source_without_a_container_is_refused(source: str) -> None:
    with pytest.raises(PipelineError, match="write az://ACCOUNT/CONTAINER"):
        blobs(source)


# Credentials


def test_a_sas_url_names_a_container_a_folder_or_a_blob(azurite: Azurite) -> None:
    container = azurite.container()
    for path in ("logs/a b%.json", "logs/c.json"):
        container.upload_blob(path, LONG)
    name = container.container_name
    assert names(azurite.sas_url(name)) == ["logs/a b%.json", "logs/c.json"]
    assert names(azurite.sas_url(name, "logs")) == ["logs/a b%.json", "logs/c.json"]
    (blob,) = blobs(azurite.sas_url(name, "logs/a%20b%25.json"))
    assert read(blob.chunks()) == (LONG, "")
    assert [b"".join(chunks) for chunks in read_ahead([(blob, 0)])] == [LONG]


def test_a_sas_of_one_blob_lists_that_blob(azurite: Azurite) -> None:
    container = azurite.container()
    container.upload_blob("a.json", b"words")
    (blob,) = blobs(azurite.blob_sas_url(container.container_name, "a.json"))
    assert (blob.name, blob.size) == (at(container, "a.json"), 5)
    assert b"".join(blob.chunks()) == b"words"


def test_a_connection_string_may_hold_a_sas(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = azurite.container()
    container.upload_blob("a.json", b"words")
    sas = azurite.sas_url(container.container_name).partition("?")[2]
    said = f"BlobEndpoint={azurite.endpoint}/;SharedAccessSignature={sas}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
    assert names(at(container)) == ["a.json"]


def secrets(azurite: Azurite, container: str) -> Iterator[tuple[str, str]]:
    """SAS URLs that do not give what is asked, and what is to be said of each."""
    yield azurite.sas_url(container, permission="r"), r"it has r, to read takes r and l"
    yield azurite.sas_url(container, valid=timedelta(hours=-1)), r"expired at 20.*make a new one"
    yield azurite.sas_url(container).replace("sig=", "sig=x"), r"is damaged"
    yield azurite.sas_url(container).partition("sig=")[0], r"copy the whole SAS URL"


def test_a_sas_that_does_not_do_is_told_with_the_cure_and_without_the_sas(azurite: Azurite) -> None:
    for url, said in secrets(azurite, azurite.container().container_name):
        with pytest.raises(PipelineError, match=said) as caught:
            blobs(url)
        assert "sig=" not in str(caught.value)
        assert "?" not in str(caught.value)


def test_a_sas_that_lists_but_does_not_read_breaks_the_blob(azurite: Azurite) -> None:
    container = azurite.container()
    container.upload_blob("a.json", b"words")
    (blob,) = blobs(azurite.sas_url(container.container_name, permission="l"))
    assert read(blob.chunks())[1].endswith("it has l, to read takes r and l (read, list)")


def test_no_secret_is_in_what_is_printed(azurite: Azurite) -> None:
    container = azurite.container()
    container.upload_blob("a.json", b"words")
    url = azurite.sas_url(container.container_name)
    (blob,) = blobs(url)
    assert "sig" not in repr(blob)
    assert "sig" not in repr(azure_place.place(url))
    assert location.named(url) == at(container)


def test_a_wrong_key_is_told(container: ContainerClient, monkeypatch: pytest.MonkeyPatch) -> None:
    said = (
        f"AccountName={ACCOUNT};AccountKey=d3Jvbmc=;BlobEndpoint={container.url.rpartition('/')[0]}"
    )
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
    with pytest.raises(
        PipelineError, match="the key in AZURE_STORAGE_CONNECTION_STRING is refused"
    ):
        blobs(at(container))


def test_a_connection_string_of_another_account_is_left_alone(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    access = azure_place.place("az://contoso/logs").access
    assert (access.endpoint, access.key) == ("https://contoso.blob.core.windows.net", "")


def test_an_endpoint_of_the_environment_serves_its_account_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = "https://contoso.blob.core.usgovcloudapi.net"
    monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", f"{endpoint}/")
    assert azure_place.place("az://contoso/logs").access.endpoint == endpoint
    assert "usgov" not in azure_place.place("az://fabrikam/logs").access.endpoint


def test_no_credential_goes_to_a_host_that_only_a_url_names(
    azurite: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", azurite.connection_string)
    with pytest.raises(PipelineError, match="has no SAS"):
        blobs(f"https://elsewhere.invalid:1/{ACCOUNT}/logs")
    access = azure_place.place("https://contoso.blob.core.windows.net/logs/a").access
    assert access == azure_place.place("az://contoso/logs").access
    assert azure_place.place(f"{azurite.endpoint}/logs").access.key == KEY


def test_a_blob_whose_name_ends_in_a_slash_keeps_it(container: ContainerClient) -> None:
    container.upload_blob("logs/", b"x")
    container.upload_blob("logs", b"y")
    assert [b"".join(each.chunks()) for each in blobs(at(container))] == [b"y", b"x"]


def test_an_unknown_account_is_told_at_once(azurite: Azurite) -> None:
    query = azurite.sas_url("logs").partition("?")[2]
    began = time.monotonic()
    with pytest.raises(PipelineError, match="which DNS does not know; check its name") as caught:
        blobs(f"https://no-such-account.blob.invalid/logs?{query}")
    assert time.monotonic() - began < 10
    assert "sig=" not in str(caught.value)


def test_a_service_that_is_away_for_a_moment_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = emulator.free_port()
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    said = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint}"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
    with ThreadPoolExecutor(1) as pool:
        listed = pool.submit(location.listed, f"az://{ACCOUNT}/logs")
        time.sleep(0.3)
        with emulator.running(port=port), pytest.raises(PipelineError, match="has no container"):
            listed.result()


def test_a_blob_is_put_again_where_the_service_has_too_much_to_do(
    azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is HTTP status 429, which the SDK does not try again by itself."""
    container = azurite.container()
    made = tmp_path / "rca.pdf"
    made.write_bytes(NOISE)
    with busy(azurite.endpoint) as service:
        said = azurite.connection_string.replace(azurite.endpoint, service.endpoint)
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", said)
        service.refusals = 1
        azure_blobs.write(azure_place.place(at(container, "rca.pdf")), made)
        assert service.refused == 1
    assert container.download_blob("rca.pdf").readall() == made.read_bytes()


def test_a_machine_without_azurite_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "PROGRAM", tmp_path / "main.js")
    with (
        pytest.raises(pytest.fail.Exception, match=r"Azurite is missing.*sh setup\.sh tests"),
        emulator.running(),
    ):
        pass


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> emulator.Certificate:
    return emulator.Certificate.made(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def entra(certificate: emulator.Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azurite]:
    """Azurite that takes tokens, and an environment in which one is to be had."""
    options = ("--cert", str(certificate.certificate), "--key", str(certificate.key))
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(certificate.certificate))
    with (
        emulator.running(*options, "--oauth", "basic") as running,
        emulator.managed_identity() as environment,
    ):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AZURE_STORAGE_SERVICE_ENDPOINT", running.endpoint)
        yield running


def test_a_managed_identity_reads_writes_and_keeps_a_lake(entra: Azurite, tmp_path: Path) -> None:
    container = entra.container()
    (tmp_path / "a").write_bytes(LONG)
    location.put(at(container), "logs/a.json", tmp_path / "a")
    (blob,) = blobs(at(container, "logs"))
    assert read(blob.chunks()) == (LONG, "")
    uri, options = location.delta(at(container, "lake"))
    assert "bearer_token" in options
    for _ in range(3):
        write_deltalake(uri, pa.table({"n": [1]}), mode="append", storage_options=options)
    assert DeltaTable(uri, storage_options=options).to_pyarrow_table().num_rows == 3


def test_a_lake_outlives_the_token_that_it_was_opened_with(
    entra: Azurite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a run of hours, or in a process whose token was old when the run began."""
    with emulator.managed_identity(lives_s=2) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        lake = Lake(at(entra.container(), "lake"))
        row = {"report": "issued/x/r1", "target": "t", "delivered_at": datetime(2026, 3, 10)}
        for blob in ("a", "b"):
            told = {"blob": blob, **row}
            rows = pa.Table.from_pylist([told], schema=datasets()["deliveries"].arrow_schema)
            assert lake.append("deliveries", rows, [Span(blob, 0, 0, 1)]) == {blob}
            time.sleep(2.5)
        assert lake.commits("deliveries") == 3


def test_without_any_credential_the_ways_to_one_are_named(
    certificate: emulator.Certificate, tmp_path: Path
) -> None:
    # In a process of its own, for what this machine offers is not to be found.
    program = (
        "from pipeline.storage import blobs\n"
        "from pipeline.errors import PipelineError\n"
        "try: blobs('az://contoso/logs')\n"
        "except PipelineError as error: print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={
            "PATH": str(tmp_path),
            "HOME": str(tmp_path),
            "AZURE_TOKEN_CREDENTIALS": "dev",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("az://contoso/logs: no credential that works was found; sign in")
    assert ran.stderr == ""


# Reading


@pytest.mark.parametrize("from_byte", [0, 1, CHUNK_BYTES, len(LONG) - 1, len(LONG)])
def test_a_plain_blob_is_read_from_a_byte_on(from_byte: int, container: ContainerClient) -> None:
    blob = put(container, "a", LONG)
    assert read(blob.chunks(from_byte)) == (LONG[from_byte:], "")
    ((ahead),) = [b"".join(chunks) for chunks in read_ahead([(blob, from_byte)])]
    assert ahead == LONG[from_byte:]


def test_gzip_and_byte_order_marks_are_taken_off(container: ContainerClient) -> None:
    packed = gzip.compress(MARK + LONG) + gzip.compress(b"more\n")
    for content, said in (
        (packed, LONG + b"more\n"),
        (MARK + b"a" + MARK, b"a" + MARK),
        (MARK, b""),
        (b"", b""),
        (b"x", b"x"),
    ):
        blob = put(container, "a", content)
        assert read(blob.chunks()) == (said, "")
        assert [b"".join(chunks) for chunks in read_ahead([(blob, 0)])] == [said]


def test_a_compressed_blob_is_read_from_its_start(container: ContainerClient) -> None:
    blob = put(container, "a", gzip.compress(b"words"))
    assert read(blob.chunks(5)) == (b"words", "")
    assert [b"".join(chunks) for chunks in read_ahead([(blob, 5)])] == [b"words"]


def test_a_cut_gzip_stream_gives_what_it_holds_and_a_reason(container: ContainerClient) -> None:
    packed = gzip.compress(LONG)
    blob = put(container, "a", packed[: len(packed) // 2])
    content, reason = read(blob.chunks())
    assert reason
    assert LONG.startswith(content)
    assert len(content) > len(LONG) // 3


def test_a_range_of_stored_bytes_is_exact(container: ContainerClient) -> None:
    blob = put(container, "a", LONG)
    assert blob.stored(3, 8) == LONG[3:8]
    assert blob.stored(5, CHUNK_BYTES + 5) == LONG[5 : CHUNK_BYTES + 5]
    assert blob.stored(len(LONG) - 2, len(LONG) + 9) == LONG[-2:]
    assert blob.stored(len(LONG), len(LONG) + 1) == b""


def test_a_blob_that_grows_is_read_up_to_what_was_listed(container: ContainerClient) -> None:
    for place in range(0, len(LONG), 1 << 20):
        append(container, "a", LONG[place : place + (1 << 20)])
    (blob,) = blobs(at(container, "a"))
    chunks = blob.chunks()
    begun = next(chunks)
    append(container, "a", b"appended since")
    assert begun + b"".join(chunks) == LONG


def test_a_blob_deleted_while_it_is_read_breaks(container: ContainerClient) -> None:
    blob = put(container, "a", LONG)
    chunks = blob.chunks()
    begun = next(chunks)
    container.delete_blob("a")
    content, reason = read(chunks)
    assert LONG.startswith(begun + content)
    assert reason == "there is no such blob, or it was deleted since it was listed"


@pytest.mark.parametrize("left", [0, 5, CHUNK_BYTES, CHUNK_BYTES + 5])
def test_a_blob_rewritten_smaller_breaks(left: int, container: ContainerClient) -> None:
    blob = put(container, "a", LONG)
    container.upload_blob("a", LONG[:left], overwrite=True)
    content, reason = read(blob.chunks())
    assert LONG.startswith(content)
    assert reason == "is now smaller than when it was listed"


def test_a_blob_is_a_file_that_can_seek(container: ContainerClient) -> None:
    file = put(container, "a", LONG).opened()
    with file:
        for start, count in ((len(LONG) - 8, 8), (5, 3_000_000), (0, 4), (len(LONG) - 3, 9)):
            file.seek(start)
            assert file.read(count) == LONG[start : start + count]
        assert file.seek(-2, 2) == len(LONG) - 2


# Reading ahead


def test_blobs_come_in_order_local_and_remote_mixed(
    container: ContainerClient, tmp_path: Path
) -> None:
    wanted = []
    for number in range(40):
        content = f"{number}\n".encode() * (number + 1) * (50_000 if number % 9 == 0 else 1)
        if number % 5:
            container.upload_blob(
                f"{number:02}", gzip.compress(content, 1) if number % 2 else content
            )
            (blob,) = blobs(at(container, f"{number:02}"))
        else:
            (tmp_path / f"{number}").write_bytes(content)
            (blob,) = blobs(str(tmp_path / f"{number}"))
        wanted.append((blob, 0 if number % 2 else number % 4))
    assert [b"".join(chunks) for chunks in read_ahead(wanted)] == [
        b"".join(blob.chunks(from_byte)) for blob, from_byte in wanted
    ]


def test_what_breaks_a_blob_is_told_by_that_blob_only(container: ContainerClient) -> None:
    listed = [put(container, f"{number}", LONG) for number in range(4)]
    container.delete_blob("1")
    container.upload_blob("2", LONG[:CHUNK_BYTES], overwrite=True)
    seen = [read(chunks) for chunks in read_ahead([(blob, 0) for blob in listed])]
    assert [content for content, _ in seen] == [LONG, b"", LONG[:CHUNK_BYTES], LONG]
    assert [bool(reason) for _, reason in seen] == [False, True, True, False]


def test_what_is_left_of_a_blob_is_dropped_when_the_next_is_asked_for(
    container: ContainerClient,
) -> None:
    first, second = put(container, "a", LONG * 3), put(container, "b", b"words")
    ahead = read_ahead([(first, 0), (second, 0)])
    begun = next(ahead)
    assert LONG.startswith(next(begun))
    assert b"".join(next(ahead)) == b"words"
    with pytest.raises(RuntimeError, match="after the next blob"):
        next(begun)
    assert [*ahead] == []


def test_a_reader_may_stop_early(container: ContainerClient) -> None:
    blob = put(container, "a", LONG * 3)
    ahead = read_ahead([(blob, 0)] * 50)
    next(next(ahead))
    ahead.close()  # type: ignore[attr-defined]


def test_little_of_a_large_blob_is_held(container: ContainerClient) -> None:
    for _ in range(100):
        append(container, "large", NOISE)
    # In a process of its own: what counts is the memory that it really takes.
    program = (
        "import resource, sys, time\n"
        "from pipeline.storage import blobs, read_ahead\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "(blob,) = blobs(sys.argv[1])\n"
        "before, size = peak(), 0\n"
        "for chunks in read_ahead([(blob, 0)]):\n"
        "    for chunk in chunks:\n"
        "        size += len(chunk)\n"
        "        time.sleep(0.005)\n"
        "print(size, (peak() - before) >> 10)\n"
    )
    command = [sys.executable, "-c", program, at(container, "large")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    size, taken_mib = map(int, ran.stdout.split())
    assert size == 100 * CHUNK_BYTES
    assert taken_mib <= 32


# Lakes


def test_deltalake_opens_a_table_by_key_and_by_sas(
    container: ContainerClient, azurite: Azurite
) -> None:
    for lake in (
        at(container, "lake/key"),
        azurite.sas_url(container.container_name, "lake/sas", "rwdlc"),
    ):
        uri, options = location.delta(lake)
        write_deltalake(uri, pa.table({"n": [1]}), storage_options=options)
        write_deltalake(uri, pa.table({"n": [2]}), storage_options=options, mode="append")
        table = DeltaTable(uri, storage_options=options)
        assert table.version() == 1
        files = [f"{location.named(lake)}/{each.rpartition('/')[2]}" for each in table.file_uris()]
        connection = duckdb.connect()
        connection.register_filesystem(BlobFiles(lake))
        found = connection.execute("select sum(n) from read_parquet($files)", {"files": files})
        assert found.fetchall() == [(3,)]
        loaded = "select extension_name from duckdb_extensions() where loaded"
        assert ("azure",) not in connection.execute(loaded).fetchall()
        connection.close()


def test_duckdb_reads_parquet_with_no_extension_and_nothing_else_open(
    container: ContainerClient, tmp_path: Path
) -> None:
    for name, start in (("a", 0), ("b", 300_000)):
        numbers = pa.table({"n": range(start, start + 300_000), "s": ["x"] * 300_000})
        pq.write_table(numbers, tmp_path / name, row_group_size=50_000)
        location.put(at(container, "lake"), f"{name}.parquet", tmp_path / name)
    files = [at(container, f"lake/{name}.parquet") for name in "ab"]
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.register_filesystem(BlobFiles())
    connection.execute(f"set allowed_directories = ['{at(container, 'lake')}/']")
    connection.execute("set enable_external_access = false")
    query = "select count(*), sum(n), max(s) from read_parquet($files) where n >= 100"
    found = connection.execute(query, {"files": files}).fetchall()
    assert found == [(599_900, sum(range(100, 600_000)), "x")]
    with pytest.raises(duckdb.PermissionException):
        connection.execute("select * from read_parquet($files)", {"files": [at(container, "c")]})
    connection.close()


def test_a_missing_parquet_file_is_an_error_that_names_it(container: ContainerClient) -> None:
    connection = duckdb.connect()
    connection.register_filesystem(BlobFiles())
    with pytest.raises(Exception, match=r"gone\.parquet"):
        connection.execute("select * from read_parquet($f)", {"f": [at(container, "gone.parquet")]})
    connection.close()


def test_pyarrow_reads_parquet(container: ContainerClient, tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": range(1000)}), tmp_path / "a")
    with put(container, "a.parquet", (tmp_path / "a").read_bytes()).opened() as file:
        assert pq.read_table(file).num_rows == 1000


@pytest.fixture(params=["folder", "azure"])
def lake(request: pytest.FixtureRequest, container: ContainerClient, tmp_path: Path) -> str:
    return at(container, "lake") if request.param == "azure" else str(tmp_path / "lake")


def test_files_are_put_listed_and_deleted(lake: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"words")
    assert location.listed(lake) == []
    location.put(lake, "t/b", file)
    location.put(lake, "a", file)
    file.write_bytes(b"more words")
    location.put(lake, "a", file)
    seen = location.listed(lake)
    assert [(path, size) for path, size, _ in seen] == [("a", 10), ("t/b", 5)]
    assert all(abs(datetime.now(UTC) - changed) < timedelta(minutes=5) for _, _, changed in seen)
    assert location.deleted(lake, ["a", "never there"]) == 1
    assert [path for path, _, _ in location.listed(lake)] == ["t/b"]


def test_a_lake_in_a_missing_container_is_told_with_the_cure(
    container: ContainerClient, tmp_path: Path
) -> None:
    container.delete_container()
    with pytest.raises(PipelineError, match="az storage container create"):
        location.put(at(container, "lake"), "a", Path(__file__))
    with pytest.raises(PipelineError, match="az storage container create"):
        location.deleted(at(container, "lake"), ["a"])


def test_a_sas_that_may_not_write_is_told(azurite: Azurite) -> None:
    url = azurite.sas_url(azurite.container().container_name, "lake")
    with pytest.raises(PipelineError, match="it has rl, to write takes r, l, w, c and d") as caught:
        location.put(url, "a", Path(__file__))
    assert KEY not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PipelineError, match="file"):
        location.put(str(tmp_path / "file"), "a", Path(__file__))


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    # What is being written lies on a device that is always full.
    (tmp_path / "a.part").symlink_to("/dev/full")
    with pytest.raises(PipelineError, match="No space left on device; make room"):
        location.put(str(tmp_path), "a", Path(__file__))
    assert [*tmp_path.iterdir()] == []


def test_the_command_line_starts_without_azure() -> None:
    program = "import sys, pipeline.storage; print('azure' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"
