"""Flips: what would move a hypothesis: the piece of evidence that its place hangs on, or how much
it lacks.
"""

import math
from collections.abc import Mapping

from pipeline.finding import Evidence, Verdict
from pipeline.hypothesis import Case


def flips(
    cases: Mapping[str, Case], scores: Mapping[str, float], names: Mapping[str, str]
) -> dict[str, str]:
    """A sentence for each hypothesis; ``scores`` are log odds of those that are not excluded.

    ``names`` are theirs in words.
    """
    first, *others = sorted(scores, key=lambda name: (-scores[name], name))
    said = {
        name: _of_excluded(case) for name, case in cases.items() if case.verdict is Verdict.EXCLUDED
    }
    said[first] = _of_first(first, others, cases, scores, names)
    for name in others:
        said[name] = _of_other(cases[name], scores[first] - scores[name])
    return said


def _of_first(
    first: str,
    others: list[str],
    cases: Mapping[str, Case],
    scores: Mapping[str, float],
    names: Mapping[str, str],
) -> str:
    if not others:
        return "All others are excluded: it stands first unless one of those is wrongly so."
    second = others[0]
    lead = scores[first] - scores[second]
    pieces = [
        *(each for each in cases[first].evidence if each.weight > 0),
        *(each for each in cases[second].evidence if each.weight < 0),
    ]
    heaviest = _heaviest(pieces)
    if heaviest is None or abs(heaviest.weight) < lead:
        return (
            f"No single piece of evidence: it leads {names[second]} by {lead:.1f}, and none that "
            "parts the two weighs as much."
        )
    return f"Without this, {names[second]} would stand first: {heaviest.says}"


def _of_other(case: Case, lacks: float) -> str:
    heaviest = _heaviest([each for each in case.evidence if each.weight < 0])
    if heaviest and -heaviest.weight >= lacks:
        return f"If this were wrong, it would stand first: {heaviest.says}"
    return (
        f"Evidence for it that weighs {lacks:.1f} more, odds of {math.exp(min(lacks, 20)):,.0f} "
        "to 1, would put it first."
    )


def _of_excluded(case: Case) -> str:
    heaviest = _heaviest([each for each in case.evidence if each.weight < 0])
    if heaviest is None:
        return "It is excluded by what the logs do not hold; that they are whole is taken for true."
    return f"It is excluded unless this is wrong: {heaviest.says}"


def _heaviest(pieces: list[Evidence]) -> Evidence | None:
    return max(pieces, key=lambda each: abs(each.weight), default=None)
