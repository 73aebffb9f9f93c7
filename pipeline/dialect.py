"""Dialects: a record as some exporter spells it, fitted to the shape that its format declares.

Exporters differ in the case of keys, write numbers as texts, nest objects as JSON in a text, and
leave a field empty where there is no value.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import msgspec

# What stands where there is no value, besides nothing at all.
NO_VALUE = frozenset({"", "-", "--", "null", "none", "nan"})
BATCH_KEYS = ("records", "value")
Record = Mapping[str, object]


def lowered(record: Record) -> dict[str, object]:
    """The record with its keys in lower case; of two that then are one, the first stays."""
    said: dict[str, object] = {}
    for key, value in record.items():
        said.setdefault(key.lower(), value)
    return said


def parsed(value: object) -> object:
    """What a text holds as JSON; anything else as it is, and None for a text that is no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def unbatched(value: object) -> Iterator[object]:
    """The records of a value: of an array, of an object whose ``records`` (or ``value``) are one.

    Event Hubs batch them so, and so do the answers of Azure's REST interfaces.
    """
    if isinstance(value, list):
        yield from value
        return
    if isinstance(value, dict) and not is_metrics_answer(value):
        for key, held in value.items():
            if key.lower() in BATCH_KEYS and isinstance(held, list):
                yield from held
                return
    yield value


def is_metrics_answer(record: Record) -> bool:
    """Whether it is an answer of the metrics interface: its top tells what holds for its series."""
    keys = {key.lower() for key in record}
    return {"timespan", "interval"} <= keys


def fitted(record: Record, shape: type[msgspec.Struct]) -> dict[str, object]:
    """The fields of a record that its format's shape declares, in the shape's spelling.

    Raises ``ValueError`` where a field that should be an object is a text of something else, or one
    that should be a number is a text too large for any.
    """
    exact, folded = _fields(shape)
    said: dict[str, object] = {}
    loose: dict[str, object] = {}
    for key, value in record.items():
        if key in exact:
            said[key] = exact[key](value)
        elif name := folded.get(key.lower()):
            loose[name] = exact[name](value)
    return loose | said


Fit = Callable[[object], object]


@cache
def _fields(shape: type[msgspec.Struct]) -> tuple[dict[str, Fit], dict[str, str]]:
    """How to fit each field of a shape, by its name; and the names by their lower case."""
    hints = get_type_hints(shape, include_extras=True)
    exact = {
        encoded: _fit(hints[field], encoded)
        for field, encoded in zip(
            shape.__struct_fields__, shape.__struct_encode_fields__, strict=True
        )
    }
    return exact, {name.lower(): name for name in exact}


def _fit(hint: object, name: str) -> Fit:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    if hint is str:
        return _text
    if hint is bool:
        return _flag
    if hint is float or get_origin(hint) is Annotated:
        return _number
    if get_origin(hint) is list:
        one = _fit(get_args(hint)[0], name)
        return lambda value: _list(value, one, name)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return lambda value: _object(value, hint, name)
    raise TypeError(f"no dialect is known for {hint}")


def _text(value: object) -> object:
    return value if value is None or isinstance(value, str) else _spelt(value)


def _spelt(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _flag(value: object) -> object:
    if isinstance(value, str):
        text = value.strip().lower()
        return None if text in NO_VALUE else text
    return value


def _number(value: object) -> object:
    if isinstance(value, str):
        text = value.strip()
        if text.lower() in NO_VALUE:
            return None
        if _infinite(text):
            raise ValueError(f"{text[:40]} is no number that can be counted with")
        return text
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def _infinite(text: str) -> bool:
    with suppress(ValueError):
        return math.isinf(float(text))
    return False


def _list(value: object, one: Fit, name: str) -> object:
    value = _opened(value, name)
    return [one(each) for each in value] if isinstance(value, list) else value


def _object(value: object, shape: type[msgspec.Struct], name: str) -> object:
    value = _opened(value, name)
    return fitted(value, shape) if isinstance(value, dict) else value


def _opened(value: object, name: str) -> object:
    """What stands in a text that should be an object or a list."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() in NO_VALUE:
        return None
    said = parsed(value)
    if not isinstance(said, dict | list):
        raise ValueError(f"{name} is a text that is no JSON")
    return said
