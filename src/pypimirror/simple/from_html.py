"""The HTML representation of a project page (PEP 503, 592, 629, 658, 714, 740, 792), of any server."""

import contextlib
from urllib.parse import urljoin

from pypimirror.filenames import is_distribution, is_file_of, is_passed_over, version_of
from pypimirror.model import Digest, File, Link, NormalizedName, ProjectPage
from pypimirror.simple import proof
from pypimirror.simple.digests import in_fragment, in_pairs
from pypimirror.simple.gathered import Gathered
from pypimirror.simple.html import Anchor, Demands, Read, feed
from pypimirror.simple.problems import (
    LONGEST_ADDRESS,
    LONGEST_REASON,
    MOST_ENTRIES,
    PageError,
    check_api_version,
    project_status,
    provenance,
)
from pypimirror.simple.urls import file_url, is_of_project

VERSION = "pypi:repository-version"
_STATUS = "pypi:project-status"

# Links that older indexes put beside the files (PEP 438), and before that; they are not the index's own.
_EXTERNAL_RELS = frozenset({"homepage", "download"})
_EXTERNAL_TEXTS = ("download_url", "home_page")
_MOST_LINKS = 1000
_MOST_EXTERNAL_LINKS = 20_000


def project_page(
    content: bytes, charset: str | None, url: str, name: NormalizedName, demands: Demands
) -> ProjectPage:
    """Read a project page; raise PageError where it is cut off, of another API, or no project page."""
    read = Read(most_links=MOST_ENTRIES)
    for _ in feed([content], charset, read, needs_end=demands.end):
        pass
    check_version(read, demands)
    base = base_of(url, read)
    gathered = Gathered(name)
    links: dict[str, Link] = {}
    is_named_by_external = False
    if read.swallows:
        gathered.refuse_nameless("a quote that is not closed swallows links")
    for anchor in read.taken():
        if not _is_external(anchor):
            _take(anchor, base, name, gathered)
            continue
        is_named_by_external = is_named_by_external or is_file_of(anchor.name, name)
        if len(links) < _MOST_LINKS and (found := link(base, anchor.href)):
            links.setdefault(found.url, found)
    is_proved = _is_proved(read, url, name, gathered, is_named_by_external=is_named_by_external)
    status, reason = project_status(read.meta.get(_STATUS), read.meta.get(f"{_STATUS}-reason"))
    return gathered.page(
        status=status, status_reason=reason, project=name if is_proved else None, links=tuple(links.values())
    )


def _is_proved(
    read: Read, url: str, name: NormalizedName, gathered: Gathered, *, is_named_by_external: bool
) -> bool:
    """Tell whether a page is the project's; raise PageError where it is none of any index.

    Where no title names the project, files that are not called after it are passed over.
    """
    is_titled = proof.names_project(read.titles, name)
    is_index = is_titled or any(key in read.meta for key in (VERSION, _STATUS))
    if read.has_password or (not is_titled and proof.is_login(read.titles)):
        raise PageError(f"a page that asks who you are is no page of the project {name}")
    is_own = is_of_project(url, name)
    if not is_titled:
        gathered.skip_others()
    if is_index or is_named_by_external or gathered.names_project():
        return is_own
    if not gathered.files and (read.has_links or not is_own):
        raise PageError(
            f"this is no page of the project {name}: no file of it, and no sign of an index; a login page?"
        )
    return False


def check_version(read: Read, demands: Demands) -> None:
    """Raise PageError where a page says that its API is not 1.x (PEP 629), or has to and does not."""
    if demands.version and VERSION not in read.meta:
        raise PageError(f"HTML without {VERSION}, where JSON used to come, is no page of this index")
    check_api_version(read.meta.get(VERSION, "1.0"))


def _take(anchor: Anchor, base: str, name: NormalizedName, gathered: Gathered) -> None:
    """Take what an anchor lists, unless it leads to something else than a file of a project."""
    href, filename, text, _ = anchor
    if href is None and not filename and is_distribution(text):
        gathered.refuse(text, "its link has no address")
        return
    if href is not None and (not href or href.startswith("#")):
        return
    if is_distribution(filename) or is_passed_over(filename):
        gathered.take(filename, _file, anchor, base, name, gathered)


def links(content: bytes, charset: str | None, url: str) -> list[Link]:
    """Return what any page links to by http or https, however bad its HTML is: the first so many."""
    read = Read(most_links=_MOST_EXTERNAL_LINKS)
    with contextlib.suppress(PageError):  # what came before is what there is
        for _ in feed([content], charset, read, needs_end=False):
            pass
    found: dict[str, Link] = {}
    with contextlib.suppress(PageError):
        base = base_of(url, read)
        for each in filter(None, (link(base, anchor.href) for anchor in read.taken())):
            found.setdefault(each.url, each)
    return list(found.values())


def link(base: str, href: str | None) -> Link | None:
    """Return where a link leads to; None for other schemes than http, long addresses, and bad digests."""
    try:
        return None if href is None else Link(file_url(base, href), in_fragment(href))
    except ValueError:
        return None


def base_of(url: str, read: Read) -> str:
    """Return what a page's links are relative to; raise PageError where that is too long."""
    try:
        base = urljoin(url, read.base or "")
    except ValueError:  # browsers pass over it, too
        base = url
    if len(base) > LONGEST_ADDRESS:
        raise PageError("its own address is too long")
    return base


def _is_external(anchor: Anchor) -> bool:
    """Tell whether an anchor leads to where an author said that there are files, rather than to a file."""
    rels = anchor.attributes.get("rel", "").lower().split()
    return not _EXTERNAL_RELS.isdisjoint(rels) or anchor.text.endswith(_EXTERNAL_TEXTS)


def _file(anchor: Anchor, base: str, name: NormalizedName, gathered: Gathered) -> File:
    href, filename, _, attributes = anchor
    if href is None:
        raise ValueError("its address is too long")
    yanked = attributes.get("data-yanked")
    return File(
        filename=filename,
        url=file_url(base, href),
        digests=in_fragment(href),
        version=version_of(filename, name),
        requires_python=gathered.requires_python(filename, attributes.get("data-requires-python")),
        yanked=None if yanked is None else yanked[:LONGEST_REASON],
        core_metadata=_core_metadata(anchor, gathered),
        provenance=provenance(attributes.get("data-provenance")),
    )


def _core_metadata(anchor: Anchor, gathered: Gathered) -> tuple[Digest, ...] | None:
    attributes = anchor.attributes
    offer = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    if offer is None or offer.strip().lower() == "false":
        return None
    return gathered.core_metadata(anchor.name, in_pairs, offer)
