"""What stands in the documents: pages, their headings, links and blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).parents[1]
PAGES = sorted([*TOP.glob("*.md"), *TOP.glob("docs/**/*.md")])

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_INDENTED = re.compile(r"(?:^    .*\n)+(?:\n*(?:^    .*\n)+)*", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block."""

    page: Path
    kind: str
    text: str


def blocks(page: Path, kind: str) -> list[Block]:
    """Return the fenced blocks of a kind."""
    text = page.read_text("utf-8")
    return [
        Block(page, kind, re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE))
        for match in _FENCE.finditer(text)
        if match["kind"] == kind
    ]


def indented(page: Path) -> list[Block]:
    """Return the blocks that are indented, and no part of a list."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return [
        Block(page, "", re.sub("^    ", "", match[0], flags=re.MULTILINE))
        for match in _INDENTED.finditer(text)
    ]


def links(page: Path) -> Iterator[str]:
    """Yield what a page links to, but for addresses of the web."""
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page.read_text("utf-8")))
    for target in _LINK.findall(text):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as web sites that show Markdown make them."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {_slug(heading) for heading in re.findall(r"^#+ +(.+)$", text, re.MULTILINE)}


def _slug(heading: str) -> str:
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
