"""By day: an answer parted by the day that each row is of."""

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc


def by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The rows of each day in their order, the days in theirs; column ``date`` tells the day."""
    days = rows["date"]
    for day in sorted(pc.unique(days).to_pylist()):
        yield day, rows.filter(pc.equal(days, pa.scalar(day, days.type)))
