"""Settings of the scheduled job: checked whole before anything runs, targets and secrets too."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.config import Settings, contradictions, made, told, wrong
from pipeline.errors import PipelineError
from pipeline.flaws import SEE, Flaw, flaws
from pipeline.location import is_remote
from pipeline.publisher import Issued, Publisher
from pipeline.publishers import publishers

# What a text that holds a secret looks like: a SAS, a connection string, the URL of a webhook.
SECRET = re.compile(r"[?&]sig=|AccountKey=|SharedAccessSignature=|://[^/@]*:[^/@]*@|hooks\.slack\.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where reports go: a publisher, and its settings."""

    publisher: Publisher
    settings: Any

    @property
    def name(self) -> str:
        """Its name: the same over runs, and no secret."""
        return self.publisher.name(self.settings)

    def publish(self, issued: Issued) -> None:
        """Hands something on; raises ``PublishError`` where it was not taken."""
        self.publisher.publish(self.settings, issued)


def checked(path: Path) -> Settings:
    """The settings of a job.

    Raises ``PipelineError`` with all that is wrong in the file.
    """
    said = told(path)
    found = [*flaws(said, Settings), *contradictions(said), *_of_the_job(said), *_secrets(said)]
    if found:
        raise wrong(path, found)
    settings = made(path, said)
    names = [each.name for each in targets(settings)]
    if twice := sorted({each for each in names if names.count(each) > 1}):
        raise PipelineError(f"{path}: publish: {twice[0]} stands twice; keep one of them")
    return settings


def targets(settings: Settings) -> list[Target]:
    """Where reports go, of settings that were checked."""
    found = []
    for each in settings.publish:
        publisher = publishers()[str(each["kind"])]
        found.append(Target(publisher, msgspec.convert(each, publisher.settings)))
    return found


def _of_the_job(said: dict[str, Any]) -> Iterator[Flaw]:
    if "land" not in said:
        yield Flaw("land", "missing required table 'land'", "state its sources and lake")
    land = said.get("land")
    lake = land.get("lake") if isinstance(land, dict) else None
    if isinstance(lake, str) and is_remote(lake) and not lake.startswith("az://"):
        yield Flaw("land.lake", "a lake is a folder or az://ACCOUNT/CONTAINER/PREFIX", SEE)
    held = said.get("publish")
    for number, each in enumerate(held if isinstance(held, list) else []):
        if isinstance(each, dict):
            yield from _of_a_target(each, f"publish[{number}]")


def _of_a_target(said: dict[str, Any], key: str) -> Iterator[Flaw]:
    kind = said.get("kind")
    if kind not in publishers():
        known = ", ".join(publishers())
        yield Flaw(f"{key}.kind", f"{kind!r} is no kind of target", f"write one of {known}")
        return
    publisher = publishers()[str(kind)]
    found = list(flaws(said, publisher.settings, key))
    yield from found
    if kind == "mail" and not found and not {"smtp", "folder"} & said.keys():
        yield Flaw(key, "the mail goes nowhere", 'state smtp = "HOST:PORT", or folder')


def _secrets(said: object, key: str = "") -> Iterator[Flaw]:
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _secrets(value, f"{key}.{name}" if key else name)
    elif isinstance(said, list):
        for number, value in enumerate(said):
            yield from _secrets(value, f"{key}[{number}]")
    elif isinstance(said, str) and SECRET.search(said):
        yield Flaw(
            key,
            "it holds a secret",
            "take it out: secrets come from the environment or DefaultAzureCredential; a place on "
            "Azure is named az://ACCOUNT/CONTAINER/PREFIX, a webhook's URL by url_from",
        )
