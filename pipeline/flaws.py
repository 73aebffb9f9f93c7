"""Flaws of a settings file: everything that is wrong with it, told at once, each with its cure."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

SEE = "'gateway-rca config example' prints each setting with its meaning"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: the key, why, and what to do about it."""

    key: str
    why: str
    cure: str

    def __str__(self) -> str:
        return f"{self.why} - at '{self.key}'; {self.cure}"


def flaws(said: object, shape: Any, key: str = "") -> Iterator[Flaw]:
    """What of a value as TOML gives it does not fit a type; shapes are looked at key by key."""
    struct = _struct(shape)
    if struct is not None and isinstance(said, dict):
        yield from _of_struct(said, struct, key)
        return
    items = _items(shape)
    if items is not None and isinstance(said, list):
        for number, each in enumerate(said):
            yield from flaws(each, items, f"{key}[{number}]")
        return
    try:
        msgspec.convert(said, shape)
    except msgspec.ValidationError as error:
        yield Flaw(key, str(error).replace("`", "'"), _cure(said, shape))


def _of_struct(said: dict[str, object], struct: Any, key: str) -> Iterator[Flaw]:
    fields = {each.encode_name: each for each in msgspec.structs.fields(struct)}
    types = get_type_hints(struct, include_extras=True)
    for name, value in said.items():
        if name in fields:
            yield from flaws(value, types[fields[name].name], _under(key, name))
        else:
            yield Flaw(_under(key, name), f"unknown field '{name}'", _meant(name, list(fields)))
    for name, field in fields.items():
        if field.required and name not in said:
            yield Flaw(_under(key, name), f"missing required field '{name}'", "state it")


def _meant(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(known))}"


def _cure(said: object, shape: Any) -> str:
    values = [
        str(each)
        for option in (shape, *get_args(shape))
        if isinstance(option, type) and issubclass(option, StrEnum)
        for each in option
    ]
    if values:
        near = difflib.get_close_matches(str(said), values, 1)
        told = f"write one of {', '.join(values)}"
        return f"did you mean '{near[0]}'? {told}" if near else told
    if datetime in (shape, *get_args(shape)):
        return "write a time and its zone, as in 2026-03-01T00:00:00Z"
    return SEE


def _under(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _struct(shape: Any) -> Any:
    """The struct that a type is, or may be beside null."""
    options = get_args(shape) if get_origin(shape) in (Union, UnionType) else (shape,)
    found = [
        each for each in options if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    return found[0] if len(found) == 1 else None


def _items(shape: Any) -> Any:
    """What a tuple of any length holds."""
    parts = get_args(shape)
    return parts[0] if get_origin(shape) is tuple and parts[1:] == (...,) else None
