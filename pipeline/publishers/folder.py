"""A folder, here or on Azure: each report under a stable name, the newest of a kind as latest."""

from typing import Literal

import msgspec

from pipeline.errors import PipelineError
from pipeline.location import named, put
from pipeline.publisher import Issued, Publisher, PublishError


class Folder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``to`` is a folder, or ``az://ACCOUNT/CONTAINER/PREFIX``."""

    kind: Literal["folder"]
    to: str


def _publish(target: Folder, issued: Issued) -> None:
    try:
        for file in issued.files:
            put(target.to, f"{issued.folder}/{file.name}", file)
            if issued.newest:
                put(target.to, f"{issued.kind}/latest/{file.name}", file)
    except PipelineError as error:
        raise PublishError(f"{error}") from error


folder = Publisher(
    about="A folder or `az://` container: stable names, and `latest`",
    settings=Folder,
    name=lambda target: f"folder {named(target.to)}",
    lacks=lambda _: None,
    publish=_publish,
)
