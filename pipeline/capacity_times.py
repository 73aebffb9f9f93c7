"""Times of a capacity review: the weeks reviewed, and the history before and with them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.ask import ask
from pipeline.engine import Engine
from pipeline.errors import NothingToReportError, PipelineError
from pipeline.window import MINUTE, Window, floor, iso
from pipeline.wording import of

WEEK = timedelta(days=7)
HISTORY = 13 * WEEK
LONG_AGO, FAR_OFF = map(datetime.fromisoformat, ("1970-01-01", "9000-01-01"))


@dataclass(frozen=True, slots=True)
class Times:
    """The weeks reviewed and the history before and with them; where ``as_of`` is from."""

    review: Window
    history: Window
    as_of_from: str

    @property
    def before(self) -> Window:
        """As many weeks, before those reviewed."""
        start, stop = self.review.start, self.review.stop
        return Window(start - (stop - start), start)


def review_times(engine: Engine, as_of: datetime | None, weeks: int) -> Times:
    """The weeks to review: those up to ``as_of``, or to the end of the data."""
    if weeks < 1:
        raise PipelineError(f"--weeks {weeks}: review one week at least")
    whole = {"start": LONG_AGO, "stop": FAR_OFF}
    hours = ask(engine, ["requests_by_hour"], whole)["requests_by_hour"].frame
    if hours.is_empty():
        raise NothingToReportError(
            "the lake holds no requests; land an export that does, weeks of them for a forecast"
        )
    first, last = hours["hour"].min(), hours["last_minute"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        raise TypeError("the query 'requests_by_hour' must give times")
    end = last + timedelta(minutes=1)
    stop = _whole_minute(as_of or end)
    start = stop - weeks * WEEK
    data = f"the data goes from {iso(first)} to {iso(end)}"
    if stop <= first:
        raise NothingToReportError(f"no request before {iso(as_of)}; {data}")
    if start >= end:
        raise NothingToReportError(
            f"no request in the {of(weeks, 'week')} before {iso(as_of)}; {data}"
        )
    begin = max(first, stop - max(HISTORY, weeks * WEEK)).replace(hour=0, minute=0)
    return Times(
        Window(start, stop), Window(begin, stop), "--as-of" if as_of else "the end of the data"
    )


def _whole_minute(moment: datetime) -> datetime:
    """The end of the moment's minute."""
    return moment if moment == floor(moment) else floor(moment) + MINUTE
