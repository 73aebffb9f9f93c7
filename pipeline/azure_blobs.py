"""Azure Blob Storage: the only module that speaks with it."""

import atexit
import fnmatch
import logging
import mimetypes
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from azure.core.credentials import AccessToken, AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import (
    BlobLeaseClient,
    BlobProperties,
    BlobServiceClient,
    ContainerClient,
    ContentSettings,
    ExponentialRetry,
)

from pipeline.azure_place import Access, Place, UnavailableError

EMULATOR = "AZURITE_BLOB_STORAGE_URL"
TOKEN_SCOPE = "https://storage.azure.com/.default"  # noqa: S105  # the name of a right, no secret
MANAGEMENT_SCOPE = "{endpoint}/.default"
GLOB_SIGNS = re.compile(r"[*?\[]")
# After the first try; all waiting between them takes about half a minute.
TRIES = 4
CONNECT_S = 10
# A token that lives for no longer is asked for anew; azure-identity then gets another one.
LEAST_LEFT_S = 300
ANSWER_S = 60
# The codes of a token that is over, not valid yet, or of another tenant.
NO_TOKEN = ("AuthenticationFailed", "InvalidAuthenticationInfo")
NO_CREDENTIAL = (
    "no credential that works was found; sign in (az login), run with a managed identity, set "
    "AZURE_STORAGE_CONNECTION_STRING, or name the source by a URL with a SAS"
)
# Its warnings are many lines for what one sentence of ours tells.
logging.getLogger("azure").addHandler(logging.NullHandler())
# Clients and credentials in use; they serve all threads until the process ends.
_opened = ExitStack()
# By scope. Not every credential keeps its own: to ask the Azure CLI takes a second.
_tokens: dict[str, AccessToken] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """A blob as it was listed: its size in bytes, its ETag without quotes."""

    place: Place
    size: int
    etag: str
    modified: datetime


def found(source: Place) -> list[Entry]:
    """The blobs that a source names: one blob, else a folder, else all names that begin so.

    Where nothing of that very name exists, ``*``, ``?`` and ``[…]`` stand for any letters, slashes
    too. Placeholders of folders are left out.
    """
    if _of_one_blob(source.access.sas):
        return [entry(source)]
    if not source.path:
        return _listed(source, "")
    sign = GLOB_SIGNS.search(source.path)
    entries = _listed(source, source.path[: sign.start()] if sign else source.path)
    by_path = {each.place.path: each for each in entries}
    if source.path in by_path:
        return [by_path[source.path]]
    if inside := [each for each in entries if each.place.path.startswith(f"{source.path}/")]:
        return inside
    if not sign:
        return entries
    return [each for each in entries if fnmatch.fnmatchcase(each.place.path, source.path)]


def inside(folder: Place) -> list[Entry]:
    """All blobs of a folder."""
    return _listed(folder, f"{folder.path}/" if folder.path else "")


def entry(blob: Place) -> Entry:
    """A blob as it is now."""
    with _telling(blob):
        seen = _container(blob).get_blob_client(blob.path).get_blob_properties()
    return _entry(blob, seen)


def read(blob: Place, start: int, stop: int) -> bytes:
    """Bytes of a blob, ``stop`` not included, in one request.

    A blob that grew since it was listed still begins with what was listed, so nothing is asked of
    its ETag. Raises ``UnavailableError`` where the bytes are no longer there.
    """
    with _telling(blob):
        client = _container(blob).get_blob_client(blob.path)
        content: bytes = client.download_blob(start, stop - start).readall()
    if len(content) < stop - start:
        raise UnavailableError("is now smaller than when it was listed")
    return content


