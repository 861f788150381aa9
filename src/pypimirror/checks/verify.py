"""`--verify`: the tree against the state, project by project, and what to do about the difference."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror.checks import compare, modes
from pypimirror.checks.compare import FoundFile
from pypimirror.errors import StateError
from pypimirror.mirror import Mirror
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.publishing import Pages, Tree, companions, status_page
from pypimirror.state import Kept, Stocked
from pypimirror.store import FULL, HTACCESS, HTML, JSON, METADATA, PRIVATE, PROVENANCE, SUFFIXES, size_of
from pypimirror.workers import Readers, suitable_readers

_log = logging.getLogger(__name__)

_NOTE = "verified up to"
_NOTE_EVERY_S = 1.0
_ROOT = NormalizedName("")


class Kind(StrEnum):
    """What can be found."""

    MISSING = "missing"
    DAMAGED = "damaged"
    PAGE = "page"
    """A page that is not what the state renders to."""
    UNREADABLE = "unreadable"
    """Nobody but its owner can read it, so that no web server can serve it."""
    REWRITTEN = "rewritten"
    """A page that a repair wrote."""
    FOREIGN = "foreign"
    """Nothing that the state knows of; it is never touched."""


class Finding(NamedTuple):
    """Something in the tree that is not as the state has it."""

    kind: Kind
    path: str
    """Relative to the mirror's folder."""


Tell = Callable[[Finding], None]


class Verified(NamedTuple):
    """What a look at the whole tree found."""

    projects: int
    files: int
    wrong: int
    """Everything but what is foreign."""
    foreign: int


class _Progress(msgspec.Struct):
    """How far a look came, so that one that reads every file goes on where it was interrupted."""

    name: NormalizedName
    verified: Verified


class _Open(msgspec.Struct):
    """A project that is being looked at, and what was found so far."""

    unread: int = 1
    """Files that are still read, and one for the look at the folder."""
    files: int = 0
    wrong: int = 0
    foreign: int = 0


