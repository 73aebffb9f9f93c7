"""The scores of docs/accuracy.md: counted by hand on made-up answers; no family is left out."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.accuracy.__main__ import REPORTED_ON, parser
from tests.accuracy.answer import Answer, Ports, read
from tests.accuracy.label import Held, Label, held
from tests.accuracy.page import DEVELOPED_ON, page
from tests.accuracy.rivals import Row, five_minute_query, ranked_z_scores, rows
from tests.accuracy.score import (
    Grade,
    Rate,
    Trial,
    brier,
    confusion,
    contradicted,
    false_confirmed,
    false_excluded,
    middle_and_90th,
    rate,
    reliability,
)
from tests.accuracy.source_sets import ALL, LEFT_OUT, LOGS_ALONE, at_hand
from tests.accuracy.trials import QUERY, Z_SCORES
from tests.simulation.ports import Endpoint, Lease
from tests.simulation.scenario import scenario_names

PAGE = Path(__file__).parents[1] / "docs" / "accuracy.md"
TEN = datetime(2026, 3, 10, 10, tzinfo=UTC)
ELEVEN = TEN + timedelta(hours=1)
PAYMENTS = "203.0.113.10:443"
OUTAGE = Label(
    "backend_slow", "none_found", TEN, ELEVEN, ("payments",), PAYMENTS, False, Held(50, 90)
)
EXHAUSTED = Label(
    "snat_port_exhaustion", "traffic_surge", TEN, ELEVEN, (), PAYMENTS, True, Held(1024, 2048)
)
QUIET = Label(None, None, None, None, (), None, False, None)


def said(mechanism: str, probability: float, status: str = "likely", **more: object) -> Answer:
    ranked = ((mechanism, probability), ("unexplained", 1 - probability))
    return Answer(mechanism, status, ranked, start=TEN, end=ELEVEN, **more)  # type: ignore[arg-type]


def trial(label: Label, answer: Answer, sources: str = ALL) -> Trial:
    return Trial("made up", 1, sources, label, answer)


@pytest.mark.parametrize(
    ("label", "answer", "grade"),
    [
        (OUTAGE, said("backend_slow", 0.9), Grade.RIGHT),
        (OUTAGE, said("backend_slow", 0.9, "undecided"), Grade.UNDECIDED),
        (OUTAGE, said("dns_failure", 0.9, "undecided"), Grade.UNDECIDED),
        (OUTAGE, said("dns_failure", 0.9, "confirmed"), Grade.WRONG),
        (OUTAGE, Answer(None, invented=1), Grade.NOT_FOUND),
        (QUIET, Answer(None), Grade.QUIET),
        (QUIET, Answer(None, invented=2), Grade.INVENTED),
    ],
)
def test_an_open_verdict_is_no_right_one(label: Label, answer: Answer, grade: Grade) -> None:
    assert trial(label, answer).grade is grade


def test_wilsons_interval_is_that_of_the_textbook() -> None:
    assert Rate(8, 10).interval == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert Rate(0, 10).interval == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert Rate(10, 10).interval == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert Rate(0, 0).share is None


def test_the_brier_score_is_the_mean_squared_distance_from_what_came_true() -> None:
    tried = [
        trial(OUTAGE, said("backend_slow", 0.9)),
        trial(OUTAGE, said("dns_failure", 0.6, "undecided")),
        trial(OUTAGE, Answer(None)),
    ]
    assert brier(tried) == pytest.approx((0.1**2 + 0.6**2) / 2)
    assert brier([trial(OUTAGE, Answer(None))]) is None


def test_answers_are_binned_by_how_sure_they_were() -> None:
    tried = [
        trial(OUTAGE, said("backend_slow", 0.92)),
        trial(OUTAGE, said("dns_failure", 0.94)),
        trial(OUTAGE, said("backend_slow", 1.0)),
        trial(OUTAGE, Answer(None)),
    ]
    first, last = reliability(tried)
    assert (first.low, first.high) == (0.9, 0.97)
    assert first.said == pytest.approx(0.93)
    assert first.right == Rate(1, 2)
    assert (last.high, last.right) == (1.0, Rate(1, 1))


def test_confusion_tells_what_was_said_and_how_surely() -> None:
    tried = [trial(OUTAGE, said("backend_slow", 0.9))] * 2 + [trial(OUTAGE, Answer(None))]
    assert confusion(tried) == {"backend_slow (likely)": 2, "no incident": 1}


def test_false_verdicts_on_ports_are_counted_where_they_can_be_false() -> None:
    tried = [
        trial(OUTAGE, said("backend_slow", 0.9, snat="confirmed")),
        trial(OUTAGE, said("backend_slow", 0.9, snat="excluded")),
        trial(EXHAUSTED, said("snat_port_exhaustion", 0.9, snat="confirmed")),
        trial(EXHAUSTED, said("backend_slow", 0.9, snat="excluded")),
        trial(EXHAUSTED, Answer(None)),
    ]
    assert false_confirmed(tried) == Rate(1, 2)
    assert false_excluded(tried) == Rate(1, 2)


def test_fewer_sources_may_make_an_answer_less_certain_and_not_another() -> None:
    sure, open_ = said("backend_slow", 0.9), said("dns_failure", 0.5, "undecided")
    fewer = [LOGS_ALONE, "no metrics", "no topology"]
    other = said("dns_failure", 0.9)
    tried = [trial(OUTAGE, sure), *map(trial, [OUTAGE] * 3, [sure, open_, other], fewer)]
    assert contradicted(tried, ALL) == Rate(1, 2)


def test_ports_confirmed_with_one_set_of_sources_and_excluded_with_another_count() -> None:
    tried = [
        trial(OUTAGE, said("backend_slow", 0.5, "undecided", snat="confirmed")),
        trial(OUTAGE, said("backend_slow", 0.5, "undecided", snat="excluded"), LOGS_ALONE),
        trial(OUTAGE, said("backend_slow", 0.5, "undecided", snat="undecided"), "no metrics"),
    ]
    assert contradicted(tried, ALL) == Rate(1, 1)


def test_a_destination_without_an_address_is_known_by_its_host() -> None:
    there = trial(OUTAGE, said("backend_slow", 0.9, host="payments"))
    elsewhere = trial(OUTAGE, said("backend_slow", 0.9, host="payments", address="192.0.2.1:443"))
    assert (there.destination_found, elsewhere.destination_found) == (True, False)
    assert trial(QUIET, Answer(None)).destination_found is None


@pytest.mark.parametrize(
    ("ports", "inside"),
    [
        (Ports("unit", 10, 50), True),
        (Ports("unit", 51, 80), False),
        (Ports("total", 10, 50), False),
        (None, None),
    ],
)
def test_the_true_peak_is_that_of_the_scope_of_the_bounds(
    ports: Ports | None, inside: bool | None
) -> None:
    assert trial(OUTAGE, said("backend_slow", 0.9, ports=ports)).peak_inside is inside


def test_judgements_that_cannot_be_passed_are_left_out() -> None:
    tried = [trial(OUTAGE, said("backend_slow", 0.9)), trial(QUIET, Answer(None))]
    assert rate(tried, lambda each: each.peak_inside) == Rate(0, 0)


def test_middle_and_90th() -> None:
    assert middle_and_90th([]) is None
    assert middle_and_90th([3.0]) == (3.0, 3.0)
    assert middle_and_90th([float(n) for n in range(11)]) == pytest.approx((5.0, 9.0))


def test_the_most_ports_held_are_those_of_the_span() -> None:
    to = Endpoint("203.0.113.10", 443)
    leases = [
        Lease(0, to, 1, 0.0, 10.0, 20.0),
        Lease(0, to, 2, 5.0, 10.0, 100.0),
        Lease(1, to, 1, 50.0, 60.0, 90.0),
        Lease(1, Endpoint("203.0.113.20", 443), 1, 50.0, 60.0, 90.0),
    ]
    assert held(leases, PAYMENTS, 30.0, 95.0) == Held(unit=1, total=2)
    assert held(leases, PAYMENTS, 0.0, 40.0) == Held(unit=2, total=2)
    assert held(leases, PAYMENTS, 30.0, 40.0) == Held(unit=1, total=1)
    assert held(leases, "10.1.2.4:443", 0.0, 95.0) is None


def incident(start: datetime, end: datetime | None, mechanism: str) -> dict[str, object]:
    return {
        "start": start.isoformat(),
        "end": end and end.isoformat(),
        "id": start.isoformat(),
        "verdict": {"mechanism": mechanism, "status": "likely", "trigger": "none_found"},
        "snat": {"verdict": "excluded"},
        "destinations": [],
        "hypotheses": [
            {"id": mechanism, "probability": 0.9, "verdict": "supported", "evidence": []},
            {"id": "backend_slow", "probability": 0.1, "verdict": "undecided", "evidence": []},
        ],
    }


def test_the_incident_that_lasts_longest_beside_the_true_one_is_the_answer() -> None:
    minute = timedelta(minutes=1)
    findings = {
        "window": {"end": (ELEVEN + 30 * minute).isoformat()},
        "incidents": [
            incident(TEN - 30 * minute, TEN - 20 * minute, "backend_errors"),
            incident(TEN - minute, TEN + 5 * minute, "tls_failure"),
            incident(TEN + 10 * minute, None, "dns_failure"),
        ],
    }
    answer = read(findings, OUTAGE)
    assert (answer.mechanism, answer.invented, answer.pieces) == ("dns_failure", 1, 2)
    assert answer.end == ELEVEN + 30 * minute
    assert answer.why == "place 2, undecided: nothing that was read tells of it"
    assert read(findings, QUIET) == Answer(None, invented=3)


def row(minutes: float, reason: str | None = None, destination: str = "orders") -> Row:
    time = TEN + timedelta(minutes=minutes)
    return Row(time, reason, 500 if reason else 200, destination)


def test_the_five_minute_query_blames_ports_for_any_failed_connection() -> None:
    usual = [row(-30 + n / 10) for n in range(600)]
    refused = [row(n / 10, "BackendConnectionFailure") for n in range(100)]
    answer = five_minute_query(usual + refused, OUTAGE)
    assert (answer.mechanism, answer.start) == ("snat_port_exhaustion", TEN)
    assert trial(OUTAGE, answer, QUERY).grade is Grade.WRONG
    assert five_minute_query(usual, OUTAGE) == Answer(None)
    assert five_minute_query(usual + refused, QUIET) == Answer(None, invented=1)


def test_the_ranking_names_the_destination_that_stands_out_and_no_mechanism() -> None:
    usual = [row(-30 + n / 10, destination=name) for n in range(600) for name in ("a", "b")]
    failing = [row(n / 20, "Timeout", "b") for n in range(200)]
    answer = ranked_z_scores(usual + failing, OUTAGE)
    assert (answer.host, answer.mechanism, answer.start) == ("b", "none named", TEN)
    assert ranked_z_scores(usual, OUTAGE) == Answer(None)


def test_rivals_read_each_record_once_and_pass_over_broken_lines() -> None:
    record = {
        "time": "2026-03-10T10:00:00.1234567Z",
        "properties": {
            "responseCode": 500,
            "lastError": {"reason": "BackendConnectionFailure", "message": f"failed {PAYMENTS}"},
        },
    }
    line = json.dumps(record).encode()
    [one] = rows([line, line, line[:20]])
    assert (one.reason, one.destination) == ("BackendConnectionFailure", PAYMENTS)


def test_a_set_of_sources_leaves_out_what_its_name_says() -> None:
    files = {
        "insights-logs-gatewaylogs/a": b"",
        "insights-metrics-pt1m/b": b"",
        "metrics/c": b"",
        "insights-activity-logs/d": b"",
        "gateway-rca.toml": b"",
    }
    left = {name: {*files} - {*at_hand(files, name)} for name in LEFT_OUT}
    assert left == {
        ALL: set(),
        LOGS_ALONE: {*files} - {"insights-logs-gatewaylogs/a"},
        "no metrics": {"insights-metrics-pt1m/b", "metrics/c"},
        "no topology": {"gateway-rca.toml"},
        "no activity log": {"insights-activity-logs/d"},
    }


def test_the_page_tells_missed_aims_and_misses() -> None:
    tried = [
        Trial("slow_backend", 101, name, OUTAGE, said("dns_failure", 0.9, why="it was late"))
        for name in (*LEFT_OUT, QUERY, Z_SCORES)
    ]
    text = page(tried, [101])
    assert "| top-1, all sources | ≥ 95 % | 0/1 = 0 % (0–79 %) | **missed** |" in text
    assert "| slow_backend | 101 | wrong | backend_slow | dns_failure 0.90 (likely) |" in text
    assert "{" not in text


def test_every_family_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("## By family")[2].partition("## What was said")[0]
    assert {*re.findall(r"^\| (\w+) \|", table, re.MULTILINE)} == {"family", *scenario_names()}


def test_the_page_is_of_other_seeds_than_rules_are_made_on() -> None:
    assert parser().parse_args([]).seeds == list(REPORTED_ON)
    assert not {*REPORTED_ON} & {*DEVELOPED_ON}
    assert f"seeds {', '.join(map(str, REPORTED_ON))}" in PAGE.read_text(encoding="utf-8")