def write(blob: Place, file: Path) -> None:
    """Makes a blob of a file, in place of one of that name; browsers are told what it is."""
    kind = mimetypes.guess_type(blob.path)[0] or "application/octet-stream"
    told = ContentSettings(f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
    with file.open("rb") as content, _telling(blob, "write"):
        _container(blob).upload_blob(blob.path, content, overwrite=True, content_settings=told)


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease on a blob, until it is released or was not renewed for its time."""

    client: BlobLeaseClient

    def renew(self) -> bool:
        """Takes it for its time again; whether it was still ours."""
        try:
            self.client.renew()
        except AzureError:
            return False
        return True

    def release(self) -> None:
        """Gives it back; where that fails, it ends by itself."""
        with suppress(AzureError):
            self.client.release()


def leased(blob: Place, seconds: int) -> Lease | None:
    """The lease of a blob, which is made if it is not there; null while another has it."""
    client = _container(blob).get_blob_client(blob.path)
    with _telling(blob, "write"):
        with suppress(ResourceExistsError):
            client.upload_blob(b"", overwrite=False)
        try:
            return Lease(client.acquire_lease(seconds))
        except HttpResponseError as error:
            if str(getattr(error, "error_code", "")) == "LeaseAlreadyPresent":
                return None
            raise


def delete(blob: Place) -> bool:
    """Deletes a blob; whether it was there."""
    with _telling(blob, "write"):
        try:
            _container(blob).delete_blob(blob.path)
        except ResourceNotFoundError as error:
            if error.error_code == "ContainerNotFound":  # type: ignore[attr-defined]
                raise
            return False
    return True


def delta(table: Place) -> tuple[str, dict[str, str]]:
    """The URI and the storage options with which deltalake opens a table.

    A token among them lives for an hour or so: ask again before each use, which costs little, and
    open the table again where the options are other ones.
    """
    access = table.access
    options = {"account_name": access.account}
    if access.endpoint.endswith(f"/{access.account}"):
        # The account stands in the path: an emulator, which deltalake must know, for it cannot list
        # from a name on. Its address is taken from nowhere but the environment.
        options["use_emulator"] = "true"
        os.environ[EMULATOR] = access.endpoint.removesuffix(f"/{access.account}")
    else:
        options["endpoint"] = access.endpoint
    if access.endpoint.startswith("http://"):
        options["allow_http"] = "true"
    if access.sas:
        options["sas_key"] = access.sas
    elif access.key:
        options["account_key"] = access.key
    else:
        with _telling(table):
            options["bearer_token"] = _token(TOKEN_SCOPE)
    return f"az://{table.container}/{table.path}".rstrip("/"), options


def _listed(within: Place, start: str) -> list[Entry]:
    with _telling(within):
        listed = list(_container(within).list_blobs(start, include=["metadata"]))
    return [
        _entry(replace(within, path=each.name), each) for each in listed if not _is_folder(each)
    ]


def _is_folder(seen: BlobProperties) -> bool:
    metadata: dict[str, str] = seen.metadata or {}
    return not seen.size and any(
        key.lower() == "hdi_isfolder" and value.lower() == "true" for key, value in metadata.items()
    )


def _entry(blob: Place, seen: BlobProperties) -> Entry:
    modified: datetime = seen.last_modified
    return Entry(blob, seen.size, (seen.etag or "").strip('"'), modified)


def _container(at: Place) -> ContainerClient:
    # A process that was forked must not speak through the connections of the one before.
    return _service(at.access, os.getpid()).get_container_client(at.container)


@cache
def _service(access: Access, _process: int) -> BlobServiceClient:
    credential: Any
    if access.sas:
        credential = AzureSasCredential(access.sas)
    elif access.key:
        credential = AzureNamedKeyCredential(access.account, access.key)
    else:
        credential = _credential()
    retry = _Retry(
        initial_backoff=1,
        increment_base=2,
        random_jitter_range=1,
        retry_total=TRIES,
        retry_connect=TRIES,
        retry_read=TRIES,
        retry_status=TRIES,
    )
    service = BlobServiceClient(
        access.endpoint,
        credential,
        retry_policy=retry,
        connection_timeout=CONNECT_S,
        read_timeout=ANSWER_S,
    )
    return _opened.enter_context(service)


@cache
def _credential() -> DefaultAzureCredential:
    credential = DefaultAzureCredential()
    _opened.callback(credential.close)
    return credential


def token(scope: str) -> str:
    """A token of another right than that on blobs; it lives for an hour or so."""
    try:
        return _token(scope)
    except AzureError as error:
        raise UnavailableError(NO_CREDENTIAL) from error


def _token(scope: str) -> str:
    held = _tokens.get(scope)
    if held is None or held.expires_on < time.time() + LEAST_LEFT_S:
        held = _tokens[scope] = _credential().get_token(scope)
    return held.token


def close() -> None:
    """Closes all connections, and forgets what the environment said about credentials."""
    _service.cache_clear()
    _credential.cache_clear()
    _tokens.clear()
    _opened.close()


class _Retry(ExponentialRetry):
    """The SDK's own, but what no second try mends is tried once."""

    def increment(
        self, settings: dict[str, Any], request: Any, response: Any = None, error: Any = None
    ) -> bool:
        final = isinstance(error, ClientAuthenticationError) or _is_unknown_host(error)
        return not final and super().increment(settings, request, response, error)

    def send(self, request: Any) -> Any:
        """Sends; a service or proxy that says 429 is asked again, which the SDK's own does not."""
        answer = super().send(request)  # type: ignore[no-untyped-call]
        # Of a body that is handed over piece by piece, the pieces are gone.
        again = isinstance(request.http_request.body, bytes | str | None)
        for pause in range(1, TRIES + 1):
            if answer.http_response.status_code != 429 or not again:
                break
            time.sleep(pause)
            answer = super().send(request)  # type: ignore[no-untyped-call]
        return answer


def _is_unknown_host(error: AzureError | None) -> bool:
    return isinstance(error, ServiceRequestError) and "Failed to resolve" in str(error)


@contextmanager
def _telling(at: Place, wish: str = "read") -> Iterator[None]:
    # What the SDK says may hold the whole URL; so nothing of it is passed on.
    try:
        yield
    except AzureError as error:
        raise UnavailableError(_reason(error, at, wish)) from None


def _reason(error: AzureError, at: Place, wish: str) -> str:
    host = at.access.host
    if _is_unknown_host(error):
        return f"no storage account answers at {host}, which DNS does not know; check its name"
    if isinstance(error, (ServiceRequestError, ServiceResponseError)):
        return f"{host} cannot be reached; check network, firewall and proxy"
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if isinstance(error, ClientAuthenticationError) and status is None:
        return NO_CREDENTIAL
    code = str(getattr(error, "error_code", None) or "")
    if status in (401, 403):
        return refusal(at.access, code, wish)
    if code == "ContainerNotFound":
        return (
            f"account {at.access.account} has no container {at.container}; check the name, or: "
            f"az storage container create --account-name {at.access.account} "
            f"--name {at.container} --auth-mode login"
        )
    if status == 404:
        return "there is no such blob, or it was deleted since it was listed"
    if status == 416:
        return "is now smaller than when it was listed"
    return f"{host} answered with HTTP status {status} {code}".rstrip()


def refusal(access: Access, code: str, wish: str) -> str:
    """Why an account refused to be read or written, by the code that it gave; and the cure."""
    if access.sas:
        return _sas_refusal(access.sas, wish)
    if code == "AuthorizationFailure":
        return f"the network rules of account {access.account} keep this machine out; allow it"
    if access.key:
        return "the key in AZURE_STORAGE_CONNECTION_STRING is refused; copy it again"
    if code in NO_TOKEN:
        return "the token is refused; sign in again, and see this machine's clock (doctor tells)"
    role = "Storage Blob Data Reader" if wish == "read" else "Storage Blob Data Contributor"
    return f"no permission to {wish}; ask for the role {role}"


def _sas_refusal(sas: str, wish: str) -> str:
    words = {key: values[0] for key, values in parse_qs(sas).items()}
    needs = "r and l (read, list)" if wish == "read" else "r, l, w, c and d"
    with suppress(ValueError):
        ends = datetime.fromisoformat(words.get("se", ""))
        if (ends if ends.tzinfo else ends.replace(tzinfo=UTC)) < datetime.now(UTC):
            return f"the SAS expired at {words['se']}; make a new one"
    if "sig" not in words:
        return "the URL's query is no SAS; copy the whole SAS URL, in quotes"
    return (
        f"the SAS is refused: it is damaged, not valid yet, or lacks a permission; it has "
        f"{words.get('sp', 'a stored policy')}, to {wish} takes {needs}"
    )


def _of_one_blob(sas: str) -> bool:
    return parse_qs(sas).get("sr") == ["b"]


atexit.register(close)
