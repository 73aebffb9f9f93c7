"""How numbers stand in the page: one place formats them."""

from collections.abc import Sequence

from tests.accuracy.score import Rate, middle_and_90th

NONE = "–"


def listed(seeds: Sequence[int]) -> str:
    """Seeds, one after the other."""
    return ", ".join(map(str, seeds))


def told(got: Rate) -> str:
    """A rate with its share and interval."""
    if not got.of:
        return NONE
    return f"{got.count}/{got.of} = {percent(got)} ({interval(got)})"


def counted(got: Rate) -> str:
    """A rate as two counts."""
    return f"{got.count} of {got.of}"


def percent(got: Rate) -> str:
    """The share of a rate."""
    return NONE if got.share is None else f"{100 * got.share:.0f} %"


def interval(got: Rate) -> str:
    """Wilson's interval of a rate."""
    low, high = got.interval
    return f"{100 * low:.0f}–{100 * high:.0f} %"


def pair(values: list[float]) -> str:
    """Median and 90th percentile of seconds."""
    both = middle_and_90th(values)
    return f"{seconds(both[0])}, {seconds(both[1])}" if both else NONE


def seconds(value: float | None) -> str:
    """Seconds, without a fraction."""
    return NONE if value is None else f"{value:,.0f} s"


def number(value: float | None) -> str:
    """A score."""
    return NONE if value is None else f"{value:.3f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(escaped, line)) + " |" for line in lines) + "\n"


def escaped(cell: str) -> str:
    """A cell whose text ends no cell."""
    return cell.replace("|", "\\|")
