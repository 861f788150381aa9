"""HTML by lxml: anchors, and what a page says of itself, read to the very end of the input or not at all."""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pypimirror.simple.charsets import decoded
from pypimirror.simple.problems import LONGEST_ADDRESS, MOST_ENTRIES, PageError
from pypimirror.simple.urls import filename_of

_SILENCE = 1 << 20
"""Characters of a page without a single event: no index writes so long a tag."""
_MOST_STEPS = 500_000_000
"""Ends of elements times the elements that are open: what the parser looks through for a beginning."""

_TEXTS, _TEXT = 20, 300
"""What is taken of an element's text: pieces, and characters of each."""
_LONGEST_VALUE = 4000
_MOST_TITLES = 20
_MOST_METAS = 100

_TITLES = frozenset({"title", "h1", "h2", "h3", "h4", "h5", "h6"})
_ATTRIBUTES = frozenset(
    {
        "href",
        "rel",
        "data-requires-python",
        "data-yanked",
        "data-core-metadata",
        "data-dist-info-metadata",
        "data-provenance",
    }
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_SWALLOWED = re.compile(r"<a\s", re.IGNORECASE)
_END = re.compile(r"</html(?=[\s/>])", re.IGNORECASE)
_LONGEST_END = len("</html>")


class Anchor(NamedTuple):
    """A link: where to, under which text, and the attributes that mean something in an index."""

    href: str | None
    """None where it has none, or one that is too long."""
    name: str
    """The last component of its path, decoded."""
    text: str
    attributes: dict[str, str]


class Read:
    """A parser target: gathers anchors with their text, the base address, titles and the meta values."""

    def __init__(self, *, most_links: int, most_elements: int = 10 * MOST_ENTRIES) -> None:
        """Begin; where the page has more links or elements, PageError is raised."""
        self._most_links = most_links
        self._most_elements = most_elements
        self._anchors = 0
        self._elements = 0
        self._depth = 0
        self.deepest = 0
        """Elements within each other since `flat` was called."""
        self.events = 0
        self.ended = 0
        """How many marks were seen that stand before a page's end; see `feed`."""
        self.mark = f"end-{secrets.token_hex(16)}"
        self.is_whole = False
        self.anchors: list[Anchor] = []
        """Those that nobody took yet."""
        self.has_links = False
        self.base: str | None = None
        self.meta: dict[str, str] = {}
        self.titles: list[str] = []
        self.has_password = False
        self.swallows = False
        """A value has an anchor in it: a quote that is not closed goes on to the next one."""
        self._open: dict[str, str] | None = None
        self._text: list[str] = []
        self._title: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Take the beginning of an element."""
        self.events += 1
        self._elements += 1
        self.swallows = self.swallows or any(_SWALLOWED.search(value) for value in attributes.values())
        if tag == "a":
            self._start_anchor(attributes)
        elif tag in _TITLES:
            self._end_title()
            self._title = []
        elif tag == "base" and self.base is None and "href" in attributes:
            self.base = attributes["href"].strip()
        elif tag == "meta":
            self._meta(attributes)
        elif tag == "input":
            self._input(attributes)
        elif tag == "i" and attributes.get("id") == self.mark:
            self._marked(attributes)
        self._deeper(tag)

    def _deeper(self, tag: str) -> None:
        if tag not in _VOID:
            self._depth += 1
            self.deepest = max(self.deepest, self._depth)
        if self._elements > self._most_elements:
            raise PageError(f"it has more than {self._most_elements:,} elements")

    def flat(self) -> None:
        """Begin to count `deepest` anew."""
        self.deepest = self._depth

    def _marked(self, attributes: dict[str, str]) -> None:
        if attributes.get("class") == "html":
            self.ended += 1
        else:
            self.is_whole = True

    def _start_anchor(self, attributes: dict[str, str]) -> None:
        self._end_anchor()
        self._anchors += 1
        if self._anchors > self._most_links:
            raise PageError(f"it has more than {self._most_links:,} links")
        # What means nothing in an index is not kept.
        self._open = {
            key: value if key == "href" else value[:_LONGEST_VALUE]
            for key, value in attributes.items()
            if key in _ATTRIBUTES
        }

    def _meta(self, attributes: dict[str, str]) -> None:
        name = attributes.get("name", "").strip().lower()
        if name.startswith("pypi:") and len(self.meta) < _MOST_METAS:
            self.meta.setdefault(name[:100], attributes.get("content", "")[:_LONGEST_VALUE])

    def _input(self, attributes: dict[str, str]) -> None:
        kinds = (attributes.get("type", "").strip().lower(), attributes.get("autocomplete", "").lower())
        self.has_password = self.has_password or "password" in kinds[0] or "password" in kinds[1]

    def end(self, tag: str) -> None:
        """Take the end of an element."""
        self.events += 1
        self._depth -= tag not in _VOID
        if tag == "a":
            self._end_anchor()
        elif tag in _TITLES:
            self._end_title()

    def data(self, data: str) -> None:
        """Take a piece of text."""
        self.events += 1
        for into in (self._text if self._open is not None else None, self._title):
            if into is not None and len(into) < _TEXTS:
                into.append(data[:_TEXT])

    def comment(self, _text: str) -> None:
        """Note that there is a comment."""
        self.events += 1

    def close(self) -> None:
        """End what is still open."""
        self._end_anchor()
        self._end_title()

    def taken(self) -> Iterator[Anchor]:
        """Yield the anchors that there are, each forgotten then: those of a large page take much memory."""
        anchors, self.anchors = self.anchors, []
        anchors.reverse()
        while anchors:
            yield anchors.pop()

    def _end_title(self) -> None:
        if self._title is not None and len(self.titles) < _MOST_TITLES:
            self.titles.append(" ".join("".join(self._title).split()))
        self._title = None

    def _end_anchor(self) -> None:
        if self._open is not None:
            href = self._open.pop("href", None)
            if href is not None:
                # The parser ends lines within an attribute as it finds them; addresses have none.
                href = href.strip().replace("\n", "").replace("\r", "").replace("\t", "")
                is_long = len(href) > LONGEST_ADDRESS + 500
                name = filename_of(href)[:1000]
                text = "".join(self._text).strip()
                self.anchors.append(Anchor(None if is_long else href, name, text, self._open))
                self.has_links = True
        self._open = None
        self._text.clear()


class Demands(NamedTuple):
    """What a page of HTML has to say itself."""

    version: bool = False
    """The version of its API, as that of an index that speaks JSON does."""
    end: bool = True
    """Its `</html>`, where the transport does not tell its end."""


def feed(chunks: Iterable[bytes], charset: str | None, target: Read, *, needs_end: bool) -> Iterator[None]:
    """Read a page block by block, yielding after each one.

    Raises PageError where something swallowed the rest of it (an unclosed quote, comment, script, title),
    or it has no `</html>` and nobody else tells that it is whole.
    """
    from lxml import etree  # slow, and an index that speaks JSON needs none

    parser = etree.HTMLParser(target=target, encoding="utf-8", huge_tree=True)  # type: ignore[arg-type]
    silent, events, steps = 0, 0, 0
    for block in filter(None, _blocks(decoded(chunks, charset))):
        marked = _END.sub(f'<i id="{target.mark}" class="html"></i>\\g<0>', block) if needs_end else block
        parser.feed(marked.encode("utf-8", "replace"))
        silent = silent + len(block) if target.events == events else 0
        events = target.events
        steps += block.count("</") * target.deepest
        target.flat()
        if steps > _MOST_STEPS:
            raise PageError("its elements are too deep within each other")
        if silent > _SILENCE:
            raise PageError(f"a tag or a comment of it is longer than {_SILENCE:,} characters")
        yield
    # Browsers would read on inside of what is open here; only what they would take for a new element tells
    # that all before it was read.
    parser.feed(f'<i id="{target.mark}"></i>'.encode())
    parser.close()
    if not target.is_whole:
        raise PageError("the HTML page is cut off, or something in it swallows its rest")
    if needs_end and not target.ended:
        raise PageError("the HTML page is cut off (it has no </html>)")
    yield


def _blocks(texts: Iterable[str]) -> Iterator[str]:
    """Yield the text in blocks of which none ends within a page's end."""
    rest = ""
    for text in texts:
        block = rest + text
        cut = block.rfind("<", -_LONGEST_END)
        rest = "" if cut < 0 else block[cut:]
        yield block[: len(block) - len(rest)]
    yield rest
