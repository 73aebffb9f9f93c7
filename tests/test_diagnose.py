"""The diagnosis: every mechanism is tried on facts, and the same facts give the same finding."""

import math
import re
from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import polars as pl
import pytest

from pipeline.ask import ask, tell_topology
from pipeline.config import Settings, Slo, settings
from pipeline.datasets import datasets
from pipeline.diagnose import incident
from pipeline.engines.duckdb import DuckDB
from pipeline.exhibit import EXHIBITS, numbered
from pipeline.figures import INCIDENT, figures
from pipeline.finding import Status, Verdict
from pipeline.hypotheses import hypotheses
from pipeline.hypothesis import share_speaks
from pipeline.incident_finding import Incident
from pipeline.investigate import answers
from pipeline.lake import Lake
from pipeline.land import land
from pipeline.limits import way_out
from pipeline.query import queries
from pipeline.report import Report, section, sections
from pipeline.seen import Seen
from pipeline.survey import READ, WHOLE_WINDOW
from pipeline.transforms.incidents import merged, runs
from pipeline.window import Window
from tests.given import at
from tests.simulation.sample import sample, write
from tests.simulation.scenario import draw
from tests.test_report import findings as approved

MECHANISMS = {
    "snat_port_exhaustion",
    "nat_connection_limit",
    "backend_slow",
    "backend_unreachable",
    "backend_errors",
    "dns_failure",
    "tls_failure",
    "destination_throttling",
    "client_disconnects",
    "gateway_saturation",
    "idle_timeout_reset",
    "single_instance_fault",
    "gateway_policy_error",
    "authentication_failure",
    "unexplained",
}
SLO = Slo(0.999, 30)
TABLE = re.compile(r'<table[^>]*>\s*<caption id="(T\d+)".*?</table>', re.DOTALL)
WINDOW = Window(at(0), at(95))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A backend that refuses, as seen in its simulated logs."""
    folder = tmp_path_factory.mktemp("refused") / "sample"
    rng = np.random.default_rng(1)
    _, made = sample("backend_refused", 1, draw("backend_refused", rng), rng)
    write(made, folder)
    lake = Lake(folder.with_name("lake"))
    land([str(folder)], lake, lambda progress: None)
    return looked_at(lake, settings(folder / "gateway-rca.toml"))


def looked_at(lake: Lake, stated: Settings) -> Seen:
    engine = DuckDB()
    for name in READ:
        engine.attach(name, datasets()[name], lake.files(name))
    tell_topology(engine, stated)
    whole = ask(engine, WHOLE_WINDOW, {"start": WINDOW.start, "stop": WINDOW.stop})
    requests = whole["requests_by_minute"].frame
    [run] = merged(
        runs(requests, WINDOW, minimum_failures=20, minimum_minutes=2),
        whole["failures_by_minute"].frame,
    )
    way = way_out(run.gateway, stated.stated(run.gateway), run.start)
    own = answers(engine, run, WINDOW, way)
    return Seen(run, WINDOW, way, {**whole, **own}, 0, {}, None)


@pytest.fixture(scope="module")
def finding(seen: Seen) -> Incident:
    return incident(seen, SLO)


def test_every_mechanism_of_the_contract_is_a_hypothesis_and_the_other_way_round() -> None:
    assert set(hypotheses()) == MECHANISMS


@pytest.mark.parametrize("name", sorted(MECHANISMS))
def test_a_hypothesis_is_called_as_its_file_and_can_be_acted_on(name: str) -> None:
    each = hypotheses()[name]
    assert each.id == name
    assert each.about.endswith(".")
    assert each.do_first.endswith(".")
    assert 0 < each.prior < 1


def test_the_priors_leave_no_cause_out_and_none_over() -> None:
    assert math.isclose(sum(each.prior for each in hypotheses().values()), 1, abs_tol=0.2)


@pytest.mark.parametrize("name", sorted(MECHANISMS))
def test_a_hypothesis_asks_for_facts_that_there_are(name: str, seen: Seen) -> None:
    assert set(hypotheses()[name].needs) <= set(seen.facts())


def test_every_hypothesis_is_ranked_and_the_likeliest_first(finding: Incident) -> None:
    assert {each.id for each in finding.hypotheses} == MECHANISMS
    ranked = [each.probability for each in finding.hypotheses]
    assert ranked == sorted(ranked, reverse=True)


def test_probabilities_sum_to_one_and_the_excluded_have_none(finding: Incident) -> None:
    total = sum(each.probability for each in finding.hypotheses)
    assert total == pytest.approx(1, abs=5e-5 * len(MECHANISMS))
    excluded = [each for each in finding.hypotheses if each.verdict is Verdict.EXCLUDED]
    assert len(excluded) >= 5
    assert {each.probability for each in excluded} == {0.0}


def test_the_undecided_say_what_would_decide_and_the_others_do_not(finding: Incident) -> None:
    for each in finding.hypotheses:
        assert (each.would_decide is not None) == (each.verdict is Verdict.UNDECIDED)


def test_what_is_excluded_says_why(finding: Incident) -> None:
    for each in finding.hypotheses:
        if each.verdict is Verdict.EXCLUDED:
            assert min(evidence.weight for evidence in each.evidence) < 0, each.id


@pytest.mark.parametrize("number", [0, 1])
def test_evidence_points_at_exhibits_of_its_own_chapter(seen: Seen, number: int) -> None:
    found = incident(replace(seen, number=number), SLO)
    ids = {exhibit.numbered(number) for exhibit in EXHIBITS}
    shown = {each.figure for one in found.hypotheses for each in one.evidence}
    shown |= {each.figure for each in found.timeline}
    named = {each for each in shown if each is not None}
    assert len(named) >= 3
    # A figure of several panels is named without its panel.
    assert named <= ids | {each.rstrip("ab") for each in ids}


def test_the_exhibits_of_two_chapters_have_nothing_in_common() -> None:
    first = {numbered(exhibit.id, 0) for exhibit in EXHIBITS}
    second = {numbered(exhibit.id, 1) for exhibit in EXHIBITS}
    assert len(first) == len(second) == len(EXHIBITS)
    assert not first & second


def test_each_exhibit_rests_on_queries_that_there_are() -> None:
    assert {query for exhibit in EXHIBITS for query in exhibit.queries} <= set(queries())


def test_an_exhibit_that_an_answer_changes_names_its_query(seen: Seen) -> None:
    """Whatever the half of an answer changes rests on that query."""
    named = {exhibit.id: exhibit.queries for exhibit in EXHIBITS}
    named["F1"] = named["F1a"] + named["F1b"]
    whole, changed = shown(seen), 0
    for query, answer in seen.answers.items():
        half = replace(answer, frame=answer.frame.gather_every(2))
        now = shown(replace(seen, answers={**seen.answers, query: half}))
        for exhibit in [each for each in whole if whole[each] != now.get(each)]:
            assert query in named[exhibit], f"{exhibit} rests on {query}, too"
            changed += 1
    assert changed > len(EXHIBITS)


def shown(seen: Seen) -> dict[str, str]:
    """What each figure is drawn from, and each table as it is printed."""
    facts = seen.facts()
    found = {
        kind.id: str([_told(facts[name]) for name in kind.needs])
        for kind in figures().values()
        if kind.id.startswith(INCIDENT)
    }
    findings = msgspec.structs.replace(approved(), incidents=[incident(seen, SLO)])
    for name in sections():
        for table in TABLE.finditer(section(name, Report(findings, {}), 0)):
            found[table[1]] = table[0]
    return found


def _told(fact: object) -> object:
    return fact.to_dicts() if isinstance(fact, pl.DataFrame) else fact


def test_the_same_facts_give_the_same_finding(seen: Seen, finding: Incident) -> None:
    before = {name: answer.sha256 for name, answer in seen.answers.items()}
    assert incident(seen, SLO) == finding
    assert {name: answer.sha256 for name, answer in seen.answers.items()} == before


def test_refused_connects_are_recorded_and_so_the_finding_is_confirmed(finding: Incident) -> None:
    assert finding.verdict.mechanism == "backend_unreachable"
    assert finding.verdict.status is Status.CONFIRMED
    assert finding.verdict.probability == finding.hypotheses[0].probability
    assert finding.do_first == [hypotheses()["backend_unreachable"].do_first]


def test_failures_are_counted_once(seen: Seen, finding: Incident) -> None:
    row = seen.frame("impact").row(0, named=True)
    assert finding.impact.failed == row["failed"]
    assert finding.impact.failure_rate == pytest.approx(row["failed"] / row["requests"])
    assert sum(each.share for each in finding.ways) == pytest.approx(1)


def test_rows_of_another_gateway_are_left_out(seen: Seen) -> None:
    other = replace(seen, run=replace(seen.run, gateway="/subscriptions/0/another"))
    assert seen.frame("failures_by_minute").height > 0
    assert other.frame("failures_by_minute").height == 0


def test_a_share_weighs_as_much_for_as_its_counterpart_against() -> None:
    half, most, few = share_speaks(0.5, ""), share_speaks(0.9, ""), share_speaks(0.1, "")
    assert half.weight == 0
    assert most.weight == -few.weight > 0


def test_no_share_weighs_more_than_texts_can_be_trusted() -> None:
    assert share_speaks(1.0, "").weight == pytest.approx(math.log(1.02 / 0.02), abs=0.01)


def test_failed_calls_that_do_not_say_where_they_went_leave_ports_undecided(seen: Seen) -> None:
    answer = seen.answers["failures_by_minute"]
    lost = answer.frame.with_columns(
        destination=pl.lit(None, pl.String), fault=pl.lit("connect_timeout")
    )
    blind = replace(
        seen, answers={**seen.answers, "failures_by_minute": replace(answer, frame=lost)}
    )
    found = incident(blind, SLO)
    assert incident(seen, SLO).snat.verdict == "excluded"
    assert found.snat.verdict == "undecided"
    assert "do not say where they went" in found.snat.why


def _with(seen: Seen, **frames: pl.DataFrame) -> Seen:
    changed = {name: replace(seen.answers[name], frame=frame) for name, frame in frames.items()}
    return replace(seen, answers={**seen.answers, **changed})


def test_logs_of_what_came_in_alone_leave_ports_undecided(seen: Seen) -> None:
    untold = pl.lit(None, pl.String)
    failures = seen.frame("failures_by_minute").with_columns(
        destination=untold, reason=untold, fault=untold, backend_status=pl.lit(None, pl.Int32)
    )
    inbound = _with(
        seen,
        failures_by_minute=failures,
        **{
            name: seen.answers[name].frame.clear()
            for name in ("calls_by_minute", "backend_time_by_minute", "calls_in_flight", "hosts")
        },
    )
    found = incident(inbound, SLO)
    assert found.snat.verdict == "undecided"
    assert "nothing of calls that were made" in found.snat.why
    assert found.destinations == []


def test_what_failed_at_another_place_meanwhile_is_told_and_not_counted(
    seen: Seen, finding: Incident
) -> None:
    minutes = seen.answers["requests_by_minute"].frame
    other = minutes.with_columns(gateway=pl.lit("/subscriptions/0/applicationgateways/front"))
    found = incident(_with(seen, requests_by_minute=pl.concat([minutes, other])), SLO)
    (event,) = (each for each in found.timeline if each not in finding.timeline)
    assert event.says.startswith("Requests that front logged began to end badly too: ")
    assert found.impact == finding.impact


def test_a_place_that_fails_as_it_always_does_is_not_told(seen: Seen, finding: Incident) -> None:
    minutes = seen.answers["requests_by_minute"].frame
    calm = minutes.with_columns(
        gateway=pl.lit("calm"), requests=pl.col("requests") * 100, first_abort=pl.lit(None)
    )
    found = incident(
        _with(seen, requests_by_minute=pl.concat([minutes, calm], how="vertical_relaxed")), SLO
    )
    assert found.timeline == finding.timeline


def test_a_host_without_a_port_is_a_destination_without_one(seen: Seen) -> None:
    def named(frame: pl.DataFrame) -> pl.DataFrame:
        if "destination" not in frame.columns:
            return frame
        renamed = frame.with_columns(pl.lit("pay.example.net").alias("destination"))
        return (
            renamed.with_columns(host=pl.lit("pay.example.net"))
            if "host" in frame.columns
            else renamed
        )

    hosts = named(seen.answers["hosts"].frame.head(1))
    calls = named(seen.answers["calls_by_minute"].frame)
    (found,) = incident(_with(seen, hosts=hosts, calls_by_minute=calls), SLO).destinations
    assert (found.name, found.host, found.ip, found.port) == (
        "pay.example.net",
        "pay.example.net",
        None,
        None,
    )


def test_each_conclusion_says_what_could_have_contradicted_it(finding: Incident) -> None:
    there = {(each.conclusion, each.source): each.there for each in finding.ledger}
    assert {conclusion.partition(":")[0] for conclusion, _ in there} == {
        "Cause",
        "SNAT ports exhausted",
        "Trigger",
        "Impact",
    }
    assert there["SNAT ports exhausted: excluded", "Port counters of the way out"] is False
    assert there["Impact: requests and failures counted", "Gateway logs without gaps, unsampled"]
    (log,) = (each for each in finding.ledger if each.source == "Activity log")
    assert not log.there
    assert log.says == "No activity log of this time was read."


def test_a_gap_beside_an_incident_takes_the_count_its_ground(seen: Seen) -> None:
    minutes = seen.frame("requests_by_minute")
    silent = pl.col("minute").is_between(seen.run.last + timedelta(minutes=3), at(95))
    found = incident(_with(seen, requests_by_minute=minutes.filter(~silent)), SLO)
    (told,) = (each for each in found.ledger if each.conclusion.startswith("Impact"))
    assert not told.there
    assert told.says == "1 gap within an hour of it, and not sampled."
