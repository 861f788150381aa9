"""The simple repository API (PEP 503, 691, 700, 714): bytes to model, in either representation. Pure."""

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator

import msgspec

from pypimirror.errors import BadPageError
from pypimirror.model import Link, ListEntry, NormalizedName, ProjectPage
from pypimirror.simple import from_html, from_json, html_list, json_list, lenient
from pypimirror.simple.html import Demands
from pypimirror.simple.list_facts import ListFacts
from pypimirror.simple.problems import DIGEST, LONGEST_ADDRESS, PageError

__all__ = [
    "ACCEPT",
    "JSON_TYPE",
    "Demands",
    "ListFacts",
    "download_url",
    "is_html",
    "is_json",
    "page_digest",
    "page_serial",
    "parse_links",
    "parse_project_list",
    "parse_project_page",
]

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
MAX_LIST = 1 << 28
"""Bytes of a project list, unpacked: five times what PyPI's has."""

_BLOCK = 1000

_SEPARATORS = re.compile(r"[;,\s]")
_CHARSET = re.compile(r"""(?:^|[;,\s])charset\s*=\s*["']?([\w.:+-]{1,40})""", re.IGNORECASE)

_HTML = "application/vnd.pypi.simple.v1+html"
_HTML_TYPES = frozenset({_HTML, "text/html", "application/xhtml+xml"})

ACCEPT = f"{JSON_TYPE}, {_HTML};q=0.2, text/html;q=0.1"
"""The Accept header: JSON is preferred, as it has sizes and upload times."""


def page_digest(content: bytes) -> str:
    """Return the digest by which the root page of a mirror tells that a project's JSON page changed."""
    return f"page:{hashlib.sha256(content).hexdigest()[:32]}"


def page_serial(content: bytes, listed: str | None) -> str | None:
    """Return a page's digest as its serial, where what the project list says of it is one."""
    return page_digest(content) if listed is not None and DIGEST.fullmatch(listed) else None


def parse_project_page(
    content: bytes, content_type: str, url: str, name: NormalizedName, demands: Demands = Demands()
) -> ProjectPage:
    """Read the project page that `url` (after redirects) gave.

    Raises BadPageError for another type, another major API version, invalid JSON, HTML that is cut off, or
    what is no project page.
    """
    if len(url) > LONGEST_ADDRESS:
        raise BadPageError(url, "its own address is too long")
    try:
        if is_json(content_type):
            return from_json.project_page(content, url, name)
        return from_html.project_page(content, _charset(content_type), url, name, demands)
    except PageError as problem:
        raise BadPageError(url, str(problem)) from problem


def parse_project_list(  # noqa: PLR0913 (what is known of the list, and what is wanted of it)
    chunks: Iterable[bytes],
    content_type: str,
    url: str,
    *,
    asked: str | None = None,
    demands: Demands = Demands(),
    choose: json_list.Choose = lambda names: range(len(names)),
    seen: ListFacts | None = None,
) -> Iterator[ListEntry]:
    """Yield the entries of a project list block by block, never holding it whole.

    `asked` is the list's own address, where `url` is what redirects led to. `choose` gets the names of each
    block, and says by their positions which entries are wanted. `seen` gets to know what the list says as a
    whole, of the entries that are not chosen, too.
    Nothing may count as absent before the iterator ended by itself. Raises BadPageError as above.
    """
    chunks = _bounded(chunks)
    seen = ListFacts() if seen is None else seen
    try:
        if is_json(content_type):
            yield from json_list.entries(lenient.without_mark(chunks), choose, seen)
        else:
            found = html_list.entries(chunks, _charset(content_type), url, demands, asked=asked or url)
            while block := list(itertools.islice(found, _BLOCK)):
                seen.see(len(block), (entry.serial for entry in block))
                yield from (block[number] for number in choose([entry.name for entry in block]))
    except PageError as problem:
        raise BadPageError(url, str(problem)) from problem


def parse_links(content: bytes, content_type: str, url: str) -> list[Link]:
    """Return what any HTML page links to by http or https: the first so many links, each once."""
    return from_html.links(content, _charset(content_type), url)


def download_url(content: bytes, url: str) -> Link | None:
    """Return where a legacy JSON document says that its project can be downloaded; None where it does not.

    Raises BadPageError where it is no such document.
    """
    try:
        told = _decode_legacy(content).info.download_url or ""
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPageError(url, f"no legacy JSON document ({error})") from error
    return from_html.link(url, told.strip()) if told.strip() not in ("", "UNKNOWN") else None


class _LegacyInfo(msgspec.Struct):
    download_url: str | None = None


class _LegacyJson(msgspec.Struct):
    info: _LegacyInfo


_decode_legacy = msgspec.json.Decoder(_LegacyJson).decode


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_LIST:
            raise PageError(f"the project list is longer than {MAX_LIST:,} bytes")
        yield chunk


def is_html(content_type: str) -> bool:
    """Tell whether this is a type of HTML, of an index or of any other server."""
    return _media_type(content_type) in _HTML_TYPES


def is_json(content_type: str) -> bool:
    """Tell which representation a type of the API is; raise PageError for any other type."""
    media_type = _media_type(content_type)
    if media_type == JSON_TYPE:
        return True
    if media_type in _HTML_TYPES:
        return False
    if media_type.startswith("application/vnd.pypi.simple."):
        raise PageError(f"{media_type[:100]} is an API that this version does not speak")
    raise PageError(f"{media_type[:100] or 'no type at all'} is not a type of the simple repository API")


def _media_type(content_type: str) -> str:
    """Return the type alone, also where a server says it twice, or parts it from the rest by a space."""
    return _SEPARATORS.split(content_type.strip(), maxsplit=1)[0].lower()


def _charset(content_type: str) -> str | None:
    found = _CHARSET.search(content_type[:1000])
    return found[1] if found else None
