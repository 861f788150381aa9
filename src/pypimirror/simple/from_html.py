"""The HTML representation (PEP 503, 592, 629, 658, 714, 740, 792) by lxml, as any server writes it."""

from collections.abc import Iterable, Iterator
from urllib.parse import urljoin

from pypimirror import names
from pypimirror.filenames import BUILT_SUFFIXES, SDIST_SUFFIXES, is_distribution, version_of
from pypimirror.model import Digest, File, Link, ListEntry, NormalizedName, ProjectPage
from pypimirror.simple.problems import (
    PageProblem,
    check_api_version,
    digests,
    file_url,
    filename_of,
    project_status,
    provenance,
    refusal,
)

_VERSION = "pypi:repository-version"
_BLOCK = 1 << 16
_TAIL = 1 << 10
_LONGEST_LINK = 2000
_TEXTS, _TEXT = 20, 300
"""What is taken of an anchor's text: pieces, and characters of each."""

# What lies loose in the folder that a plain web server lists.
_FILE_SUFFIXES = (".txt", ".html", ".json", ".v1_json", ".xml", ".md", *SDIST_SUFFIXES, *BUILT_SUFFIXES)

# Links that older indexes put beside the files (PEP 438), and before that; they are not the index's own.
_EXTERNAL_RELS = frozenset({"homepage", "download"})
_EXTERNAL_TEXTS = ("download_url", "home_page")
_MOST_LINKS = 1000
_MOST_LINKS_ELSEWHERE = 20_000


