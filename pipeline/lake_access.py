"""Access to a lake: what the place of one refuses, told with the cure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from pipeline.azure_place import place
from pipeline.errors import PipelineError
from pipeline.location import is_remote, named

OS_ERROR = re.compile(r"([A-Z][^:\n]*) \(os error \d+\)")
# How deltalake tells that a storage account did not answer, lacks a container, or refused.
UNREACHABLE = re.compile(r"error sending request|client error \(Connect\)|timed out")
NO_CONTAINER = re.compile(r"ContainerNotFound|specified container does not exist|404 Not Found")
REFUSED = re.compile(r"Authoriz|Authentic|necessary privileges|\b40[13]\b")
CODE = re.compile(r"<Code>(\w+)</Code>")
CONTAINER = re.compile(r"az://([^/]+)/([^/]+)")


@contextmanager
def telling(location: str) -> Iterator[None]:
    """What the place of a lake refuses is a user's error, and told as one."""
    try:
        yield
    except (CommitFailedError, TableNotFoundError):
        raise
    except (DeltaError, OSError) as error:
        if refused := OS_ERROR.search(str(error)):
            raise PipelineError(f"{location}: cannot be used: {refused[1]}") from error
        if is_remote(location):
            where = named(location)
            raise PipelineError(f"{where}: {_service_reason(where, str(error))}") from error
        raise


def _service_reason(lake: str, error: str) -> str:
    """What a storage account told, and the cure; a stack of it stands in each error."""
    account, container = found.groups() if (found := CONTAINER.match(lake)) else ("", "")
    if NO_CONTAINER.search(error):
        return (
            f"account {account} has no container {container}; create it: az storage container "
            f"create --account-name {account} --name {container} --auth-mode login"
        )
    if UNREACHABLE.search(error):
        return "the storage account does not answer; check network, firewall and proxy"
    if REFUSED.search(error):
        from pipeline import azure_blobs

        code = told[1] if (told := CODE.search(error)) else ""
        return azure_blobs.refusal(place(lake).access, code, "write")
    return f"the storage account refused: {error.splitlines()[0]}"
