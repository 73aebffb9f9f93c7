"""Wording: numbers, times and slugs as every page writes them."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

NOT_KNOWN = "not known"
SPOKEN = {"snat": "SNAT", "nat": "NAT", "dns": "DNS", "tls": "TLS", "utc": "UTC"}


def filters() -> dict[str, Callable[..., Any]]:
    """The filters by the names that templates use."""
    return {
        "amount": amount,
        "brief": brief,
        "clock": clock,
        "count": count,
        "day": day,
        "factor": factor,
        "lag": lag,
        "last": last,
        "local": local,
        "of": of,
        "part": part,
        "prose": prose,
        "points": points,
        "probability": probability,
        "rate": rate,
        "seconds": seconds,
        "share": share,
        "shares": shares,
        "short": short,
        "signed": signed,
        "slug": slug,
        "span": span,
        "utc": utc,
    }


def count(value: float | None) -> str:
    """1234 as 1,234."""
    return NOT_KNOWN if value is None else f"{value:,.0f}"


def amount(value: float | str | None) -> str:
    """A setting's value as it was stated: 1024 as 1,024, 0.999 as it is."""
    if value is None:
        return "not stated"
    return value if isinstance(value, str) else f"{value:,.10g}"


def of(number: int, noun: str) -> str:
    """So many of something: 1 line, 2 lines."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def share(value: float | None) -> str:
    """A share of 0 to 1 in per cent, with one digit; only nothing reads as 0, only all as 100."""
    if value is None:
        return NOT_KNOWN
    if 0 < value < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= value < 1:
        return "over 99.9 %"
    return (
        f"{value:.0%}".replace("%", " %") if value in (0, 1) else f"{value:.1%}".replace("%", " %")
    )


def probability(value: float) -> str:
    """A probability in whole per cent: what was weighed by judgement is no finer."""
    if 0 < value < 0.005:
        return "under 1 %"
    return "over 99 %" if 0.995 <= value < 1 else part(value)


def part(value: float) -> str:
    """A part of a whole in per cent; of parts that add up, one may be negative."""
    percent = round(100 * value)
    return f"{percent} %".replace("-", "\N{MINUS SIGN}")


def shares(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Parts of a whole by their names, the largest first; those under half a per cent left out."""
    return sorted(
        ((name, part) for name, part in parts.items() if abs(part) >= 0.005),
        key=lambda each: -each[1],
    )


def points(value: float | None) -> str:
    """A change of a share, in points of a hundred with their sign and one digit."""
    return NOT_KNOWN if value is None else signed(100 * value, 1)


def signed(value: float, digits: int = 0) -> str:
    """A number with its sign, to so many digits; zero has none."""
    rounded = round(value, digits)
    told = f"{rounded:+,.{digits}f}" if rounded else f"{0:.{digits}f}"
    return told.replace("-", "\N{MINUS SIGN}")


def seconds(value: float | None) -> str:
    """Milliseconds, as seconds with one digit."""
    return NOT_KNOWN if value is None else f"{value / 1000:,.1f} s"


def rate(value: float | None) -> str:
    """Events a second, with one digit; only nothing reads as 0."""
    if value is None:
        return NOT_KNOWN
    return "under 0.1" if 0 < value < 0.05 else f"{value:,.1f}"


def factor(value: float | None) -> str:
    """How many times.

    Sums of floats differ in their last digits by the order of adding; on an edge of rounding, that
    would be another text.
    """
    return NOT_KNOWN if value is None else f"{round(value, 9):,.1f} times"


def slug(value: str | None) -> str:
    """A slug in words."""
    if value is None:
        return NOT_KNOWN
    return " ".join(SPOKEN.get(word, word) for word in value.split("_"))


def lag(low_min: int, high_min: int) -> str:
    """When something moved, in minutes from something else: negative is before it."""
    if low_min == high_min:
        return _side(low_min)
    return f"from {_side(low_min)} to {_side(high_min)}"


def _side(minutes: int) -> str:
    if not minutes:
        return "the same minute"
    return f"{abs(minutes)} min {'after' if minutes > 0 else 'before'}"


def last(value: str | None, separator: str = "/") -> str:
    """The last part of a path or id."""
    return NOT_KNOWN if value is None else value.rpartition(separator)[2]


def plain(text: str) -> str:
    """The text without characters that are not seen but act: controls, and turns of direction.

    Each is shown as a replacement character, so that nothing hides. Names in logs are written by
    callers; one that turned the reading direction would turn the rest of a sentence with it.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if unicodedata.category(each) in ("Cc", "Cf", "Cs") else each
        for each in text
    )


def short(text: str, length: int = 48) -> str:
    """The text, its middle left out where it is longer than ``length`` characters."""
    shown = plain(text)
    if len(shown) <= length:
        return shown
    head = (length - 1) // 2
    return f"{shown[:head]}…{shown[len(shown) - (length - 1 - head) :]}"


def prose(text: str, length: int = 64) -> str:
    """A sentence whose words are no longer than ``length``: names in it may be of any length."""
    return " ".join(short(word, length) for word in plain(text).split(" "))


def brief(blob: str) -> str:
    """A blob's name from its container on: what stands before it is the reader's own machine."""
    parts = blob.split("/")
    marks = [place for place, part in enumerate(parts) if part.startswith(("insights-", "y="))]
    return "/".join(parts[marks[-1] if marks else -1 :])


def utc(value: str | None) -> str:
    """A moment of the findings: date and time to the second, UTC."""
    return NOT_KNOWN if value is None else f"{_moment(value):%Y-%m-%d %H:%M:%S} UTC"


def local(value: str, zone: str) -> str:
    """The same moment by the clocks of a zone, and which these are."""
    there = _moment(value).astimezone(ZoneInfo(zone))
    return f"{there:%Y-%m-%d %H:%M:%S} {there.tzname()}"


def clock(value: str | None) -> str:
    """A moment's time of day, to the second; the page says that it is UTC."""
    return NOT_KNOWN if value is None else f"{_moment(value):%H:%M:%S}"


def day(value: str) -> str:
    """A moment's day."""
    return f"{_moment(value):%d %B %Y}".lstrip("0")


def span(start: str, end: str) -> str:
    """How long it was between two moments."""
    whole = int((_moment(end) - _moment(start)).total_seconds())
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
