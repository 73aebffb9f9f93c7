"""Markdown: the composed page once more, for wikis and tickets.

It is made from the page itself, so that it says the same in the same order, whatever templates
made that. All text is escaped: a name in a log is never a link, an image or a tag.
"""

import re
from html.parser import HTMLParser
from urllib.parse import quote

HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### "}
BLOCKS = {*HEADINGS, "p", "li", "dt", "dd", "figcaption", "caption", "th", "td"}
# What is for a screen, for paper, or in the head; none of it is said by the text.
LEFT_OUT = {"head", "style", "script", "svg", "nav"}
VOID = {"br", "img", "meta", "link", "hr", "input"}
BOLD_BLOCKS = {"dt"}
BOLD_CLASSES = {"label", "answer"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!@$])")
# What some renderers make links of by themselves.
LINK_LIKE = re.compile(r"(?i)\b(https?|ftp|file|mailto|www)([:.])")
LEADING = re.compile(r"^([-+=]|\d+[.)])")
SPACE = re.compile(r"\s+")


def written(html: str, figures: str) -> str:
    """The page as Markdown; its figures are linked as SVG files of the folder ``figures``."""
    writer = _Writer(quote(figures))
    writer.feed(html)
    writer.close()
    return "\n\n".join(writer.blocks) + "\n"


def escaped(text: str) -> str:
    """The text such that Markdown shows it as it is."""
    plain = LINK_LIKE.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", text))
    return LEADING.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", plain)


class _Writer(HTMLParser):
    """Collects blocks; what is inside a block is collected in ``_line`` until the block ends."""

    def __init__(self, figures: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._figures = figures
        self._figure = ""
        self._open: list[tuple[str, str]] = []
        self._skipped = 0
        self._title = False
        self._line: list[str] = []
        self._code: str | None = None
        self._lists: list[str] = []
        self._pre: str | None = None
        self._rows: list[list[str]] = []
        self._right: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens an element; of what is left out only a figure's title is read."""
        said = dict(attrs)
        classes = said.get("class") or ""
        if tag == "br" and not self._skipped:
            self._line.append("; " if self._rows else " · ")
        if tag in VOID:
            return
        self._open.append((tag, classes))
        if self._skipped or tag in LEFT_OUT or said.get("aria-hidden") or "hidden" in classes:
            self._skipped += 1
            self._title = tag == "title" and bool(self._figure)
            return
        self._begin(tag, classes, said)

    def _begin(self, tag: str, classes: str, said: dict[str, str | None]) -> None:
        if tag == "figure":
            self._figure = said.get("id") or ""
        elif tag in ("ul", "ol"):
            self._lists.append("- " if tag == "ul" else "1. ")
        elif tag == "pre":
            self._pre = ""
        elif tag == "table":
            self._rows, self._right = [], []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("strong", "b"):
            self._line.append("**")
        elif tag == "span" and "code" in classes:
            self._code = ""
        if tag in BLOCKS:
            self._line = []
            self._code = "" if tag in ("th", "td") and "code" in classes else self._code
        if tag in ("th", "td") and len(self._rows) == 1:
            self._right.append("num" in classes)
        if tag == "td":
            self._rows[-1] += [""] * (int(said.get("colspan") or 1) - 1)

    def handle_endtag(self, tag: str) -> None:
        """Closes an element, and with it what was left open inside."""
        while self._open:
            open_tag, classes = self._open.pop()
            if self._skipped:
                self._skipped -= 1
                self._title = False
            else:
                self._end(open_tag, classes)
            if open_tag == tag:
                return

    def _end(self, tag: str, classes: str) -> None:
        if self._code is not None and (tag == "span" or tag in ("th", "td")):
            self._line.append(_as_code(self._code, bool(self._rows)))
            self._code = None
        if tag in ("strong", "b"):
            self._line.append("**")
        elif tag in ("ul", "ol"):
            self._lists.pop()
        elif tag == "pre" and self._pre is not None:
            fence = _fence(self._pre, 3)
            self._say(f"{fence}text\n{self._pre.strip()}\n{fence}")
            self._pre = None
        elif tag == "table":
            self._say(_table(self._rows, self._right))
            self._rows = []
        elif tag in BLOCKS:
            self._block(tag, classes)

    def _block(self, tag: str, classes: str) -> None:
        text = SPACE.sub(" ", "".join(self._line)).strip()
        self._line = []
        if tag in ("th", "td"):
            self._rows[-1].append(text)
            return
        if tag in BOLD_BLOCKS or BOLD_CLASSES & set(classes.split()):
            text = f"**{text}**"
        start = self._lists[-1] if tag == "li" and self._lists else HEADINGS.get(tag, "")
        if text:
            self._say(start + text)

    def handle_data(self, data: str) -> None:
        """Takes text as what it stands in: code, lines kept as they are, or prose."""
        if self._title:
            alt = escaped(SPACE.sub(" ", data).strip())
            self._say(f"![{alt}]({self._figures}/{quote(self._figure)}.svg)")
            self._figure, self._title = "", False
        elif self._skipped:
            return
        elif self._pre is not None:
            self._pre += data
        elif self._code is not None:
            self._code += data
        else:
            self._line.append(escaped(data))

    def _say(self, text: str) -> None:
        self.blocks.append(text)


def _fence(text: str, least: int) -> str:
    """Backticks, more than stand together anywhere in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _as_code(text: str, in_table: bool) -> str:
    inside = SPACE.sub(" ", text).strip()
    if not inside:
        return ""
    if in_table:
        inside = inside.replace("|", "\\|")
    fence = _fence(inside, 1)
    room = " " if inside.startswith("`") or inside.endswith("`") else ""
    return f"{fence}{room}{inside}{room}{fence}"


def _table(rows: list[list[str]], right: list[bool]) -> str:
    """A table; lines of a list in a cell have become parts of it."""
    if not rows:
        return ""
    wide = max(len(row) for row in rows)
    marks = ["---:" if each else "---" for each in right] + ["---"] * (wide - len(right))
    lines = [rows[0], marks, *rows[1:]]
    return "\n".join(f"| {' | '.join([*row, *[''] * (wide - len(row))])} |" for row in lines)
