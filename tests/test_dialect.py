"""Dialects: whatever JSON a record holds, it is fitted to its format's shape or refused."""

import json
from collections.abc import Mapping
from contextlib import suppress
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.dialect import NO_VALUE, fitted, lowered, parsed, unbatched
from pipeline.source import Int, Long
from pipeline.sources import sources


class Inner(msgspec.Struct, rename="camel", omit_defaults=True):
    """What may be nested in a record."""

    first_text: str | None = None
    some_count: Int | None = None


class Shape(msgspec.Struct, rename="camel", omit_defaults=True):
    """A field of each type that a format may declare."""

    one_text: str | None = None
    one_flag: bool | None = None
    one_real: float | None = None
    one_long: Long | None = None
    one_object: Inner | None = None
    many_objects: list[Inner] | None = None
    many_texts: list[str] | None = None


# Keys of the shape and others, in any case; texts that stand for other values.
KEYS = st.sampled_from(
    [
        *("oneText", "OneText", "onetext", "oneFlag", "oneReal", "oneLong", "ONELONG"),
        *("oneObject", "OneObject", "manyObjects", "manyTexts", "firstText", "someCount"),
        *("records", "Records", "value", "", "İ", "ß"),
    ]
)
TEXTS = st.text(max_size=8) | st.sampled_from(
    [*NO_VALUE, "NaN", "-0", "1e999", "true", "False", "{", "[]", "{}", '"', "1" * 400]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**53, 2**63, -(2**64), 10**400])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=6)
        | inner.map(json.dumps)
    ),
    max_leaves=12,
)
RECORDS = st.dictionaries(KEYS | st.text(max_size=4), VALUES, max_size=8)
SHAPES = list(dict.fromkeys([Shape, *(source.record for source in sources().values())]))


def spoken(shape: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    """Records that are spelled exactly as their format documents them."""
    hints = get_type_hints(shape, include_extras=True)
    return st.fixed_dictionaries(
        {},
        optional={
            encoded: _of(hints[field])
            for field, encoded in zip(
                shape.__struct_fields__, shape.__struct_encode_fields__, strict=True
            )
        },
    )


def _of(hint: object) -> st.SearchStrategy[Any]:
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(
            *(st.none() if each is type(None) else _of(each) for each in get_args(hint))
        )
    if get_origin(hint) is list:
        return st.lists(_of(get_args(hint)[0]), max_size=3)
    if get_origin(hint) is Annotated:
        return st.integers(-(2**31), 2**31 - 1)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return spoken(hint)
    return {
        str: st.text(max_size=8),
        bool: st.booleans(),
        float: st.floats(allow_nan=False, allow_infinity=False),
    }[hint]  # type: ignore[index]


def in_other_case(record: Mapping[str, Any], flips: list[bool]) -> dict[str, Any]:
    """The record with some letters of its keys in the other case, however deep."""
    return {
        "".join(
            letter.swapcase() if flips[place % len(flips)] else letter
            for place, letter in enumerate(key)
        ): _deeper(value, flips)
        for key, value in record.items()
    }


def _deeper(value: Any, flips: list[bool]) -> Any:
    if isinstance(value, dict):
        return in_other_case(value, flips)
    if isinstance(value, list):
        return [_deeper(each, flips) for each in value]
    return value


def same(one: object, other: object) -> bool:
    """Whether two values are the same JSON; NaN is like NaN, and 1 is not true."""
    return repr(one) == repr(other)


REASONS = ("is a text that is no JSON", "is no number that can be counted with")


@given(RECORDS)
def test_any_record_is_fitted_or_refused_with_a_reason(record: dict[str, Any]) -> None:
    told, reason = _fitted(record)
    assert set(told) <= set(Shape.__struct_encode_fields__)
    assert reason == "" or reason.endswith(REASONS)


def _fitted(record: dict[str, Any]) -> tuple[dict[str, object], str]:
    try:
        return fitted(record, Shape), ""
    except ValueError as error:
        return {}, str(error)


@given(RECORDS)
def test_what_is_fitted_becomes_the_shape_or_is_refused(record: dict[str, Any]) -> None:
    with suppress(msgspec.ValidationError):
        msgspec.convert(_fitted(record)[0], Shape, strict=False)


@given(RECORDS)
def test_fitting_twice_equals_once(record: dict[str, Any]) -> None:
    try:
        once = fitted(record, Shape)
        told = msgspec.convert(once, Shape, strict=False)
    except ValueError:
        return
    assert same(fitted(once, Shape), once)
    assert same(told, msgspec.convert(fitted(once, Shape), Shape, strict=False))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.__module__}.{shape.__name__}")
