"""The HTML in a real browser: nothing is fetched, nothing fails, and the keyboard reaches all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pipeline.figure import canvas, style, svg
from pipeline.report import Report, composed
from tests import browser as chromium
from tests.test_report import drawings, findings


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.running() as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = pl.DataFrame({"second": [0, 10, 20], "<b>failed</b>": [7.0, 1234.0, None]})
    with style("F1"):
        drawn, (axes,) = canvas(2)
        axes.set_xlim(0, 30)
        real = svg(drawn, "Failures by second", rows)
    path = tmp_path_factory.mktemp("page") / "rca.html"
    path.write_text(composed(Report(findings(), {**drawings(), "F1": real})), encoding="utf-8")
    return path


class Watched:
    """A page, and all that it asked for or complained of."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.page: Page = browser.new_context(**options).new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    watched = Watched(browser, file)
    yield watched.page
    assert watched.complaints == []
    assert [each for each in watched.asked if not each.startswith("data:")] == [file.as_uri()]
    watched.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_the_way_of_any_reader(browser: Browser, file: Path, scheme: str) -> None:
    watched = Watched(browser, file, color_scheme=scheme)
    found = Axe().run(watched.page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, [(each["id"], each["nodes"][0]["html"][:200]) for each in grave]


def test_the_page_follows_the_reader_into_the_dark(browser: Browser, file: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        page = Watched(browser, file, color_scheme=scheme).page
        colours.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
        figure = page.evaluate("getComputedStyle(document.querySelector('figure svg')).filter")
        assert ("invert" in figure) is (scheme == "dark")
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 28)"]


def test_a_telephone_needs_no_scrolling_sideways(browser: Browser, file: Path) -> None:
    page = Watched(browser, file, viewport={"width": 360, "height": 740}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_figure_tells_its_values_under_the_pointer(page: Page) -> None:
    drawing = page.locator("#F1 .drawing")
    box = drawing.bounding_box()
    assert box
    drawing.hover(position={"x": box["width"] * 0.4, "y": 40})
    values = page.locator("#F1 .values")
    expect(values).to_be_visible()
    expect(values).to_have_text("10 s<b>failed</b>: 1,234")
    page.mouse.move(0, 0)
    expect(values).to_be_hidden()


def test_a_figure_tells_its_values_to_the_keyboard(page: Page) -> None:
    drawing = page.get_by_role("slider", name="F1")
    drawing.focus()
    expect(page.locator("#F1 .values")).to_have_text("0 s<b>failed</b>: 7")
    page.keyboard.press("ArrowRight")
    expect(drawing).to_have_attribute("aria-valuetext", "10 s. <b>failed</b>: 1,234")
    page.keyboard.press("End")
    expect(page.locator("#F1 .values")).to_have_text("20 snothing told")
    page.keyboard.press("Escape")
    expect(page.locator("#F1 .values")).to_be_hidden()


def test_a_table_sorts_by_numbers_as_numbers_and_back(page: Page) -> None:
    table = page.locator("table", has=page.locator("#T3"))
    heading = table.get_by_role("columnheader", name="Requests")
    button = heading.get_by_role("button")

    def numbers() -> list[int]:
        cells = table.locator("tbody td:nth-child(4)").all_inner_texts()
        return [int(each.replace(",", "")) for each in cells]

    button.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert numbers() == sorted(numbers())
    assert len(set(numbers())) > 2
    button.click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert numbers() == sorted(numbers(), reverse=True)


def test_the_timeline_shows_only_lines_with_a_word(page: Page) -> None:
    lines = page.locator("table.timeline tbody tr:visible")
    before = lines.count()
    page.get_by_label("Only lines with").fill("WORST minute")
    expect(lines).to_have_count(1)
    expect(page.get_by_role("status")).to_have_text(f"1 of {before} lines")
    page.get_by_label("Only lines with").fill("")
    expect(lines).to_have_count(before)


def test_without_scripts_all_is_there_and_no_control_that_does_nothing(
    browser: Browser, file: Path
) -> None:
    page = Watched(browser, file, java_script_enabled=False).page
    expect(page.locator("table.timeline tbody tr:visible")).to_have_count(
        len(findings().incidents[0].timeline)
    )
    expect(page.locator("button, input")).to_have_count(0)
