"""Slowness is that of operations; that more is asked of a slow one makes nothing slower."""

import polars as pl
import pytest

from pipeline.transforms.slowness import slowness
from tests.given import ORDERS, PAYMENTS

Medians = tuple[int, float]


def answers(**operations: tuple[Medians, Medians]) -> pl.DataFrame:
    """By operation: calls and median (ms), before and during."""
    return pl.DataFrame(
        [
            {
                "destination": PAYMENTS,
                "api": "pay",
                "operation": name,
                "during": during,
                "calls": calls,
                "p50_ms": p50_ms,
            }
            for name, both in operations.items()
            for during, (calls, p50_ms) in zip((False, True), both, strict=True)
        ]
    )


def moved(told: pl.DataFrame) -> tuple[float, float]:
    found = slowness(told, PAYMENTS)
    assert found is not None
    return found.factor, found.rise_ms


def test_another_mix_of_operations_is_no_slowness() -> None:
    mixed = answers(quote=((900, 50.0), (100, 50.0)), settle=((100, 400.0), (900, 400.0)))
    assert moved(mixed) == pytest.approx((1, 0))


def test_operations_count_by_what_is_asked_of_them() -> None:
    slowed = answers(quote=((500, 50.0), (100, 200.0)), settle=((500, 400.0), (300, 400.0)))
    assert moved(slowed) == pytest.approx((4**0.25, 0.25 * 150))


@pytest.mark.parametrize(
    ("told", "destination"),
    [
        (answers(quote=((19, 50.0), (100, 200.0))), PAYMENTS),
        (answers(quote=((100, 50.0), (19, 200.0))), PAYMENTS),
        (answers(quote=((100, 50.0), (100, 200.0))), ORDERS),
        (answers(quote=((100, 50.0), (100, 200.0))), None),
    ],
    ids=["few before", "few during", "elsewhere", "nowhere"],
)
def test_without_answers_of_both_there_is_nothing_to_compare(
    told: pl.DataFrame, destination: str | None
) -> None:
    assert slowness(told, destination) is None
