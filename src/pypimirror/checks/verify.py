"""`--verify`: the tree against the state, project by project, and what to do about the difference."""

import logging
import operator
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror.checks import compare
from pypimirror.checks.compare import Finding, FoundFile, Kind
from pypimirror.errors import StateError
from pypimirror.mirror import Mirror
from pypimirror.model import NormalizedName
from pypimirror.publishing import Pages, Tree, status_page
from pypimirror.state.inventory import Stocked
from pypimirror.store.layout import FULL, HTACCESS, HTML, JSON, PRIVATE, SUFFIXES
from pypimirror.workers import Readers, suitable_readers

_log = logging.getLogger(__name__)

_NOTE = "verified up to"
_NOTE_EVERY_S = 1.0
_ROOT = NormalizedName("")

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
    seen: Verified = Verified(1, 0, 0, 0)


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
        self._at_the_root = Verified(0, 0, 0, 0)
        self.done = Verified(0, 0, 0, 0)
        """What was looked at so far."""
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
        return self.done

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
        self.done = noted.verified
        _log.info("goes on after %s", noted.name)
        return noted.name

    def _read(self, name: NormalizedName) -> None:
        """Count a part of a project as looked at; note how far the whole look came."""
        self._open[name].unread -= 1
        for first, found in list(self._open.items()):
            if found.unread:
                break
            del self._open[first]
            self.done = _sum(self.done, found.seen)
            if self._is_hashing and self._mirror.clock() - self._noted_at > _NOTE_EVERY_S:
                self._mirror.state.notes.keep(_NOTE, _Progress(first, self.done))
                self._tree.commit()
                self._noted_at = self._mirror.clock()

    def _at_project(self, project: Stocked) -> None:
        name, held = project.name, project.held
        entries = self._mirror.store.entries(name)
        self._count(name, Verified(0, len(held), 0, 0))
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
        for file in held:
            found = compare.by_size(file, entries)
            if found.wrong:
                self._take(found)
            elif self._is_hashing:
                self._open[name].unread += 1
                self._pool.submit(partial(compare.by_bytes, self._mirror.store, file))
                self._drain(2 * self._pool.size)
        self._at_modes(name, compare.unreadable(self._mirror.store, name, held, entries))
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
            self._tree.make_readable(name or ".", found)

    def _take(self, found: FoundFile) -> None:
        """Tell what is wrong with a file, and record it where that is asked for."""
        name, filename, *_ = found.file
        for suffix, kind in found.wrong.items():
            self._found(kind, name, filename + suffix)
        if found.wrong and self._is_repairing:
            compare.repair(self._mirror, found)
            self._mend(name)

    def _drain(self, left: int) -> None:
        """Take the results of files that were read, until no more than so many are missing."""
        while self._pool.unfinished > left:
            for found in self._pool.finished(0.2):
                self._take(found)
                self._read(found.file.project)
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
        self._at_modes(_ROOT, compare.unreadable_at_root(self._mirror.store))
        ours = {HTML, JSON, PRIVATE, HTACCESS} | ({FULL} if self._pages.has_full() else set())
        ours |= status_page.ours(self._mirror)
        links, projects = self._mirror.state.projects.links(), set(self._mirror.state.projects.names())
        for entry in self._mirror.store.root_entries():
            if entry in ours or entry in projects:
                continue
            if entry not in links or self._mirror.store.link_target(entry) != links[entry]:
                self._found(Kind.FOREIGN, _ROOT, entry)
        self.done = _sum(self.done, self._at_the_root)

    def _found(self, kind: Kind, name: NormalizedName, entry: str) -> None:
        self._count(name, Verified(0, 0, 0, 1) if kind is Kind.FOREIGN else Verified(0, 0, 1, 0))
        path = entry if name == _ROOT else f"{name}/{entry}"
        _log.log(logging.INFO if kind is Kind.FOREIGN else logging.WARNING, "%s %s", kind.value, path)
        self._tell(Finding(kind, path))

    def _count(self, name: NormalizedName, more: Verified) -> None:
        if name == _ROOT:
            self._at_the_root = _sum(self._at_the_root, more)
        else:
            self._open[name].seen = _sum(self._open[name].seen, more)


def _sum(one: Verified, other: Verified) -> Verified:
    return Verified(*map(operator.add, one, other))


def batches(found: list[NormalizedName], size: int = 1000) -> Iterator[tuple[NormalizedName, ...]]:
    """Yield the projects to mend in parts of a bounded size, each project once."""
    unique = sorted(set(found))
    yield from (tuple(unique[start : start + size]) for start in range(0, len(unique), size))
