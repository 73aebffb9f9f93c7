"""Delivery: hands to each target what was issued and it does not have, and notices of failures."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from pipeline.checked import Target
from pipeline.lake import Lake
from pipeline.ledger import Entry, delivered, entries, fetched, pending
from pipeline.manifest import Manifest
from pipeline.publisher import Issued, PublishError
from pipeline.wording import of

# What could not be handed on for so long is not tried again; a new target gets what is younger.
TRIED_FOR = timedelta(days=7)
NOTICE = "notice, "


def deliver(
    lake: Lake, targets: Sequence[Target], now: datetime, go_on: Callable[[], bool]
) -> tuple[list[str], list[str]]:
    """Hands on what is pending, in the order of issue; gives what was, and what was not and why.

    A target that does not take something is left alone until the next run, so that order holds.
    """
    by_name = {each.name: each for each in targets}
    last = {each.kind: each for each in entries(lake)}
    done: list[str] = []
    failed: dict[str, str] = {}
    for entry, name in pending(lake, by_name, now - TRIED_FOR):
        if name in failed or not go_on():
            continue
        with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
            files = fetched(lake, entry, Path(folder))
            try:
                by_name[name].publish(_issued(entry, files, entry == last[entry.kind]))
            except PublishError as error:
                failed[name] = f"publish, {name}: {error}"
                continue
        delivered(lake, entry, name, now)
        done.append(f"{entry.id} revision {entry.revision} to {name}")
    return done, [*failed.values()]


def _issued(entry: Entry, files: tuple[Path, ...], newest: bool) -> Issued:
    return Issued(
        kind=entry.kind,
        id=entry.id,
        revision=entry.revision,
        title=entry.title,
        says=tuple(entry.says.splitlines()),
        files=files,
        newest=newest,
        at=entry.issued_at.replace(tzinfo=UTC),
    )


def notify(targets: Iterable[Target], manifest: Manifest) -> list[str]:
    """Publishes a notice of a run that failed in part; gives what could not be told, and why."""
    failed = []
    started = manifest.started
    with tempfile.TemporaryDirectory(prefix="gateway-rca-") as folder:
        file = Path(folder) / "notice.json"
        told = {"started": started, "outcome": "incomplete", "errors": manifest.errors}
        file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
        notice = Issued(
            kind="notice",
            id=f"{started:%Y%m%dT%H%M%SZ}",
            revision=1,
            title=f"INCOMPLETE: gateway-rca run of {started:%Y-%m-%d %H:%M} UTC, "
            f"{of(len(manifest.errors), 'error')}",
            says=tuple(manifest.errors),
            files=(file,),
            newest=True,
            at=started,
        )
        for target in targets:
            try:
                target.publish(notice)
            except PublishError as error:
                failed.append(f"{NOTICE}{target.name}: {error}")
    return failed
