"""Taking over what is in the tree already: our own after a lost state, and what another tool laid out.

Any tree of `<project>/<file>` will do, also with raw names. Files get their place in the normalized
folder when they are verified; where they were, they go after the pages that link to them there are replaced.
"""

import logging
from collections.abc import Collection, Iterator
from functools import partial
from typing import BinaryIO, NamedTuple

from pypimirror import download, names
from pypimirror.errors import BadPageError
from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage
from pypimirror.simple import JSON_TYPE, parse_project_list, parse_project_page
from pypimirror.store import FULL, HTML, JSON, aside_folder
from pypimirror.sync.run import Run
from pypimirror.workers import Readers, suitable_readers

_log = logging.getLogger(__name__)

_NOTE = "adopting"
_OWN, _RAW = "own pages", "raw names"
"""How far the adoption came: it begins when a state is new, and what a kill left undone the next run does."""

# How the ancestor's page of all files begins; another file of that name is not ours to remove.
_OLD_FULL_PAGE = b"<html><head><title>PyPI Mirror"


class Candidate(NamedTuple):
    """A file in the tree that may be the one that is wanted: open, and the folder it lies in."""

    folder: str
    file: BinaryIO


class Present:
    """What lies in the folders of one project, whatever their spelling, and what was in quarantine."""

    def __init__(
        self, run: Run, name: NormalizedName, raw_folders: list[str], wanted: Collection[File]
    ) -> None:
        self._store = run.mirror.store
        self._name = name
        self._source = run.options.source
        folders = [name, *raw_folders, aside_folder(name)] if wanted else []
        self._sizes = {folder: run.mirror.store.sizes(folder) for folder in folders}

    def has_any(self, filenames: Collection[str]) -> bool:
        """Tell whether anything in the project's own folder has one of these names, or lies beside such."""
        own = self._sizes.get(self._name, {})
        return any(name in own or f"{name}.metadata" in own for name in filenames)

    def has(self, file: File) -> bool:
        """Tell whether something of that name and size is there."""
        return next(self._folders(file), None) is not None

    def _folders(self, file: File) -> Iterator[str]:
        for folder, sizes in self._sizes.items():
            size = sizes.get(file.filename)
            if size is not None and file.size in (None, size):
                yield folder
        for folder in self._source.folders(self._name, file) if self._source else ():
            size = self._store.size(folder, file.filename)
            if size is not None and file.size in (None, size):
                yield folder

    def candidate(self, file: File) -> Candidate | None:
        """Return what may be `file`, by name and size."""
        for folder in self._folders(file):
            opened = self._store.open_existing(folder, file.filename)
            if opened is not None:
                return Candidate(folder, opened)
        return None


# -- our own pages ---------------------------------------------------------------------------


def is_adopting(mirror: Mirror) -> bool:
    """Tell whether what is in the tree is still being taken over."""
    return mirror.state.notes.get(_NOTE) is not None


def own_pages(run: Run) -> None:
    """When a state is new: hold what the tree's own pages list, as far as the files bear them out.

    So nothing that upstream no longer lists, or can't be asked about now, gets lost with a state.
    """
    if run.mirror.state.projects.is_empty() and not _is_bare(run.mirror):
        run.mirror.state.notes.set(_NOTE, _OWN)
    if run.mirror.state.notes.get(_NOTE) != _OWN:
        return
    pool: Readers[tuple[NormalizedName, HeldFile | None]] = Readers(suitable_readers())
    shown = _names_shown(run)
    for name in run.mirror.store.project_folders():
        page = _own_page(run, name)
        sizes = run.mirror.store.sizes(name)
        if page is None:
            continue
        files = [file for file in page.files if sizes.get(file.filename) == file.size]
        run.mirror.state.projects.record_page(name, shown.get(name, name), page.status, page.status_reason)
        run.pages.names.intend(name)
        for file in files:
            pool.submit(partial(_checked, run, name, file))
        while pool.unfinished > pool.size:
            _record(run, pool)
    while pool.unfinished:
        _record(run, pool)
    run.mirror.state.notes.set(_NOTE, _RAW)
    run.tree.commit()


