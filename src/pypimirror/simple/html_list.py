"""The HTML representation of the project list: what lies directly below the list's own address."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urljoin, urlsplit

from pypimirror import names
from pypimirror.filenames import BUILT_SUFFIXES, PASSED_OVER, SDIST_SUFFIXES
from pypimirror.model import ListEntry
from pypimirror.simple import proof
from pypimirror.simple.from_html import VERSION, base_of, check_version
from pypimirror.simple.html import Anchor, Demands, Read, feed
from pypimirror.simple.problems import LONGEST_ADDRESS, PageError
from pypimirror.simple.urls import folder_of, is_index, is_same_folder, quoted, segments

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/")

# What lies loose in the folder that a plain web server lists.
_FILE_SUFFIXES = (
    *(".txt", ".html", ".htm", ".json", ".v1_json", ".xml", ".md", ".css", ".js", ".ico", ".png", ".svg"),
    *(".gz", ".bz2", ".xz", ".asc", ".sig", ".metadata"),
    *SDIST_SUFFIXES,
    *BUILT_SUFFIXES,
    *PASSED_OVER,
)


def entries(
    chunks: Iterable[bytes], charset: str | None, url: str, demands: Demands, *, asked: str
) -> Iterator[ListEntry]:
    """Yield the projects of the list that was `asked` for and found at `url`.

    Raises PageError where that is another address, or the page is cut off or none of an index.
    """
    if not is_same_folder(url, asked):
        raise PageError(f"{asked} leads to another page; if that is the list, set index_url to it")
    read = Read(most_links=4_000_000, most_elements=16_000_000)
    projects = others = 0
    for _ in feed(chunks, charset, read, needs_end=demands.end):
        if read.anchors:
            listing = _Listing(url, base_of(url, read))
            for entry in listing.entries(read.taken()):
                projects += 1
                yield entry
            others += listing.others
    if read.swallows:
        raise PageError("a quote that is not closed swallows links")
    check_version(read, demands)
    if 0 < projects < others and VERSION not in read.meta and not proof.is_list(read.titles):
        raise PageError("most of its links lead elsewhere than to projects: is index_url the list's address?")
    if read.has_password or proof.is_login(read.titles):
        raise PageError("a page that asks who you are is no project list")


class _Listing:
    """A list's own address, and what its links are relative to."""

    def __init__(self, url: str, base: str) -> None:
        parts = urlsplit(url)
        self.others = 0
        """Links that lead to neither the list itself, nor what is above or below it."""
        self._host = parts.hostname
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._folder = folder_of(url)
        path = "/".join(("", *(quote(segment, safe="") for segment in self._folder), ""))
        self._base = base
        self._own = self._origin + path
        # Almost all links of almost all lists: their addresses need no resolving.
        prefix = urlsplit(base).path.rpartition("/")[0] + "/"
        self._prefixes = (
            path,
            self._own,
            *([""] if base.startswith(self._origin) and prefix == path else []),
        )

    def entries(self, anchors: Iterable[Anchor]) -> Iterator[ListEntry]:
        """Yield the projects that anchors lead to."""
        for anchor in anchors:
            if anchor.href and (found := self._plain(anchor.href) or self._resolved(anchor.href)):
                last, url = found
                display_name = anchor.text.rstrip("/")
                yield ListEntry(
                    display_name if display_name == last or names.are_same(display_name, last) else last,
                    url=url,
                )

    def _plain(self, href: str) -> tuple[str, str] | None:
        for prefix in self._prefixes:
            if href.startswith(prefix) and _PLAIN.fullmatch(href, len(prefix)):
                return href[len(prefix) : -1], self._own + href[len(prefix) :]
        return None

    def _resolved(self, href: str) -> tuple[str, str] | None:
        """Return the component below the list, and the address of that on the list's own origin."""
        try:
            parts = urlsplit(urljoin(self._base, href.partition("#")[0]))
        except ValueError:
            return None
        found, depth = segments(parts.path), len(self._folder)
        # Behind a proxy a server may not know by which scheme and port it was asked.
        is_of_host = parts.scheme in ("http", "https") and parts.hostname == self._host
        if not is_of_host or found[:depth] != self._folder[: len(found)]:
            self.others += 1
            return None
        below, is_folder = found[depth:], parts.path.endswith("/")
        if len(below) == 2 and is_index(below[1]) and not is_folder:
            below, is_folder = below[:1], True
        is_loose = len(below) == 1 and (is_index(below[0]) or below[0].lower().endswith(_FILE_SUFFIXES))
        if len(below) != 1 or below[0] in (".", "..") or (not is_folder and is_loose):
            return None
        url = quoted(self._origin + parts.path + (f"?{parts.query}" if parts.query else ""))
        return (below[0], url) if len(url) <= LONGEST_ADDRESS else None
