"""Taking over a tree that another tool laid out as `<project>/<file>`, also with names in raw spelling.

Files get their place in the normalized folder when they are verified; where they were, they go only after
the pages that link to them there are replaced.
"""

import logging
from typing import BinaryIO, NamedTuple

from pypimirror.model import File, NormalizedName
from pypimirror.store import FULL, HTML
from pypimirror.sync.run import Run

_log = logging.getLogger(__name__)

_NOTE = "adopting"

# How the ancestor's page of all files begins; another file of that name is not ours to remove.
_OLD_FULL_PAGE = b"<html><head><title>PyPI Mirror"


class Candidate(NamedTuple):
    """A file in the tree that may be the one that is wanted: open, and the folder it lies in."""

    folder: str
    file: BinaryIO


class Present:
    """What lies in the folders of one project, whatever their spelling."""

    def __init__(self, run: Run, name: NormalizedName, raw_folders: list[str]) -> None:
        self._store = run.store
        self._sizes = {folder: run.store.sizes(folder) for folder in [name, *raw_folders]}

    def candidate(self, file: File) -> Candidate | None:
        """Return what may be `file`, by name and size."""
        for folder, sizes in self._sizes.items():
            size = sizes.get(file.filename)
            if size is None or (file.size is not None and file.size != size):
                continue
            opened = self._store.open_existing(folder, file.filename)
            if opened is not None:
                return Candidate(folder, opened)
        return None


def raw_folders(run: Run) -> dict[NormalizedName, list[str]]:
    """Return the folders to take files from; looked for once, when a state is new."""
    if run.state.is_empty():
        run.state.set_note(_NOTE, "yes")
    if run.state.note(_NOTE) is None:
        return {}
    found = run.store.raw_folders()
    for name, folders in found.items():
        for folder in [f for f in folders if run.store.is_same(f, name)]:
            run.store.rename_folder(folder, name)
            folders.remove(folder)
    return found


def remove_leftovers(run: Run, folders: dict[NormalizedName, list[str]]) -> None:
    """Remove the old tool's pages and digests, and its copies of what is now held elsewhere."""
    if run.state.note(_NOTE) is None:
        return
    for name, _ in list(run.state.listed()):
        held = run.state.held(name)
        for folder in [name, *folders.get(name, [])]:
            for filename, size in run.store.sizes(folder).items():
                is_copy = folder != name and filename in held and held[filename].size == size
                is_page = folder != name and filename == HTML
                is_digest = filename.startswith(".") and filename[1:].removesuffix(".md5") in held
                if is_copy or is_page or is_digest:
                    run.store.remove(folder, filename)
            if folder != name and not run.store.remove_folder(folder):
                _log.warning("%s holds files that upstream does not list; they are left there", folder)
    _remove_old_full_page(run)
    if not run.state.unsettled():
        run.state.set_note(_NOTE, None)


def _remove_old_full_page(run: Run) -> None:
    page = run.store.open_existing(".", FULL)
    if page is None:
        return
    with page:
        is_old = page.read(len(_OLD_FULL_PAGE)) == _OLD_FULL_PAGE
    if is_old:
        run.store.remove("", FULL)
