"""Trials: a family is drawn, simulated, exported and diagnosed; nothing is kept between runs."""

import tempfile
from pathlib import Path

import numpy as np

from tests.accuracy.answer import Answer, answer
from tests.accuracy.label import Label, label
from tests.accuracy.rivals import five_minute_query, ranked_z_scores, rows
from tests.accuracy.score import Trial
from tests.accuracy.source_sets import LEFT_OUT, at_hand, gateway_lines
from tests.simulation.other_sources import other_sources
from tests.simulation.run import run
from tests.simulation.sample import Files, gateway_logs, write
from tests.simulation.scenario import draw

QUERY = "five-minute query"
Z_SCORES = "ranked z-scores"


def trials(family: str, seed: int) -> list[Trial]:
    """One draw, judged by the product with each set of sources and by both rivals."""
    rng = np.random.default_rng(seed)
    simulated = run(draw(family, rng), rng)
    true = label(simulated)
    logs, _ = gateway_logs(simulated, rng)
    files = {**logs, **other_sources(simulated, rng)}
    said = {**_by_the_product(files, true), **_by_rivals(files, true)}
    return [Trial(family, seed, sources, true, each) for sources, each in said.items()]


def _by_the_product(files: Files, true: Label) -> dict[str, Answer]:
    """Sets that come to the same files are asked once: the same input gives the same answer."""
    told: dict[str, Answer] = {}
    asked: list[tuple[Files, Answer]] = []
    for sources in LEFT_OUT:
        there = at_hand(files, sources)
        known = next((each for same, each in asked if same == there), None)
        if known is None:
            known = _asked(there, true)
            asked.append((there, known))
        told[sources] = known
    return told


def _asked(files: Files, true: Label) -> Answer:
    with tempfile.TemporaryDirectory(prefix="gateway-rca-accuracy-") as folder:
        export = Path(folder) / "export"
        write(files, export)
        return answer(export, true)


def _by_rivals(files: Files, true: Label) -> dict[str, Answer]:
    records = rows(gateway_lines(files))
    return {QUERY: five_minute_query(records, true), Z_SCORES: ranked_z_scores(records, true)}
