"""Places on Azure, and how they are reached: what a location names, before anything is asked.

A *place* is named ``az://ACCOUNT/CONTAINER/PATH``, or by the URL of a container or blob with a
SAS. Access comes from, in this order: the SAS of the URL; ``AZURE_STORAGE_CONNECTION_STRING`` where
it is of the same account; what ``DefaultAzureCredential`` finds. ``AZURE_STORAGE_SERVICE_ENDPOINT``
names the endpoint where it is another than the public cloud's.
"""

import ipaddress
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

PUBLIC_ENDPOINT = "https://{account}.blob.core.windows.net"


class UnavailableError(Exception):
    """What the service did not give or take; the text says why and names no secret."""


@dataclass(frozen=True, slots=True)
class Access:
    """How an account is spoken with: at most one of SAS and key, else a token."""

    account: str
    endpoint: str
    sas: str = field(default="", repr=False)
    key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """The endpoint's host: what DNS and firewalls know."""
        return urlsplit(self.endpoint).hostname or self.endpoint


@dataclass(frozen=True, slots=True)
class Place:
    """A container, or a path in it: a blob, a folder, or how names begin."""

    access: Access
    container: str
    path: str = ""

    @property
    def name(self) -> str:
        """The place as ``az://ACCOUNT/CONTAINER/PATH``, which holds no secret."""
        path = f"/{self.path}" if self.path else ""
        return f"az://{self.access.account}/{self.container}{path}"

    def under(self, path: str) -> "Place":
        """A path counted from this place."""
        return replace(self, path=f"{self.path}/{path}".strip("/"))


def place(location: str) -> Place:
    """The place that a location names.

    Raises ``UnavailableError`` where it names no account and container, or the connection string
    of the environment cannot be read.
    """
    if location.startswith("az://"):
        account, _, rest = location.removeprefix("az://").partition("/")
        container, _, path = rest.partition("/")
        access = _access(account)
    else:
        url = urlsplit(location)
        account, in_path = _account(url.netloc)
        segments = [unquote(each) for each in url.path.split("/") if each]
        if in_path:
            account, segments = "".join(segments[:1]), segments[1:]
        container, path = "".join(segments[:1]), "/".join(segments[1:])
        host = url.netloc.replace(".dfs.", ".blob.", 1)
        endpoint = f"{url.scheme}://{host}" + (f"/{account}" if in_path else "")
        access = Access(account, endpoint, sas=url.query)
        if not url.query:
            access = _access(account)
            # A token or a key goes to no host but those that the environment or Azure names.
            if access.endpoint != endpoint:
                raise UnavailableError(
                    f"has no SAS; add it, or set AZURE_STORAGE_SERVICE_ENDPOINT={endpoint}"
                )
    if not account or not container:
        raise UnavailableError("names no container; write az://ACCOUNT/CONTAINER or its SAS URL")
    return Place(access, container, path.strip("/"))


def _account(netloc: str) -> tuple[str, bool]:
    """The account that a host speaks for, and whether the path names it instead."""
    host = netloc.rpartition("@")[2].partition(":")[0]
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return "", True
    if "." not in host:
        return "", True
    return host.partition(".")[0] if re.search(r"\.(blob|dfs)\.", host) else host, False


def _access(account: str) -> Access:
    said = os.environ.get("AZURE_STORAGE_CONNECTION_STRING", "")
    words = dict(part.partition("=")[::2] for part in said.split(";") if part)
    named = words.get("AccountName") or _account_at(words.get("BlobEndpoint", ""))
    if said and named == account:
        scheme = words.get("DefaultEndpointsProtocol", "https")
        suffix = words.get("EndpointSuffix", "core.windows.net")
        endpoint = words.get("BlobEndpoint") or f"{scheme}://{account}.blob.{suffix}"
        sas = words.get("SharedAccessSignature", "").removeprefix("?")
        key = words.get("AccountKey", "")
        if not sas and not key:
            raise UnavailableError(
                "AZURE_STORAGE_CONNECTION_STRING holds neither AccountKey nor "
                "SharedAccessSignature; copy it again from the portal"
            )
        return Access(account, endpoint.rstrip("/"), sas, "" if sas else key)
    endpoint = os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT", "").rstrip("/")
    if endpoint and _account_at(endpoint) in (account, urlsplit(endpoint).hostname):
        return Access(account, endpoint)
    return Access(account, PUBLIC_ENDPOINT.format(account=account))


def _account_at(endpoint: str) -> str:
    url = urlsplit(endpoint)
    account, in_path = _account(url.netloc)
    return url.path.strip("/").partition("/")[0] if in_path else account
