"""Fingerprints: modes of the lengths of failures that have a name, and none where they have not."""

import polars as pl
import pytest

from pipeline.transforms.fingerprints import (
    AT_ONCE,
    CONFIGURED,
    CONNECT,
    RETRANSMISSION,
    SILENCE,
    modes,
)


def lengths(
    by_second: dict[int, float], fault: str | None = None, service_ms: float | None = None
) -> list[tuple[str, tuple[int, int], float]]:
    frame = pl.DataFrame(
        [
            {"reason": None, "fault": fault, "second": second, "failures": failures}
            for second, failures in by_second.items()
        ],
        schema={
            "reason": pl.String,
            "fault": pl.String,
            "second": pl.Int64,
            "failures": pl.Float64,
        },
    )
    return [(each.kind, each.seconds, round(each.share, 2)) for each in modes(frame, service_ms)]


FLAT = dict.fromkeys(range(1, 60), 1.0)


@pytest.mark.parametrize(
    ("by_second", "fault", "found"),
    [
        ({21: 95, 5: 5}, "connect_timeout", (CONNECT, (20, 21), 0.95)),
        ({20: 50, 21: 50}, None, (CONNECT, (20, 21), 1.0)),
        ({30: 100}, "response_timeout", (CONFIGURED, (30, 30), 1.0)),
        ({20: 100}, "response_timeout", (CONFIGURED, (20, 20), 1.0)),
        ({230: 40, 240: 60}, None, (SILENCE, (230, 240), 1.0)),
        ({0: 100}, "refused", (AT_ONCE, (0, 0), 1.0)),
        ({7: 100}, "connect_failed", (RETRANSMISSION, (7, 7), 1.0)),
        ({3: 40, 15: 60}, "connect_timeout", (RETRANSMISSION, (3, 15), 1.0)),
    ],
)
def test_a_mode_has_its_name(
    by_second: dict[int, float], fault: str | None, found: tuple[str, tuple[int, int], float]
) -> None:
    assert lengths(by_second, fault) == [found]