class _Anchors:
    """A parser target: gathers anchors with their text, the base address and the meta values.

    With `most` it takes that many anchors that lead anywhere, and no more.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.anchors: list[tuple[dict[str, str], str]] = []
        self.base: str | None = None
        self.meta: dict[str, str] = {}
        self._open: dict[str, str] | None = None
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "a":
            self._end_anchor()
            self._open = dict(attributes)
        elif tag == "base" and self.base is None:
            self.base = attributes.get("href")
        elif tag == "meta" and attributes.get("name", "").lower().startswith("pypi:"):
            self.meta.setdefault(attributes["name"].lower(), attributes.get("content", ""))

    def end(self, tag: str) -> None:
        if tag == "a":
            self._end_anchor()

    def data(self, data: str) -> None:
        if self._open is not None and len(self._text) < _TEXTS:
            self._text.append(data[:_TEXT])

    def close(self) -> None:
        self._end_anchor()

    def _end_anchor(self) -> None:
        if self._open is not None and (
            self._most is None or ("href" in self._open and len(self.anchors) < self._most)
        ):
            self.anchors.append((self._open, "".join(self._text).strip()))
        self._open = None
        self._text.clear()

    def taken(self) -> list[tuple[dict[str, str], str]]:
        """Hand over the anchors so far."""
        anchors, self.anchors = self.anchors, []
        return anchors

    def check(self, *, needs_version: bool) -> None:
        """Raise PageProblem where the page says that its API is not 1.x (PEP 629), or has to and does not."""
        if needs_version and _VERSION not in self.meta:
            raise PageProblem(f"HTML without {_VERSION}, where JSON used to come, is no page of this index")
        check_api_version(self.meta.get(_VERSION, "1.0"))


def project_page(
    content: bytes, charset: str | None, url: str, name: NormalizedName, *, needs_version: bool
) -> ProjectPage:
    """Read a project page; raise PageProblem where it is cut off or of another API."""
    target = _Anchors()
    for _ in _fed([content], charset, target):
        pass
    target.check(needs_version=needs_version)
    if not target.anchors and not target.meta:
        raise PageProblem("an HTML page without any link, as a login page is, says nothing")
    base = _base(url, target.base)
    files: dict[str, File] = {}
    refused = []
    unusable = set()
    links: dict[str, Link] = {}
    for attributes, text in target.anchors:
        href = attributes.get("href", "").strip()
        if _is_external(attributes, text):
            if len(links) < _MOST_LINKS and (found := link(base, href)):
                links.setdefault(found.url, found)
            continue
        filename = _listed_filename(href)
        if filename is None:
            continue
        reason = refusal(filename)
        try:
            if reason is None:
                files.setdefault(filename, _file(filename, href, base, attributes, name))
        except ValueError as error:
            reason = f"{filename!r}: {error}"
            unusable.add(filename)
        if reason is not None:
            refused.append(reason)
    status, status_reason = project_status(
        target.meta.get("pypi:project-status"), target.meta.get("pypi:project-status-reason")
    )
    return ProjectPage(
        files=tuple(files.values()),
        status=status,
        status_reason=status_reason,
        refused=tuple(refused),
        # A page without any link may be a server's way to say that something is wrong.
        project=name if target.anchors else None,
        unusable=frozenset(unusable),
        links=tuple(links.values()),
    )


def links(content: bytes, charset: str | None, url: str) -> list[Link]:
    """Return what any page links to by http or https, however bad its HTML is: the first so many."""
    target = _Anchors(_MOST_LINKS_ELSEWHERE)
    for _ in _fed([content], charset, target, is_whole=False) if content else ():  # lxml wants something
        pass
    base = _base(url, target.base)
    found: dict[str, Link] = {}
    for attributes, _ in target.anchors:
        if each := link(base, attributes["href"].strip()):
            found.setdefault(each.url, each)
    return list(found.values())


def link(base: str, href: str) -> Link | None:
    """Return where a link leads to; None where that is none of http or https, or too long."""
    try:
        url = file_url(base, href)
    except ValueError:
        return None
    return Link(url, _offered(href)) if len(url) <= _LONGEST_LINK else None


def _base(url: str, reference: str | None) -> str:
    try:
        return urljoin(url, reference or "")
    except ValueError:  # browsers pass over it, too
        return url


def entries(chunks: Iterable[bytes], charset: str | None, *, needs_version: bool) -> Iterator[ListEntry]:
    """Yield the projects that a root page links to; raise PageProblem where it is cut off."""
    target = _Anchors()
    for _ in _fed(chunks, charset, target):
        for attributes, text in target.taken():
            name = _listed_name(attributes.get("href", ""), text)
            if name is not None:
                yield ListEntry(name)
    target.check(needs_version=needs_version)


def _fed(
    chunks: Iterable[bytes], charset: str | None, target: _Anchors, *, is_whole: bool = True
) -> Iterator[None]:
    """Feed the parser block by block, yielding after each one; at the end the page has to be complete."""
    from lxml import etree  # noqa: PLC0415 (slow, and an index that speaks JSON needs none)

    try:
        parser = etree.HTMLParser(target=target, encoding=charset or "utf-8")  # type: ignore[arg-type]
    except (LookupError, ValueError):
        parser = etree.HTMLParser(target=target, encoding="utf-8")  # type: ignore[arg-type]
    tail = b""
    for chunk in chunks:
        for start in range(0, len(chunk), _BLOCK):
            parser.feed(chunk[start : start + _BLOCK])
            yield
        tail = (tail + chunk)[-_TAIL:]
    # A page without its end may be a page that was cut off; what is absent from it says nothing.
    if is_whole and b"</html" not in tail.lower():
        raise PageProblem("the HTML page is cut off (it has no </html>)")
    parser.close()
    yield


def _is_external(attributes: dict[str, str], text: str) -> bool:
    """Tell whether an anchor leads to where an author said that there are files, rather than to a file."""
    rels = attributes.get("rel", "").lower().split()
    return not _EXTERNAL_RELS.isdisjoint(rels) or text.endswith(_EXTERNAL_TEXTS)


def _listed_filename(href: str) -> str | None:
    """Return the name of the file that an anchor lists; None where it links to something else."""
    if not href or href.startswith("#"):
        return None
    filename = filename_of(href)
    return filename if is_distribution(filename) else None


def _listed_name(href: str, text: str) -> str | None:
    """Return the project's name: the text, or the last component of the address where they disagree."""
    path = href.partition("#")[0].partition("?")[0]
    last = filename_of(path.rstrip("/"))
    if not last or last in (".", "..") or (not path.endswith("/") and last.lower().endswith(_FILE_SUFFIXES)):
        return None
    shown = text.rstrip("/")
    return shown if shown == last or _same(shown, last) else last


def _same(text: str, last: str) -> bool:
    return names.is_valid(text) and names.is_valid(last) and names.normalize(text) == names.normalize(last)


def _file(filename: str, href: str, base: str, attributes: dict[str, str], name: NormalizedName) -> File:
    return File(
        filename=filename,
        url=file_url(base, href),
        digests=_offered(href),
        version=version_of(filename, name),
        requires_python=attributes.get("data-requires-python") or None,
        yanked=attributes.get("data-yanked"),
        core_metadata=_core_metadata(attributes),
        provenance=provenance(attributes.get("data-provenance")),
    )


def _offered(href: str) -> tuple[Digest, ...]:
    """Return the digest that a link's fragment offers (PEP 503)."""
    algorithm, _, hexdigest = href.partition("#")[2].partition("&")[0].partition("=")
    return digests({algorithm: hexdigest})


def _core_metadata(attributes: dict[str, str]) -> tuple[Digest, ...] | None:
    offer = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    if offer is None or offer.lower() == "false":
        return None
    algorithm, separator, hexdigest = offer.partition("=")
    return digests({algorithm: hexdigest}) if separator else ()
