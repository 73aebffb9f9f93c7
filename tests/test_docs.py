"""What is written about the product is true: made pages are current, commands say how."""

import runpy
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.sources import sources

ROOT = Path(__file__).parents[1]
PAGES: dict[str, str] = runpy.run_path(str(ROOT / "docs" / "generate.py"))["pages"]()


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_made_page_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path], "run make docs"


@pytest.mark.parametrize("name", sorted(main.commands))
def test_a_command_is_in_the_readme_and_has_an_example(name: str) -> None:
    assert f"gateway-rca {name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"gateway-rca {name}" in (main.commands[name].help or "")


def test_the_number_of_formats_is_told_as_it_is() -> None:
    told = f"{len(sources())} formats"
    for page in ("README.md", "CHANGELOG.md"):
        assert told in (ROOT / page).read_text(encoding="utf-8"), page


def test_the_settings_in_the_readme_are_accepted(tmp_path: Path) -> None:
    from pipeline.config import settings

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = readme.split("```toml\n")[1].split("```")[0]
    (tmp_path / "gateway-rca.toml").write_text(example, encoding="utf-8")
    read = settings(tmp_path / "gateway-rca.toml")
    assert read.gateway[0].units == 2
    assert read.destination[0].ips == ("203.0.113.10",)
    assert read.incident.minimum_failures == 20


def test_what_the_docs_link_to_is_there() -> None:
    import re

    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
