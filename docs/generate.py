"""Writes the pages and files that are made from code; the tests check that they are current."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from pipeline.cli import main
from pipeline.datasets import datasets
from pipeline.envelopes import envelopes
from pipeline.query import queries
from pipeline.schema import schema
from pipeline.sources import sources

ROOT = Path(__file__).parents[1]
MADE = "<!-- made by docs/generate.py; edit the code, then run `make docs` -->\n"


def pages() -> dict[str, str]:
    """The text of each made file, by its path in the repository."""
    return {
        "docs/datasets.md": _datasets(),
        "docs/formats.md": _formats(),
        "docs/queries.md": _queries(),
        "docs/commands.md": _commands(),
        "reports/findings.schema.json": _schema(),
    }


def _datasets() -> str:
    parts = [
        "# Datasets of the lake\n",
        MADE,
        "Times are UTC. An empty unit is a name or a flag.\n",
    ]
    for name, dataset in datasets().items():
        identity = ", ".join(f"`{each}`" for each in dataset.identity)
        parts.append(f"## {name}\n\n{dataset.about} One row is {dataset.grain}.\n")
        if identity:
            parts.append(f"Two records alike in {identity} are one event told twice.\n")
        parts.append("| column | type | unit | meaning |\n|---|---|---|---|")
        parts += [
            f"| `{each.name}` | {each.type} | {each.unit} | {each.meaning} |"
            for each in dataset.columns
        ]
        parts.append("")
    return "\n".join(parts)


def _formats() -> str:
    parts = [
        "# Formats that land\n",
        MADE,
        "A blob's format is found by its content, whatever its name. How records lie in a blob and "
        "what they say are found apart: any of these formats may come as JSON Lines (a record, or "
        'a batch `{"records": […]}`, a line), or in any of these envelopes, plain or gzipped:\n',
    ]
    parts += [f"- {envelope.about}" for envelope in envelopes().values()]
    parts.append("\nKeys are matched whatever their case; numbers and objects may be texts.\n")
    parts.append("| format | dataset | what it is |\n|---|---|---|")
    parts += [
        f"| `{name}` | [{source.dataset}](datasets.md#{source.dataset}) | {source.about} |"
        for name, source in sources().items()
    ]
    return "\n".join([*parts, ""])


def _queries() -> str:
    parts = ["# Queries\n", MADE, "A source that is a query itself stands as a view.\n"]
    for name, query in queries().items():
        parts.append(f"## {name}\n\n{query.about}\n")
        parts.append(
            f"`{query.path}` · reads {', '.join(query.sources)} · one row per "
            f"{', '.join(query.grain)}"
        )
        if query.parameters:
            told = ", ".join(f"`${each.name}` {each.type}" for each in query.parameters)
            parts.append(f"· takes {told}")
        parts.append("\n| column | type | meaning |\n|---|---|---|")
        parts += [f"| `{each.name}` | {each.type} | {each.meaning} |" for each in query.returns]
        parts.append("")
    return "\n".join(parts)


def _commands() -> str:
    parts = ["# Commands\n", MADE]
    context = click.Context(main, info_name="gateway-rca", **main.context_settings)
    parts.append(f"```text\n{main.get_help(context)}\n```\n")
    for name, command in sorted(main.commands.items()):
        parts += _command(name, command, context)
    return "\n".join(parts)


def _command(name: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    path = context.command_path.removeprefix("gateway-rca ")
    yield f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner, each in sorted(command.commands.items()):
            yield from _command(inner, each, context)


def _schema() -> str:
    made = msgspec.json.encode(schema(), order="deterministic")
    return msgspec.json.format(made, indent=2).decode() + "\n"


if __name__ == "__main__":
    for path, text in pages().items():
        (ROOT / path).write_text(text, encoding="utf-8")