def _is_bare(mirror: Mirror) -> bool:
    """Tell whether the tree has nothing that could be adopted, or has to be removed."""
    return not mirror.store.named_folders(".") and not {HTML, JSON, FULL} & mirror.store.sizes(".").keys()


def _own_page(run: Run, name: NormalizedName) -> ProjectPage | None:
    content = run.mirror.store.read(name, JSON)
    if content is None:
        return None
    try:
        return parse_project_page(content, JSON_TYPE, run.upstream.project_url(name), name)
    except BadPageError as error:
        _log.warning("%s: its own page can't be read (%s)", name, error.reason)
        return None


def _names_shown(run: Run) -> dict[NormalizedName, str]:
    """Return how the tree's own root page spells the names."""
    content = run.mirror.store.read(".", JSON)
    if content is None:
        return {}
    try:
        entries = list(parse_project_list([content], JSON_TYPE, run.upstream.index_url))
    except BadPageError:
        return {}
    return {names.normalize(entry.name): entry.name for entry in entries if names.is_valid(entry.name)}


def _checked(run: Run, name: NormalizedName, file: File) -> tuple[NormalizedName, HeldFile | None]:
    """Return the file as held, if its bytes are what our page says; in a worker."""
    if run.options.preview:  # a look has to be quick, and the size was right
        return name, HeldFile(file=file, sha256=dict(file.digests).get("sha256", ""), size=file.size or 0)
    content = run.mirror.store.open_existing(name, file.filename)
    if content is None:
        return name, None
    with content:
        found = download.verified(file, content)
    if found is None:
        return name, None
    text = run.mirror.store.read(name, f"{file.filename}.metadata") if file.core_metadata else None
    has_metadata = text is not None and download.is_offered(text, file)
    metadata = download.sha256(text) if text is not None and has_metadata else None
    return name, HeldFile(file=file, sha256=found.sha256, size=found.size, metadata=metadata)


def _record(run: Run, pool: Readers[tuple[NormalizedName, HeldFile | None]]) -> None:
    for name, held in pool.finished(1):
        if held is not None:
            run.mirror.state.files.record_held(name, [held])
            run.tally.counts.adopted += 1
    run.tree.commit()


# -- raw names -------------------------------------------------------------------------------


def raw_folders(run: Run) -> dict[NormalizedName, list[str]]:
    """Return the folders to take files from, while the adoption lasts."""
    if not is_adopting(run.mirror):
        return {}
    found = run.mirror.store.raw_folders()
    for name, folders in found.items():
        for folder in [f for f in folders if run.mirror.store.is_same(f, name)]:
            run.tree.rename_folder(folder, name)
            folders.remove(folder)
    return found


def remove_leftovers(run: Run, folders: dict[NormalizedName, list[str]]) -> None:
    """Remove the old tool's pages and digests, and its copies of what is now held elsewhere."""
    if not is_adopting(run.mirror):
        return
    for name, *_ in list(run.mirror.state.projects.listed()):
        held = run.mirror.state.files.held(name)
        for folder in [name, *folders.get(name, [])]:
            for filename in _leftovers(run.mirror.store.sizes(folder), held, is_raw=folder != name):
                run.tree.remove(folder, filename)
            if folder != name and not run.tree.remove_folder(folder):
                _log.warning("%s holds files that upstream does not list; they are left there", folder)
        run.pages.names.make(name)  # that a folder of this name was in the way of
    _remove_old_full_page(run)
    if not run.mirror.state.projects.stale():
        run.mirror.state.notes.set(_NOTE, None)


def _leftovers(sizes: dict[str, int], held: dict[str, HeldFile], *, is_raw: bool) -> Iterator[str]:
    """Yield what may go, the page before what it links to."""
    if is_raw and HTML in sizes:
        yield HTML
    for filename, size in sizes.items():
        is_copy = is_raw and filename in held and held[filename].size == size
        is_digest = filename.startswith(".") and filename.endswith(".md5") and filename[1:-4] in held
        if is_copy or is_digest:
            yield filename


def _remove_old_full_page(run: Run) -> None:
    content = run.mirror.store.read(".", FULL)
    if content is not None and content.startswith(_OLD_FULL_PAGE):
        run.tree.remove(".", FULL)