class Verification:
    """One comparison of the tree with the state.

    With `is_repairing` what is wrong is recorded as lost or due, so that an update mends it. What was hashed
    before an interruption is not hashed again.
    """

    def __init__(  # noqa: PLR0913 (the mirror, who is told, and how to look)
        self,
        mirror: Mirror,
        pages: Pages,
        tree: Tree,
        *,
        tell: Tell,
        on_progress: Callable[[], None],
        is_hashing: bool,
        is_repairing: bool,
    ) -> None:
        self._mirror, self._pages, self._tree = mirror, pages, tree
        self._on_progress = on_progress
        self._tell = tell
        self._is_hashing = is_hashing
        self._is_repairing = is_repairing
        self._pool: Readers[FoundFile] = Readers(suitable_readers())
        self._open: dict[NormalizedName, _Open] = {}
        self._root = _Open()
        self._done = Verified(0, 0, 0, 0)
        self._noted_at = self._mirror.clock()
        self.to_mend: list[NormalizedName] = []

    def run(self) -> Verified:
        """Look at everything, and return what was found; `to_mend` has the projects to be mended then.

        Raises StateError where the state knows of nothing.
        """
        state = self._mirror.state
        if state.projects.is_empty():
            raise StateError(state.path, "knows of no project yet; --update-fetch adopts what is in the tree")
        # First, as the root page counts what is held, and that changes where something is lost.
        wrong = self._pages.wrong_at_root()
        self._at_projects()
        self._at_root(wrong)
        state.notes.set(_NOTE, None)
        self._tree.commit()
        return self._done

    @property
    def done(self) -> Verified:
        """What was looked at so far."""
        return self._done

    # -- projects ------------------------------------------------------------------------------

    def _at_projects(self) -> None:
        for project in self._mirror.state.inventory.projects(after=self._resumed()):
            self._open[project.name] = _Open()
            self._at_project(project)
            self._read(project.name)
            self._drain(2 * self._pool.size)
            self._on_progress()
        self._drain(0)

    def _resumed(self) -> str:
        noted = self._mirror.state.notes.hint(_NOTE, _Progress)
        if not self._is_hashing or noted is None:
            return ""
        self._done = noted.verified
        _log.info("goes on after %s", noted.name)
        return noted.name

    def _read(self, name: NormalizedName) -> None:
        """Count a part of a project as looked at; note how far the whole look came."""
        self._open[name].unread -= 1
        for first, found in list(self._open.items()):
            if found.unread:
                break
            del self._open[first]
            projects, files, wrong, foreign = self._done
            self._done = Verified(
                projects + 1, files + found.files, wrong + found.wrong, foreign + found.foreign
            )
            if self._is_hashing and self._mirror.clock() - self._noted_at > _NOTE_EVERY_S:
                noted = _Progress(first, self._done)
                self._mirror.state.notes.set(_NOTE, msgspec.json.encode(noted).decode())
                self._tree.commit()
                self._noted_at = self._mirror.clock()

    def _at_project(self, project: Stocked) -> None:
        name = project.name
        entries = self._mirror.store.entries(name)
        held = [file for file in project.files if file.is_held]
        self._open[name].files = len(held)
        # First, as the pages show what is held, and that changes where something is lost.
        if not self._pages.names.is_there(project.link):
            self._found(Kind.MISSING, _ROOT, str(project.link))
            if self._is_repairing:
                self._mirror.state.files.mark_pages_dirty(name)
        wrong = self._pages.wrong(project) if project.is_listed else []
        for page in wrong:
            self._found(Kind.PAGE, name, page)
        if wrong and self._is_repairing:
            self._mirror.state.files.mark_pages_dirty(name)
            self._mend(name)
        whole = [file for file in held if self._is_there(name, file, entries)]
        if self._is_hashing and whole:
            self._hash(name, whole)
        filenames = [file.filename for file in held]
        self._at_modes(name, modes.unreadable(self._mirror.store, name, filenames, entries))
        ours = {file.filename for file in project.files}
        others = entries.keys() - ours - ({HTML, JSON} if project.is_listed else set())
        for entry in sorted(others):
            if not (entry.endswith(SUFFIXES) and entry.rpartition(".")[0] in ours):
                self._found(Kind.FOREIGN, name, entry)

    def _at_modes(self, name: NormalizedName, entries: Iterable[str]) -> None:
        """Tell what nobody else can read; it can be mended at once."""
        found = list(entries)
        for entry in found:
            self._found(Kind.UNREADABLE, name, entry)
        if self._is_repairing:
            modes.mend(self._tree, name or ".", found)

    def _is_there(self, name: NormalizedName, file: Kept, entries: "Mapping[str, os.DirEntry[str]]") -> bool:
        """Tell whether a file is there by its size, with what lies beside it."""
        entry = entries.get(file.filename)
        if entry is None or size_of(entry) != file.size:
            self._lost(name, file.filename, Kind.DAMAGED if entry else Kind.MISSING)
            return False

        def lacks(suffix: str) -> bool:
            beside = entries.get(file.filename + suffix)
            return beside is None or size_of(beside) is None

        lacks_metadata = file.has_metadata and lacks(METADATA)
        lacks_provenance = file.has_provenance and lacks(PROVENANCE)
        if not (lacks_metadata or lacks_provenance):
            return True
        full = self._mirror.state.files.held(name)[file.filename]
        left = msgspec.structs.replace(
            full,
            metadata=None if lacks_metadata else full.metadata,
            provenance=None if lacks_provenance else full.provenance,
        )
        self._bare(name, full, left, Kind.MISSING)
        return False

    def _hash(self, name: NormalizedName, whole: list[Kept]) -> None:
        held = self._mirror.state.files.held(name)
        for file in whole:
            self._open[name].unread += 1
            self._pool.submit(partial(compare.by_bytes, self._mirror.store, name, held[file.filename]))
            self._drain(2 * self._pool.size)

    def _lost(self, name: NormalizedName, filename: str, kind: Kind) -> None:
        self._found(kind, name, filename)
        if self._is_repairing:
            self._mirror.state.files.record_lost(name, [filename], self._mirror.clock())
            self._mend(name)

    def _bare(self, name: NormalizedName, file: HeldFile, left: HeldFile, kind: Kind) -> None:
        if left.metadata != file.metadata:
            self._found(kind, name, file.file.filename + METADATA)
        if left.provenance != file.provenance:
            self._found(kind, name, file.file.filename + PROVENANCE)
        if self._is_repairing:
            companions.record_lost(self._mirror.state, name, left)
            self._mend(name)

    def _drain(self, left: int) -> None:
        """Take the results of files that were read, until no more than so many are missing."""
        while self._pool.unfinished > left:
            for found in self._pool.finished(0.2):
                if not found.is_whole:
                    self._lost(found.name, found.held.file.filename, Kind.DAMAGED)
                elif found.left != found.held:
                    self._bare(found.name, found.held, found.left, Kind.DAMAGED)
                self._read(found.name)
            self._on_progress()

    def _mend(self, name: NormalizedName) -> None:
        if not self.to_mend or self.to_mend[-1] != name:
            self.to_mend.append(name)

    # -- the root ------------------------------------------------------------------------------

    def _at_root(self, wrong: list[str]) -> None:
        for page in wrong:
            self._found(Kind.PAGE, _ROOT, page)
        if wrong and self._is_repairing:
            self._pages.mark_root_dirty()
        self._at_modes(_ROOT, modes.unreadable_at_root(self._mirror.store))
        ours = {HTML, JSON, PRIVATE, HTACCESS} | ({FULL} if self._pages.has_full() else set())
        ours |= status_page.ours(self._mirror)
        links, projects = self._mirror.state.projects.links(), set(self._mirror.state.projects.names())
        for entry in self._mirror.store.root_entries():
            if entry in ours or entry in projects:
                continue
            if entry not in links or self._mirror.store.link_target(entry) != links[entry]:
                self._found(Kind.FOREIGN, _ROOT, entry)
        self._done = self._done._replace(
            wrong=self._done.wrong + self._root.wrong, foreign=self._done.foreign + self._root.foreign
        )

    def _found(self, kind: Kind, name: NormalizedName, entry: str) -> None:
        counted = self._root if name == _ROOT else self._open[name]
        if kind is Kind.FOREIGN:
            counted.foreign += 1
        else:
            counted.wrong += 1
        path = entry if name == _ROOT else f"{name}/{entry}"
        _log.log(logging.INFO if kind is Kind.FOREIGN else logging.WARNING, "%s %s", kind.value, path)
        self._tell(Finding(kind, path))


def batches(found: list[NormalizedName], size: int = 1000) -> Iterator[tuple[NormalizedName, ...]]:
    """Yield the projects to mend in parts of a bounded size, each project once."""
    unique = sorted(set(found))
    yield from (tuple(unique[start : start + size]) for start in range(0, len(unique), size))
