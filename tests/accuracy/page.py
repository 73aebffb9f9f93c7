"""The page docs/accuracy.md: what was tried, and how often the diagnosis was right."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.accuracy.cells import (
    NONE,
    counted,
    interval,
    listed,
    number,
    pair,
    percent,
    seconds,
    table,
    told,
)
from tests.accuracy.rivals import LEAST_A_SPIKE, LEAST_SHARE, TIMES_USUAL, Z
from tests.accuracy.score import (
    Grade,
    Rate,
    Trial,
    brier,
    confusion,
    contradicted,
    false_confirmed,
    false_excluded,
    grades,
    middle_and_90th,
    rate,
    reliability,
    with_incident,
    without_incident,
)
from tests.accuracy.source_sets import ALL, LEFT_OUT, LOGS_ALONE
from tests.accuracy.trials import QUERY, Z_SCORES
from tests.simulation.scenario import about

DEVELOPED_ON = (1, 2, 3)
AIM_ALL, AIM_LOGS, AIM_START_S = 0.95, 0.85, 60.0

TEMPLATE = Path(__file__).with_name("page.md")


def page(trials: Sequence[Trial], seeds: Sequence[int]) -> str:
    """The page, as Markdown."""
    by_sources = {
        name: [each for each in trials if each.sources == name]
        for name in (*LEFT_OUT, QUERY, Z_SCORES)
    }
    text = TEMPLATE.read_text(encoding="utf-8").format(
        developed=listed(DEVELOPED_ON),
        seeds=listed(seeds),
        families=len({each.family for each in trials}),
        draws=len({(each.family, each.seed) for each in trials}),
        least_a_spike=LEAST_A_SPIKE,
        times_usual=TIMES_USUAL,
        least_share=round(100 * LEAST_SHARE),
        z=Z,
        aims=_aims(by_sources),
        by_sources=_by_sources(by_sources),
        time_and_place=_time_and_place(by_sources),
        by_family=_by_family(by_sources),
        confusion=_confusion(by_sources[ALL]),
        calibration="\n".join(_calibration(by_sources)),
        bounds=_bounds(by_sources),
        misses="\n".join(
            part for name in (ALL, LOGS_ALONE) for part in _misses(name, by_sources[name])
        ),
        what_happens=_what_happens(trials),
    )
    return text.rstrip() + "\n"


def _aims(by_sources: dict[str, list[Trial]]) -> str:
    every = [each for name in LEFT_OUT for each in by_sources[name]]
    right_all, right_logs = _right(by_sources[ALL]), _right(by_sources[LOGS_ALONE])
    confirmed = false_confirmed(with_incident(every))
    none = rate(without_incident(every), lambda each: each.grade is Grade.INVENTED)
    other = contradicted(every, ALL)
    starts = middle_and_90th(_starts(by_sources[ALL]))
    start = starts[0] if starts else None
    soon = start is not None and start <= AIM_START_S
    rows = [
        ("top-1, all sources", "≥ 95 %", told(right_all), _at_least(right_all, AIM_ALL)),
        ("top-1, gateway logs alone", "≥ 85 %", told(right_logs), _at_least(right_logs, AIM_LOGS)),
        ("false “SNAT confirmed”, any sources", "0", counted(confirmed), not confirmed.count),
        ("days with an invented incident, any sources", "0", counted(none), not none.count),
        (
            "sure of one thing with all sources, of another with fewer",
            "0",
            counted(other),
            not other.count,
        ),
        ("start off by, median, all sources", "≤ 60 s", seconds(start), soon),
    ]
    met = {True: "met", False: "**missed**"}
    return table(("", "aim", "came out", ""), [(*row[:3], met[row[3]]) for row in rows])


def _by_sources(by_sources: dict[str, list[Trial]]) -> str:
    rows = []
    for name, trials in by_sources.items():
        happened, quiet = with_incident(trials), without_incident(trials)
        ended = grades(happened)
        names = name != Z_SCORES
        elsewhere = sum(each.answer.invented for each in happened)
        rows.append(
            (
                name,
                told(_right(trials)) if names else NONE,
                percent(rate(happened, lambda each: each.first)) if names else NONE,
                percent(rate(happened, lambda each: each.among_three)) if names else NONE,
                str(ended[Grade.UNDECIDED]) if names else NONE,
                str(ended[Grade.WRONG]),
                str(ended[Grade.NOT_FOUND]),
                counted(false_confirmed(happened)) if names else NONE,
                counted(false_excluded(happened)) if names else NONE,
                counted(rate(quiet, lambda each: each.grade is Grade.INVENTED)),
                str(elsewhere),
            )
        )
    return table(
        (
            "sources",
            "right",
            "first",
            "in three",
            "undecided",
            "wrong",
            "not found",
            "false “SNAT confirmed”",
            "false “SNAT excluded”",
            "quiet days with an incident",
            "invented beside a true one",
        ),
        rows,
    )


def _time_and_place(by_sources: dict[str, list[Trial]]) -> str:
    rows = []
    for name, trials in by_sources.items():
        happened = with_incident(trials)
        ends = [each.end_off_s for each in happened if each.end_off_s is not None]
        named = [each for each in happened if each.answer.trigger]
        same = rate(named, lambda each: each.answer.trigger == each.label.trigger)
        false = rate(
            named,
            lambda each: each.answer.trigger not in ("none_found", each.label.trigger),
        )
        rows.append(
            (
                name,
                pair(_starts(trials)),
                pair(ends),
                told(rate(happened, lambda each: each.destination_found))
                if name != QUERY
                else NONE,
                counted(same) if named else NONE,
                counted(false) if named else NONE,
            )
        )
    return table(
        (
            "sources",
            "start off by (median, 90 %)",
            "end off by (median, 90 %)",
            "destination found",
            "trigger right",
            "false trigger",
        ),
        rows,
    )


def _by_family(by_sources: dict[str, list[Trial]]) -> str:
    names = (*LEFT_OUT, QUERY)
    rows = []
    for family in _order(by_sources[ALL]):
        own = {name: [e for e in by_sources[name] if e.family == family] for name in names}
        true = own[ALL][0].label.mechanism
        rows.append((family, true or "no incident", *(_cell(own[name]) for name in names)))
    return table(("family", "truth", *names), rows)


def _cell(trials: list[Trial]) -> str:
    ended = grades(trials)
    good = Rate(ended[Grade.RIGHT] + ended[Grade.QUIET], len(trials))
    rest = [
        f"{ended[grade]}{letter}"
        for grade, letter in (
            (Grade.UNDECIDED, "u"),
            (Grade.WRONG, "w"),
            (Grade.NOT_FOUND, "n"),
        )
        if ended[grade]
    ]
    return f"{good.count}/{good.of} ({interval(good)})" + (f" {' '.join(rest)}" if rest else "")


def _confusion(trials: list[Trial]) -> str:
    rows = []
    for family in _order(trials):
        own = [each for each in trials if each.family == family]
        said = confusion(own).most_common()
        true = own[0].label.mechanism or "no incident"
        rows.append((family, true, "; ".join(f"{count} × {what}" for what, count in said)))
    return table(("family", "truth", "said"), rows)


def _calibration(by_sources: dict[str, list[Trial]]) -> Iterator[str]:
    rows = [(name, number(brier(with_incident(by_sources[name])))) for name in (*LEFT_OUT, QUERY)]
    yield table(("sources", "Brier score"), rows)
    for name in (ALL, LOGS_ALONE):
        yield table(
            (f"probability ({name})", "reports", "said", "true", "interval"),
            [
                (
                    f"{each.low:.2f} to {each.high:.2f}",
                    str(each.right.of),
                    f"{each.said:.3f}",
                    f"{each.right.share:.3f}",
                    interval(each.right),
                )
                for each in reliability(with_incident(by_sources[name]))
            ],
        )


def _bounds(by_sources: dict[str, list[Trial]]) -> str:
    rows = []
    for name in LEFT_OUT:
        inside = rate(with_incident(by_sources[name]), lambda each: each.peak_inside)
        outside = Counter(each.family for each in by_sources[name] if each.peak_inside is False)
        where = "; ".join(f"{count} × {family}" for family, count in outside.most_common())
        rows.append((name, told(inside), where or NONE))
    return table(("sources", "peak within bounds", "outside"), rows)


def _misses(name: str, trials: list[Trial]) -> Iterator[str]:
    missed = [each for each in trials if each.grade not in (Grade.RIGHT, Grade.QUIET)]
    yield f"### {name[0].upper()}{name[1:]}: {len(missed)} of {len(trials)}\n"
    if missed:
        yield table(
            ("family", "seed", "grade", "truth", "said", "why"),
            [
                (
                    each.family,
                    str(each.seed),
                    f"{each.grade}{', first' if each.first else ''}",
                    each.label.mechanism or "no incident",
                    _said(each),
                    each.answer.why or NONE,
                )
                for each in missed
            ],
        )


def _said(trial: Trial) -> str:
    if trial.answer.mechanism is None:
        return f"{trial.answer.invented} invented" if trial.answer.invented else "no incident"
    return f"{trial.answer.mechanism} {trial.answer.probability:.2f} ({trial.answer.status})"


def _what_happens(trials: Sequence[Trial]) -> str:
    return table(("family", "what happens"), [(name, about(name)) for name in _order(list(trials))])


def _order(trials: list[Trial]) -> list[str]:
    """Families by their truth, those without an incident last."""
    truths = {each.family: each.label.mechanism for each in trials}
    return sorted(truths, key=lambda family: (truths[family] is None, truths[family], family))


def _right(trials: list[Trial]) -> Rate:
    return rate(with_incident(trials), lambda each: each.grade is Grade.RIGHT)


def _starts(trials: list[Trial]) -> list[float]:
    return [each.start_off_s for each in trials if each.start_off_s is not None]


def _at_least(got: Rate, aim: float) -> bool:
    return got.share is not None and got.share >= aim
