"""`--verify`: the tree against the state, project by project, and what to do about the difference."""

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror.errors import StateError
from pypimirror.model import HeldFile, NormalizedName
from pypimirror.state import Kept, Stocked
from pypimirror.store import FULL, HTACCESS, HTML, JSON, PRIVATE, size_of
from pypimirror.sync import companions, publish, recover
from pypimirror.sync.run import Run
from pypimirror.workers import Pool, suitable_readers

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


def verify(
    run: Run, tell: Tell, *, is_hashing: bool, is_repairing: bool
) -> tuple[Verified, list[NormalizedName]]:
    """Compare the tree with the state; return what was found, and the projects to be mended.

    With `is_repairing` what is wrong is recorded as lost or due, so that an update mends it. What was hashed
    before an interruption is not hashed again. Raises StateError where the state knows of nothing.
    """
    if run.state.is_empty():
        raise StateError(run.state.path, "knows of no project yet; --update-fetch adopts what is in the tree")
    look = _Look(run, tell, is_hashing=is_hashing, is_repairing=is_repairing)
    look.at_projects()
    look.at_root()
    run.state.set_note(_NOTE, None)
    run.state.commit()
    return look.verified(), look.to_mend


class _Open(msgspec.Struct):
    """A project that is being looked at, and what was found so far."""

    unread: int = 1
    """Files that are still read, and one for the look at the folder."""
    files: int = 0
    wrong: int = 0
    foreign: int = 0


class _Look:
    def __init__(self, run: Run, tell: Tell, *, is_hashing: bool, is_repairing: bool) -> None:
        self._run = run
        self._tell = tell
        self._is_hashing = is_hashing
        self._is_repairing = is_repairing
        self._pool: Pool[recover.Look] = Pool(suitable_readers())
        self._open: dict[NormalizedName, _Open] = {}
        self._root = _Open()
        self._done = Verified(0, 0, 0, 0)
        self._noted_at = run.clock()
        self._fingerprint = publish.fingerprint(run.config)
        self.to_mend: list[NormalizedName] = []

    def verified(self) -> Verified:
        return self._done

    # -- projects ------------------------------------------------------------------------------

    def at_projects(self) -> None:
        for project in self._run.state.inventory(after=self._resumed()):
            self._open[project.name] = _Open()
            self._at_project(project)
            self._read(project.name)
            self._drain(2 * self._pool.size)
        self._drain(0)

    def _resumed(self) -> str:
        noted = self._run.state.hint(_NOTE, _Progress)
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
            if self._is_hashing and self._run.clock() - self._noted_at > _NOTE_EVERY_S:
                noted = _Progress(first, self._done)
                self._run.state.set_note(_NOTE, msgspec.json.encode(noted).decode())
                self._run.state.commit()
                self._noted_at = self._run.clock()

    def _at_project(self, project: Stocked) -> None:
        run, name = self._run, project.name
        entries = run.store.entries(name)
        held = [file for file in project.files if file.is_held]
        self._open[name].files = len(held)
        # First, as the pages show what is held, and that changes where something is lost.
        if not publish.is_linked(run, project.link):
            self._found(Kind.MISSING, _ROOT, str(project.link))
            if self._is_repairing:
                run.state.record_pages_unsure(name)
        wrong = publish.wrong_pages(run, project, self._fingerprint) if project.is_listed else []
        for page in wrong:
            self._found(Kind.PAGE, name, page)
        if wrong and self._is_repairing:
            run.state.record_pages_unsure(name)
            self._mend(name)
        whole = [file for file in held if self._is_there(name, file, entries)]
        if self._is_hashing and whole:
            self._hash(name, whole)
        ours = {file.filename for file in project.files}
        others = entries.keys() - ours - ({HTML, JSON} if project.is_listed else set())
        for entry in sorted(others):
            if not (entry.endswith(companions.SUFFIXES) and entry.rpartition(".")[0] in ours):
                self._found(Kind.FOREIGN, name, entry)

    def _is_there(self, name: NormalizedName, file: Kept, entries: "Mapping[str, os.DirEntry[str]]") -> bool:
        """Tell whether a file is there by its size, with what lies beside it."""
        entry = entries.get(file.filename)
        if entry is None or size_of(entry) != file.size:
            self._lost(name, file.filename, Kind.DAMAGED if entry else Kind.MISSING)
            return False

        def lacks(suffix: str) -> bool:
            beside = entries.get(file.filename + suffix)
            return beside is None or size_of(beside) is None

        lacks_metadata = file.has_metadata and lacks(companions.METADATA)
        lacks_provenance = file.has_provenance and lacks(companions.PROVENANCE)
        if not (lacks_metadata or lacks_provenance):
            return True
        full = self._run.state.held(name)[file.filename]
        left = msgspec.structs.replace(
            full,
            metadata=None if lacks_metadata else full.metadata,
            provenance=None if lacks_provenance else full.provenance,
        )
        self._bare(name, full, left, Kind.MISSING)
        return False

    def _hash(self, name: NormalizedName, whole: list[Kept]) -> None:
        held = self._run.state.held(name)
        for file in whole:
            self._open[name].unread += 1
            self._pool.submit(partial(recover.look, self._run.store, name, held[file.filename]))
            self._drain(2 * self._pool.size)

    def _lost(self, name: NormalizedName, filename: str, kind: Kind) -> None:
        self._found(kind, name, filename)
        if self._is_repairing:
            self._run.state.record_lost(name, [filename], self._run.clock())
            self._mend(name)

    def _bare(self, name: NormalizedName, file: HeldFile, left: HeldFile, kind: Kind) -> None:
        if left.metadata != file.metadata:
            self._found(kind, name, file.file.filename + companions.METADATA)
        if left.provenance != file.provenance:
            self._found(kind, name, file.file.filename + companions.PROVENANCE)
        if self._is_repairing:
            companions.record_lost(self._run, name, left)
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
            self._run.progress(self._run.counts, ())

    def _mend(self, name: NormalizedName) -> None:
        if not self.to_mend or self.to_mend[-1] != name:
            self.to_mend.append(name)

    # -- the root ------------------------------------------------------------------------------

    def at_root(self) -> None:
        run = self._run
        wrong = publish.wrong_root_pages(run)
        for page in wrong:
            self._found(Kind.PAGE, _ROOT, page)
        if wrong and self._is_repairing:
            publish.root_is_due(run)
        ours = {HTML, JSON, PRIVATE, HTACCESS} | ({FULL} if publish.has_full(run) else set())
        links, projects = run.state.links(), set(run.state.names())
        for entry in run.store.root_entries():
            if entry in ours or entry in projects:
                continue
            if entry not in links or run.store.link_target(entry) != links[entry]:
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
