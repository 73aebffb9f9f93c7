"""Runs that are killed or meet others: at whatever moment, the next loses and doubles nothing."""

import faulthandler
import gzip
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipeline import azure_blobs
from tests.azurite import ACCOUNT, Azurite, running
from tests.exports import (
    as_line,
    assert_sound,
    batch,
    blob,
    change,
    events,
    flow,
    landed,
    line,
    lines,
    metric,
    rows,
)

# Where a run is killed: before and behind each of these, for what they leave is what must heal.
POINTS = (
    ("pipeline.arrivals", "", "written"),
    ("pipeline.roll_up", "", "kept"),
    ("pipeline.land", "", "keep_up"),
    ("pipeline.lake", "Lake", "_created"),
    ("pipeline.lake", "Lake", "commit"),
    ("pipeline.lake", "Lake", "append"),
    ("pipeline.lake", "", "put"),
    ("pipeline.lake", "", "write_deltalake"),
    ("deltalake", "DeltaTable", "create_write_transaction"),
)
PATIENCE_S = 120
# A new process with everything imported, in no time.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipeline.land", "tests.kills"])


# --- what is landed ---


def export(folder: Path) -> Path:
    """Mixed logs: lines, documents and batches, with copies within and across, garbage, a gz."""
    other = line(90, category="Other") + b"\n"
    mixed = as_line(metric(1)) + batch(change(1), flow(1), change(2)) + b"\n" + lines(3)
    blob(folder / "a.json", lines(1, 2, 1) + b"garbage\n" + mixed)
    blob(folder / "b.json.gz", gzip.compress(lines(2, 4, 5) + other))
    blob(folder / "c.json", lines(6, 3) + b"more garbage\n" + line(7)[:60])
    blob(folder / "flows.json", batch(flow(1), flow(2), flow(1), {"odd": 1}))
    blob(folder / "metrics.json", b"".join(as_line(metric(each)) for each in (1, 2, 3, 2)))
    return folder


def grown(folder: Path) -> None:
    """The same blobs, longer; a document and a gzip stream are written anew for that."""
    for name in ("a.json", "metrics.json"):
        told = (folder / name).read_bytes()
        blob(folder / name, told + as_line(metric(9)) + lines(8, 2) + b"litter\n")
    blob(folder / "c.json", (folder / "c.json").read_bytes()[:-60] + lines(7, 9))
    blob(folder / "flows.json", batch(flow(1), flow(2), flow(1), {"odd": 1}, flow(3), flow(2)))
    other = line(90, category="Other") + b"\n"
    blob(folder / "b.json.gz", gzip.compress(lines(2, 4, 5) + other + lines(10)))


# --- runs in processes of their own ---


def _run(source: str, lake: str, die_at: int, asked: Any, known: dict[str, str]) -> None:
    """A run that commits blob by blob; it is killed at a point, or tells how many it met."""
    os.environ.update(known)
    import pipeline.land
    from pipeline.lake import Lake

    faulthandler.enable()
    pipeline.land.MOST_BATCH_BYTES = pipeline.land.LEAST_BATCH_BYTES = 1
    met = 0

    def point() -> None:
        nonlocal met
        met += 1
        if met == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    for module, owner, name in POINTS:
        home = sys.modules[module]
        place = getattr(home, owner) if owner else home
        setattr(place, name, _between(point, getattr(place, name)))
    asked.send(-1)
    asked.recv()
    pipeline.land.land([source], Lake(lake))
    asked.send(met)


