"""Differences: where two JSON documents that should say the same do not, place by place."""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

# By what things of a list are the same thing, wherever they stand; the first that all have.
KEYS = ("id", "name", "destination", "dataset", "kind", "series")
# Engines add floats in any order.
NEARLY = 1e-9
ABSENT = "absent"


class Difference(msgspec.Struct, frozen=True, rename={"now": "is"}):
    """A place in a document, what stood there and what stands there now."""

    path: str
    was: object
    now: object


def differences(was: object, now: object, path: str = "") -> Iterator[Difference]:
    """Every place where two documents differ; a thing that only one has is told as one."""
    match was, now:
        case Mapping(), Mapping():
            for name in dict.fromkeys([*was, *now]):
                below = f"{path}.{name}" if path else str(name)
                yield from differences(was.get(name, ABSENT), now.get(name, ABSENT), below)
        case list(), list():
            yield from _of_lists(was, now, path)
        case float() | int(), float() | int() if math.isclose(was, now, rel_tol=NEARLY):
            return
        case _ if was != now:
            yield Difference(path, was, now)


def _of_lists(was: list[object], now: list[object], path: str) -> Iterator[Difference]:
    old, new = _keyed(was), _keyed(now)
    if old is None or new is None:
        old, new = (dict(zip(map(str, range(len(each))), each, strict=True)) for each in (was, now))
    for key in dict.fromkeys([*old, *new]):
        yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), f"{path}[{key}]")


def _keyed(things: Sequence[object]) -> dict[str, object] | None:
    """The things by their key; none where they have no key that tells them apart."""
    for key in KEYS:
        found = {
            str(each[key]): each for each in things if isinstance(each, Mapping) and key in each
        }
        if len(found) == len(things):
            return dict(found)
    return None
