"""Windows of time: half-open, in UTC without a zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pipeline.errors import PipelineError

MINUTE = timedelta(minutes=1)
PLAIN_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` on, up to and without ``stop``; both UTC, without a zone."""

    start: datetime
    stop: datetime


def parsed(text: str, option: str) -> datetime:
    """The moment that ISO 8601 text names, as UTC; a text without a zone is read as UTC.

    Raises ``PipelineError`` naming the option where the text is no moment.
    """
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError) as error:
        raise PipelineError(
            f"{option} {text!r} is not a time; write 2026-03-10T09:30 (read as UTC) or "
            "2026-03-10T09:30:00+01:00"
        ) from error


def last_moment(text: str, option: str) -> datetime:
    """The moment that text names, as ``parsed`` does; of a plain day, its end.

    Raises ``PipelineError`` naming the option where the text is no moment.
    """
    moment = parsed(text, option)
    return moment + timedelta(days=1) if PLAIN_DAY.fullmatch(text) else moment


def zoned(text: str) -> bool:
    """Whether a text that ``parsed`` accepts names its zone."""
    return datetime.fromisoformat(text).tzinfo is not None


def period(text: str, option: str) -> Window:
    """The period that two moments name, with a slash between them as ISO 8601 writes it.

    Raises ``PipelineError`` naming the option where the text is no period.
    """
    first, slash, second = text.partition("/")
    if not slash:
        raise PipelineError(
            f"{option} {text!r} is not a period; write 2026-03-16T00:00/2026-03-21T00:00"
        )
    named = Window(parsed(first, option), parsed(second, option))
    if named.stop <= named.start:
        raise PipelineError(f"{option} {text!r} ends before it begins; swap its ends")
    return named


def floor(moment: datetime) -> datetime:
    """The start of the moment's minute."""
    return moment.replace(second=0, microsecond=0)


def to_the_ms(window: Window) -> Window:
    """The window widened to whole milliseconds, as findings write it: naming it again gives it."""
    fine = timedelta(milliseconds=1)
    over = timedelta(microseconds=window.stop.microsecond % 1000)
    return Window(
        window.start - timedelta(microseconds=window.start.microsecond % 1000),
        window.stop - over + fine if over else window.stop,
    )


def told(moment: datetime) -> str:
    """The moment as the findings write it: ISO 8601 with Z, to the millisecond."""
    return moment.isoformat(timespec="milliseconds") + "Z"


def iso(moment: datetime | None) -> str | None:
    """The same of a moment that may not be known."""
    return None if moment is None else told(moment)


def first_day(text: str, today: date, option: str) -> date:
    """The day that a text names: 2026-03-01, or 90d for as many days before ``today``.

    Raises ``PipelineError`` naming the option where the text is neither, or the day is to come.
    """
    try:
        if text.endswith("d"):
            first = today - timedelta(days=int(text.removesuffix("d")))
        else:
            first = date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise PipelineError(f"{option} {text!r} is no age; write 90d or 2026-03-01") from error
    if first > today:
        raise PipelineError(f"{option} {text!r} is a day to come: {first}; nothing would be kept")
    return first


UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def age(text: str, option: str) -> timedelta:
    """A length of time, such as 26h, 2d or 90m.

    Raises ``PipelineError`` naming the option where the text is none.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not number.isdecimal() or not int(number):
        raise PipelineError(f"{option} {text!r} is no length of time; write 26h, 2d or 90m")
    return int(number) * UNITS[unit]
