"""What goes wrong with lines on their way to disk: copies, broken lines, a cut last line."""

import json
from dataclasses import dataclass

import numpy as np

from tests.simulation.delivery import Blobs

LINE_END = b"\r\n"
DUPLICATED_SHARE = 0.0012
MALFORMED_SHARE = 0.0002
MOST_COPIES = 4
COPY_DISTANCE_LINES = 300.0


@dataclass(frozen=True, slots=True)
class Dirt:
    """What was done: lines in all, added exact copies, lines that cannot be read, unfinished lines.

    Every malformed or truncated line is a record that is lost, without copies; `lost` holds the
    correlation ids. So lines = records + duplicates, and no line is counted twice.
    """

    lines: int
    duplicates: int
    malformed: int
    truncated: int
    lost: frozenset[str]

    @property
    def readable(self) -> int:
        """Different records that a careful reader finds."""
        return self.lines - self.duplicates - self.malformed - self.truncated


def soil(blobs: Blobs, rng: np.random.Generator) -> tuple[dict[str, bytes], Dirt]:
    """The bytes of each blob after the dirt, and what the dirt was."""
    last = max(blobs)
    unfinished = blobs[last][-1]
    content: dict[str, bytes] = {}
    broken: list[bytes] = []
    lines = 0
    for path, clean in blobs.items():
        placed: list[tuple[float, bytes]] = []
        for place, original in enumerate(clean):
            luck = float(rng.random())
            if original is unfinished or luck >= MALFORMED_SHARE + DUPLICATED_SHARE:
                placed.append((place, original))
            elif luck < MALFORMED_SHARE:
                broken.append(original)
                placed.append((place, damaged(original, rng)))
            else:
                copies = int(rng.integers(1, MOST_COPIES + 1))
                steps = rng.exponential(COPY_DISTANCE_LINES, copies)
                places = np.minimum(place + steps, len(clean) - 1.5).tolist()
                placed.extend((where, original) for where in [float(place), *places])
        placed.sort(key=lambda item: item[0])
        lines += len(placed)
        content[path] = LINE_END.join(text for _, text in placed) + LINE_END
    content[last] = content[last][: -len(LINE_END) - len(unfinished) // 3]
    records = sum(map(len, blobs.values()))
    lost = frozenset(json.loads(line)["correlationId"] for line in [*broken, unfinished])
    return content, Dirt(lines, lines - records, len(broken), 1, lost)


def damaged(original: bytes, rng: np.random.Generator) -> bytes:
    """A line that is no JSON any more: its end or start is missing, or zeros lie in its middle."""
    third = len(original) // 3
    match int(rng.integers(3)):
        case 0:
            return original[:third]
        case 1:
            return original[third:]
        case _:
            return original[:third] + b"\x00" * 64 + original[third + 64 :]