@given(st.data())
def test_a_record_spelled_as_documented_stays_as_it_is(
    shape: type[msgspec.Struct], data: st.DataObject
) -> None:
    record = data.draw(spoken(shape))
    assert fitted(record, shape) == record


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.__module__}.{shape.__name__}")
@given(st.data(), st.lists(st.booleans(), min_size=1, max_size=5))
def test_the_case_of_keys_does_not_matter(
    shape: type[msgspec.Struct], data: st.DataObject, flips: list[bool]
) -> None:
    record = data.draw(spoken(shape))
    assert fitted(in_other_case(record, flips), shape) == fitted(record, shape)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.__module__}.{shape.__name__}")
@given(st.data())
def test_nested_as_texts_and_numbers_as_texts_a_record_says_the_same(
    shape: type[msgspec.Struct], data: st.DataObject
) -> None:
    record = data.draw(spoken(shape))
    as_texts = {
        key: json.dumps(value) if isinstance(value, dict | list | int) else value
        for key, value in record.items()
    }
    told = msgspec.convert(fitted(as_texts, shape), shape, strict=False)
    assert told == msgspec.convert(fitted(record, shape), shape, strict=False)


def test_a_key_spelled_as_documented_goes_before_one_in_another_case() -> None:
    assert fitted({"OneText": "5", "oneText": "Informational"}, Shape) == {
        "oneText": "Informational"
    }
    assert fitted({"oneText": "Informational", "OneText": "5"}, Shape) == {
        "oneText": "Informational"
    }


@given(RECORDS)
def test_keys_in_lower_case_say_what_stood_first(record: dict[str, Any]) -> None:
    told = lowered(record)
    assert set(told) == {key.lower() for key in record}
    assert all(
        same(value, next(held for each, held in record.items() if each.lower() == key))
        for key, value in told.items()
    )
    assert same(lowered(told), told)


@given(VALUES)
@example([])
@example({"records": {}})
@example({"Value": 1, "records": [1, 2]})
def test_any_value_is_a_batch_or_one_record(value: object) -> None:
    told = list(unbatched(value))
    assert any(told == each for each in _batches(value)) or (len(told) == 1 and told[0] is value)


def _batches(value: object) -> list[list[object]]:
    if isinstance(value, list):
        return [value]
    held = value.values() if isinstance(value, dict) else ()
    return [each for each in held if isinstance(each, list)]


@given(st.lists(RECORDS, max_size=4), st.sampled_from(["records", "Records", "value", "VALUE"]))
def test_a_batch_gives_its_records(records: list[dict[str, Any]], key: str) -> None:
    assert same(list(unbatched({"nextLink": None, key: records})), records)
    assert same(list(unbatched(records)), records)


@given(VALUES | st.text())
def test_any_text_is_parsed_or_none(value: object) -> None:
    told = parsed(value)
    if not isinstance(value, str):
        assert told is value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=6),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_what_was_put_into_a_text_is_parsed(value: object) -> None:
    assert parsed(json.dumps(value)) == value


def test_a_text_nested_too_deeply_is_none() -> None:
    assert parsed("[" * 100_000 + "]" * 100_000) is None
