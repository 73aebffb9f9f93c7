"""What an envelope is: how records lie in a blob that is read as a whole, not line by line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.dialect import Record
from pipeline.storage import Blob

# What is looked at of a blob to tell its envelope.
HEAD_BYTES = 64 << 10
# A document that must be read at once is no larger: in memory it takes ten times as much.
LARGEST_WHOLE_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A piece of a blob that is no record, and why; ``raw`` is what stands there."""

    kind: str
    reason: str
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One way in which records lie in a blob.

    ``opens`` tells by the first bytes whether a blob is of this kind; no two kinds open the same.
    ``records`` gives them one by one, in a memory that does not grow with the blob, and what stands
    between them unreadable in its place. It may raise ``BrokenBlobError`` behind the last it gave.
    """

    about: str
    opens: Callable[[bytes], bool]
    records: Callable[[Blob], Iterator[Record | Unreadable]]


def whole(blob: Blob) -> bytes | None:
    """The content of a blob, or None if it is larger than what is read at once.

    Raises ``BrokenBlobError`` where it cannot be read.
    """
    content = bytearray()
    for chunk in blob.chunks():
        content += chunk
        if len(content) > LARGEST_WHOLE_BYTES:
            return None
    return bytes(content)
