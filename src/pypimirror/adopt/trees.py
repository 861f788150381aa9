"""What another tool laid out: any tree of `<project>/<file>`, also with raw names.

Files get their place in the normalized folder when they are verified; where they were, they go after the
pages that link to them there are replaced.
"""

import logging
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pypimirror.adopt.own import NOTE, is_adopting
from pypimirror.mirror import Mirror
from pypimirror.model import File, HeldFile, NormalizedName
from pypimirror.publishing import Pages, Tree
from pypimirror.store import Store
from pypimirror.store.folders import aside_folder
from pypimirror.store.layout import FULL, HTML

_log = logging.getLogger(__name__)

_DEPTH = 12

# How the ancestor's page of all files begins; another file of that name is not ours to remove.
_OLD_FULL_PAGE = b"<html><head><title>PyPI Mirror"


class Source:
    """Another tool's tree, whose files need not be downloaded again (`--adopt`).

    It is a folder with files: in folders of projects, as upstream's addresses have them, or all in one.
    """

    def __init__(self, root: Path, store: Store) -> None:
        self._root = str(root)
        self._named = store.named_folders(self._root)

    def folders(self, name: NormalizedName, file: File) -> Iterator[str]:
        """Yield where a file of a project may lie; nothing is searched, as there may be millions of files."""
        for folder in self._named.get(name, ()):
            yield f"{self._root}/{folder}"
        # bandersnatch keeps the path that a file has upstream; a part of it may be in the folder's own name.
        parts = [unquote(part) for part in urlsplit(file.url).path.split("/")[1:-1]][-_DEPTH:]
        if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
            parts = []
        for start in range(len(parts) + 1):
            yield "/".join([self._root, *parts[start:]])


class Candidate(NamedTuple):
    """A file in the tree that may be the one that is wanted, and the folder it lies in."""

    folder: str
    path: str


class Present:
    """What lies in the folders of one project, whatever their spelling, and what was in quarantine."""

    def __init__(
        self,
        store: Store,
        source: Source | None,
        name: NormalizedName,
        raw_folders: list[str],
        wanted: Collection[File],
    ) -> None:
        self._store = store
        self._name = name
        self._source = source
        folders = [name, *raw_folders, aside_folder(name)] if wanted else []
        self._sizes = {folder: store.sizes(folder) for folder in folders}

    def has_any(self, filenames: Collection[str]) -> bool:
        """Tell whether anything in the project's own folder has one of these names, or lies beside such."""
        own = self._sizes.get(self._name, {})
        return any(name in own or f"{name}.metadata" in own for name in filenames)

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
        folder = next(self._folders(file), None)
        return None if folder is None else Candidate(folder, self._store.path(folder, file.filename))


def raw_folders(mirror: Mirror, tree: Tree) -> dict[NormalizedName, list[str]]:
    """Return the folders to take files from, while the adoption lasts."""
    if not is_adopting(mirror):
        return {}
    found = mirror.store.raw_folders()
    for name, folders in found.items():
        for folder in [f for f in folders if mirror.store.is_same(f, name)]:
            tree.rename_folder(folder, name)
            folders.remove(folder)
    return found


def remove_leftovers(
    mirror: Mirror, pages: Pages, tree: Tree, folders: dict[NormalizedName, list[str]]
) -> None:
    """Remove the old tool's pages and digests, and its copies of what is now held elsewhere."""
    if not is_adopting(mirror):
        return
    for name, *_ in list(mirror.state.projects.listed()):
        held = mirror.state.files.held(name)
        for folder in [name, *folders.get(name, [])]:
            for filename in _leftovers(mirror.store.sizes(folder), held, is_raw=folder != name):
                tree.remove(folder, filename)
            if folder != name and not tree.remove_folder(folder):
                _log.warning("%s holds files that upstream does not list; they are left there", folder)
        pages.names.make(name)  # that a folder of this name was in the way of
    content = mirror.store.read(".", FULL)
    if content is not None and content.startswith(_OLD_FULL_PAGE):
        tree.remove(".", FULL)
    if not mirror.state.projects.stale():
        mirror.state.notes.set(NOTE, None)


def _leftovers(sizes: dict[str, int], held: dict[str, HeldFile], *, is_raw: bool) -> Iterator[str]:
    """Yield what may go, the page before what it links to."""
    if is_raw and HTML in sizes:
        yield HTML
    for filename, size in sizes.items():
        is_copy = is_raw and filename in held and held[filename].size == size
        is_digest = filename.startswith(".") and filename.endswith(".md5") and filename[1:-4] in held
        if is_copy or is_digest:
            yield filename
