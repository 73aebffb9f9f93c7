"""Settings of the scheduled job: checked whole before anything runs, targets and secrets too."""

import re
from collections.abc import Iterator
from contextlib import suppress
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
AZURE = "az://"
SERVER = re.compile(r"[^:\s/]+(:\d{1,5})?$")
PLACE = re.compile(r"land\.(lake|sources\[\d+\])$|publish\[\d+\]\.(to|folder)$")
VARIABLE = re.compile(r"[A-Za-z_]\w*$", re.ASCII)
IN_A_CONTAINER = re.compile(r"az://[^/]+/[^/]+")


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
    found = [
        *flaws(said, Settings),
        *contradictions(said),
        *_of_the_job(said),
        *_places(said),
        *_secrets(said),
    ]
    if found:
        raise wrong(path, found)
    return made(path, said)


def targets(settings: Settings) -> list[Target]:
    """Where reports go, of settings that were checked."""
    return [_target(each) for each in settings.publish]


def _target(said: dict[str, Any]) -> Target:
    publisher = publishers()[str(said["kind"])]
    return Target(publisher, msgspec.convert(said, publisher.settings))


def _of_the_job(said: dict[str, Any]) -> Iterator[Flaw]:
    if "land" not in said:
        yield Flaw("land", "missing required table 'land'", "state its sources and lake")
    land = said.get("land")
    lake = land.get("lake") if isinstance(land, dict) else None
    if isinstance(lake, str) and is_remote(lake) and not lake.startswith(AZURE):
        yield Flaw("land.lake", "a lake is a folder or az://ACCOUNT/CONTAINER/PREFIX", SEE)
    held = said.get("publish")
    names: list[str] = []
    for number, each in enumerate(held if isinstance(held, list) else []):
        if isinstance(each, dict):
            found = list(_of_a_target(each, f"publish[{number}]"))
            yield from found
            # A place that cannot be named is a flaw of its own.
            with suppress(PipelineError):
                name = "" if found else _target(each).name
                if name and name in names:
                    yield Flaw(f"publish[{number}]", f"{name} stands twice", "keep one of them")
                names.append(name)


def _places(said: dict[str, Any]) -> Iterator[Flaw]:
    """Places that are none: empty ones, and those on Azure that name no container."""
    for key, value in _texts({name: said.get(name) for name in ("land", "publish")}):
        if not value.strip() and PLACE.search(key):
            yield Flaw(key, "it is empty", "name a folder, or az://ACCOUNT/CONTAINER/PREFIX")
    for key, value in _texts(said):
        if value.startswith(AZURE) and not IN_A_CONTAINER.match(value):
            cure = "write az://ACCOUNT/CONTAINER, or a path below it"
            yield Flaw(key, f"{value!r} names no container", cure)


def _of_a_target(said: dict[str, Any], key: str) -> Iterator[Flaw]:
    kind = said.get("kind")
    if kind not in publishers():
        known = ", ".join(publishers())
        yield Flaw(f"{key}.kind", f"{kind!r} is no kind of target", f"write one of {known}")
        return
    publisher = publishers()[str(kind)]
    found = [*flaws(said, publisher.settings, key), *_of_the_environment(said, key)]
    yield from found
    if kind == "mail" and not found and not {"smtp", "folder"} & said.keys():
        yield Flaw(key, "the mail goes nowhere", 'state smtp = "HOST:PORT", or folder')
    smtp = said.get("smtp")
    if kind == "mail" and isinstance(smtp, str) and not SERVER.match(smtp):
        yield Flaw(f"{key}.smtp", f"{smtp!r} is no mail server", 'write smtp = "HOST:PORT"')
    if kind == "mail":
        for name, value in _texts({each: said.get(each) for each in ("to", "from")}):
            if "@" not in value:
                yield Flaw(f"{key}.{name}", f"{value!r} is no mail address", "write NAME@DOMAIN")


def _of_the_environment(said: dict[str, Any], key: str) -> Iterator[Flaw]:
    """What should name a variable and may be the secret itself, which is not told again."""
    for name, value in said.items():
        if name.endswith("_from") and isinstance(value, str) and not VARIABLE.match(value):
            cure = "the value belongs in the environment, here stands the variable that holds it"
            yield Flaw(f"{key}.{name}", "it is no variable's name", cure)


def _secrets(said: object) -> Iterator[Flaw]:
    for key, value in _texts(said):
        if SECRET.search(value):
            yield Flaw(
                key,
                "it holds a secret",
                "take it out: secrets come from the environment or DefaultAzureCredential; a place "
                "on Azure is named az://ACCOUNT/CONTAINER/PREFIX, a webhook's URL by url_from",
            )


def _texts(said: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text of the settings, by its key."""
    if isinstance(said, dict):
        for name, value in said.items():
            yield from _texts(value, f"{key}.{name}" if key else name)
    elif isinstance(said, list):
        for number, value in enumerate(said):
            yield from _texts(value, f"{key}[{number}]")
    elif isinstance(said, str):
        yield key, said
