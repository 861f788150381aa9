"""Our own pages after a lost state: what they list is held, as far as the files bear them out."""

import logging
from collections.abc import Iterator
from functools import partial

from pypimirror import checksums, download, names
from pypimirror.errors import BadPageError
from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage
from pypimirror.publishing import Pages, Tree
from pypimirror.simple import JSON_TYPE, parse_project_list, parse_project_page
from pypimirror.store.layout import FULL, HTML, JSON, METADATA
from pypimirror.upstream import Upstream
from pypimirror.workers import Readers, suitable_readers

_log = logging.getLogger(__name__)

NOTE = "adopting"
"""How far an adoption came: it begins when a state is new, and what a kill left undone the next run does."""
_OWN = "own pages"
_RAW = "raw names"
"""The last part: what other tools laid out is taken over, project by project."""


def is_adopting(mirror: Mirror) -> bool:
    """Tell whether what is in the tree is still being taken over."""
    return mirror.state.notes.get(NOTE) is not None


def own_pages(
    mirror: Mirror, pages: Pages, tree: Tree, upstream: Upstream, *, trusts_sizes: bool
) -> Iterator[int]:
    """When a state is new: hold what the tree's own pages list, as far as the files bear them out.

    So nothing that upstream no longer lists, or can't be asked about now, gets lost with a state. With
    `trusts_sizes` no file is read. It may take hours: yields how many files were taken over, as it goes.
    """
    if mirror.state.projects.is_empty() and not _is_bare(mirror):
        mirror.state.notes.set(NOTE, _OWN)
    if mirror.state.notes.get(NOTE) != _OWN:
        return
    pool: Readers[tuple[NormalizedName, HeldFile | None]] = Readers(suitable_readers())
    display_names = _display_names(mirror, upstream)
    for name in mirror.store.project_folders():
        page = _own_page(mirror, upstream, name)
        sizes = mirror.store.sizes(name)
        if page is None:
            continue
        files = [file for file in page.files if sizes.get(file.filename) == file.size]
        mirror.state.projects.record_page(
            name, display_names.get(name, name), page.status, page.status_reason
        )
        pages.names.intend(name)
        for file in files:
            pool.submit(partial(_checked, mirror, name, file, trusts_sizes=trusts_sizes))
        yield from _recorded(mirror, tree, pool, left=pool.size)
    yield from _recorded(mirror, tree, pool, left=0)
    mirror.state.notes.set(NOTE, _RAW)
    tree.commit()


def _is_bare(mirror: Mirror) -> bool:
    """Tell whether the tree has nothing that could be adopted, or has to be removed."""
    return not mirror.store.named_folders(".") and not {HTML, JSON, FULL} & mirror.store.sizes(".").keys()


def _own_page(mirror: Mirror, upstream: Upstream, name: NormalizedName) -> ProjectPage | None:
    content = mirror.store.read(name, JSON)
    if content is None:
        return None
    try:
        return parse_project_page(content, JSON_TYPE, upstream.project_url(name), name)
    except BadPageError as error:
        _log.warning("%s: its own page can't be read (%s)", name, error.reason)
        return None


def _display_names(mirror: Mirror, upstream: Upstream) -> dict[NormalizedName, str]:
    """Return how the tree's own root page spells the names."""
    content = mirror.store.read(".", JSON)
    if content is None:
        return {}
    try:
        entries = list(parse_project_list([content], JSON_TYPE, upstream.index_url))
    except BadPageError:
        return {}
    return {names.normalize(entry.name): entry.name for entry in entries if names.is_valid(entry.name)}


def _checked(
    mirror: Mirror, name: NormalizedName, file: File, *, trusts_sizes: bool
) -> tuple[NormalizedName, HeldFile | None]:
    """Return the file as held, if its bytes are what our page says; in a worker."""
    if trusts_sizes:  # a look has to be quick, and the size was right
        sha256, offered = dict(file.digests).get("sha256", ""), dict(file.core_metadata or ())
        return name, HeldFile(file=file, sha256=sha256, size=file.size or 0, metadata=offered.get("sha256"))
    content = mirror.store.open_existing(name, file.filename)
    if content is None:
        return name, None
    with content:
        found = download.verified(file, content)
    if found is None:
        return name, None
    text = mirror.store.read(name, file.filename + METADATA) if file.core_metadata else None
    metadata = checksums.sha256(text) if text is not None and checksums.is_offered(text, file) else None
    return name, HeldFile(file=file, sha256=found.sha256, size=found.size, metadata=metadata)


def _recorded(
    mirror: Mirror, tree: Tree, pool: Readers[tuple[NormalizedName, HeldFile | None]], *, left: int
) -> Iterator[int]:
    """Record what was read, until no more than so many files are `left`; yield how many were taken over."""
    while pool.unfinished > left:
        found = [(name, held) for name, held in pool.finished(1) if held is not None]
        for name, held in found:
            mirror.state.files.record_held(name, [held])
        tree.commit()
        yield len(found)