def _between(point: Callable[[], None], function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def done(*args: Any, **named: Any) -> Any:
        point()
        given = function(*args, **named)
        point()
        return given

    return done


@dataclass(slots=True)
class Run:
    """A run in a process of its own, ready to begin."""

    process: BaseProcess
    pipe: Any

    @classmethod
    def ready(cls, source: Path | str, lake: Path | str, die_at: int = 0) -> "Run":
        """One that waits for ``begin``; it kills itself at the point of that number."""
        pipe, asked = PROCESSES.Pipe()
        known = {name: told for name, told in os.environ.items() if name.startswith("AZURE_")}
        words = (str(source), str(lake), die_at, asked, known)
        process = PROCESSES.Process(target=_run, args=words)
        process.start()
        asked.close()
        assert pipe.poll(PATIENCE_S)
        assert pipe.recv() == -1
        return cls(process, pipe)

    def begin(self) -> "Run":
        """Lets it land."""
        self.pipe.send("go")
        return self

    def killed(self, after_s: float) -> None:
        """Kills it when that time is over, if it still runs."""
        self.process.join(after_s)
        self.process.kill()
        self.process.join()

    def ended(self) -> int | None:
        """How many points it met; None if it was killed before it was done."""
        self.process.join(PATIENCE_S)
        status = self.process.exitcode
        assert status in (0, -signal.SIGKILL), f"a run ended with {status}"
        with self.pipe:
            return self.pipe.recv() if status == 0 else None


# --- what is to hold ---


def assert_same(lake: Path | str, wanted: Path | str) -> None:
    """The lake holds what another does: each event once, each refusal, and a true ledger."""
    assert_sound(lake)
    assert events(lake) == events(wanted)
    assert _refused(lake) == _refused(wanted)


def _refused(lake: Path | str) -> Counter[tuple[object, ...]]:
    columns = ("blob", "position", "item", "kind", "raw")
    return Counter(tuple(row[each] for each in columns) for row in rows(lake, "quarantine"))


# --- rounds ---


@dataclass(slots=True)
class Place:
    """Where exports and lakes lie: here, or on Azurite."""

    folder: Path
    service: Azurite | None = None

    def lake(self) -> str:
        """A new lake."""
        if not self.service:
            return str(self.folder / f"lake-{uuid4().hex}")
        return f"{self._container()}/lake"

    def source(self, made: Callable[[Path], object] = export) -> str:
        """A new export."""
        folder = self.folder / f"in-{uuid4().hex}"
        made(folder)
        if not self.service:
            return str(folder)
        home = self._container()
        self.put(folder, home)
        return home

    def put(self, folder: Path, home: str) -> None:
        """Uploads the files of a folder."""
        assert self.service
        container = self.service.service.get_container_client(home.rpartition("/")[2])
        for each in folder.iterdir():
            container.upload_blob(each.name, each.read_bytes(), overwrite=True)

    def _container(self) -> str:
        assert self.service
        return f"az://{ACCOUNT}/{self.service.container().container_name}"


@contextmanager
def at(where: str, service: Azurite | None = None) -> Iterator[Place]:
    """A place to land from and to, as long as it is needed; an Azurite that runs may be given."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kills-")))
        if where == "local":
            yield Place(folder)
            return
        service = service or stack.enter_context(running())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("AZURE_STORAGE_CONNECTION_STRING", service.connection_string)
        yield Place(folder, service)
        azure_blobs.close()


def undisturbed(source: str) -> tuple[str, int, float]:
    """A lake landed in one go, how many points there are on the way, and how long it took."""
    lake = f"{tempfile.mkdtemp(prefix='kill-loop-lake-')}/lake"
    began = time.monotonic()
    points = Run.ready(source, lake).begin().ended()
    assert points
    return lake, points, time.monotonic() - began


def killed_at_a_point(place: Place, source: str, wanted: str, point: int) -> None:
    """A run killed at a point, and the next one."""
    lake = place.lake()
    Run.ready(source, lake, point).begin().ended()
    landed(source, lake)
    assert_same(lake, wanted)


def killed_at_every_point_in_turn(place: Place, source: str, wanted: str, step: int = 1) -> int:
    """Runs on one lake, each killed a bit later than the one before, until one comes through."""
    lake = place.lake()
    point = 1
    while Run.ready(source, lake, point).begin().ended() is None:
        point += step
    landed(source, lake)
    assert_same(lake, wanted)
    return point


def killed_sometime(place: Place, source: str, wanted: str, after_s: float) -> None:
    """A run killed from outside, then one that is let be."""
    lake = place.lake()
    Run.ready(source, lake).begin().killed(after_s)
    landed(source, lake)
    assert_same(lake, wanted)


def two_at_once(place: Place, source: str, wanted: str, killed_after_s: float = 0) -> None:
    """Two runs land the same at once; one of them may be killed on its way."""
    lake = place.lake()
    one, other = Run.ready(source, lake), Run.ready(source, lake)
    one.begin()
    other.begin()
    if killed_after_s:
        other.killed(killed_after_s)
    assert one.ended() is not None
    assert other.ended() is not None or killed_after_s
    if killed_after_s:
        landed(source, lake)
    assert_same(lake, wanted)
    landed(source, lake)


def shared(folder: Path, other: bool = False) -> Path:
    """Blobs that hold the same events as another folder's, under other names and in other order."""
    mark = "y" if other else "x"
    for hour in range(4):
        numbers = list(range(20 * hour, 20 * hour + 30))
        if other:
            numbers.reverse()
        told = lines(*numbers) + as_line(metric(hour)) + as_line(metric(hour + 1))
        blob(folder / f"{mark}{hour}.json", told)
    blob(folder / f"{mark}-flows.json", batch(*map(flow, range(3, 0, -1) if other else range(3))))
    return folder


def two_that_share_records(place: Place) -> None:
    """Two runs land different blobs at once, and most of their events are in both."""
    lake = place.lake()
    sources = [place.source(shared), place.source(lambda folder: shared(folder, other=True))]
    runs = [Run.ready(each, lake) for each in sources]
    for run in runs:
        run.begin()
    assert None not in [run.ended() for run in runs]
    assert_sound(lake)
    apart = place.lake()
    for each in sources:
        landed(each, apart)
    assert events(lake) == events(apart)


def killed_then_grown(place: Place, point: int) -> None:
    """What a killed run was about has grown when the next one comes."""
    lake = place.lake()
    folder = place.folder / f"in-{uuid4().hex}"
    export(folder)
    source = str(folder)
    if place.service:
        source = place.source(lambda made: shutil.copytree(folder, made))
    Run.ready(source, lake, point).begin().ended()
    grown(folder)
    if place.service:
        place.put(folder, source)
    landed(source, lake)
    landed(source, lake)
    wanted, _, _ = undisturbed(source)
    assert_sound(lake)
    assert events(lake) == events(wanted)


def rounds(place: Place, count: int, seed: int, say: Callable[[str], None]) -> None:
    """Every kind of round, again and again."""
    draw = random.Random(seed)
    source = place.source()
    wanted, points, took_s = undisturbed(source)
    say(f"{points} points to be killed at, {took_s:.1f} s undisturbed")
    turned = killed_at_every_point_in_turn(place, source, wanted)
    say(f"killed at each point in turn on one lake, {turned} runs: sound")
    done: Counter[str] = Counter()
    for number in range(count):
        killed_at_a_point(place, source, wanted, 1 + number % points)
        killed_sometime(place, source, wanted, draw.uniform(0, took_s))
        killed_then_grown(place, 1 + draw.randrange(points))
        two_at_once(place, source, wanted)
        two_at_once(place, source, wanted, draw.uniform(0.01, took_s))
        two_that_share_records(place)
        done.update(["at a point", "sometime", "then grown", "two", "two, one killed", "sharing"])
        say(f"round {number + 1} of {count}: sound")
    say(f"{done.total()} trials, all sound: " + ", ".join(f"{n} {k}" for k, n in done.items()))
