"""What a run works with, and what it counts."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pypimirror.config import Config
from pypimirror.disk import FreeSpace
from pypimirror.errors import DiskFullError
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss
from pypimirror.selection import Selection
from pypimirror.state import Failure, State
from pypimirror.store import Store
from pypimirror.sync.preview import Change, Preview
from pypimirror.sync.source import Source
from pypimirror.upstream import Upstream
from pypimirror.workers import Crew

DAY_S = 86_400.0
_FIRST_PAUSE_S = 600.0
_WAITED_FOR_S = 120.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What a run did so far. Only the main thread changes it."""

    projects: int = 0
    """Projects that upstream was asked about, or will be."""
    projects_done: int = 0
    pages_read: int = 0
    """Projects whose page was new, or asked for unconditionally."""
    changed: int = 0
    files: int = 0
    """Files that have to come in."""
    stored: int = 0
    adopted: int = 0
    failed: int = 0
    unverified: int = 0
    """Files taken without a digest, and not told yet."""
    vanished_projects: int = 0
    vanished_files: int = 0
    """What left the pages by upstream's word: gone, or in quarantine; files of projects included."""
    deselected_projects: int = 0
    deselected_files: int = 0
    """What left the pages as the configuration no longer selects it; files of projects included."""
    removed: int = 0
    """Files that left the tree."""
    removed_bytes: int = 0
    stored_bytes: int = 0
    wanted_bytes: int = 0
    """Of the files that have to come in, as far as upstream tells their sizes."""
    done_bytes: int = 0
    """Of those that came in, adopted ones included."""


LONGEST_REASON = 1000
"""Characters of what the state keeps of a failure; an error may have an upstream's words in it."""


class InFlight(NamedTuple):
    """A file on its way in, for showing how far it came."""

    filename: str
    descriptor: int
    """Of the temporary file; its size tells."""
    size: int | None


Progress = Callable[[Counts, Sequence[InFlight]], None]
"""Called by the main thread a few times a second."""


class Refusal(NamedTuple):
    """Removals that were too many, and so were not done."""

    gone: Loss
    """With what was removed before, within the window."""
    held: Loss
    """When the window began."""
    window_hours: float
    names: tuple[str, ...]
    """The first of what would go: projects, and files as `project/filename`."""
    why: str
    """Which rule it breaks, as a clause."""


class Report(NamedTuple):
    """What a run ends with."""

    counts: Counts
    failures: tuple[Failure, ...]
    """Everything in the selection that failed, or still waits for its retry."""
    refusal: Refusal | None
    full: DiskFullError | None
    changes: tuple[Change, ...] = ()
    """What would become of projects, where the run was a dry one."""
    unasked: tuple[str, ...] = ()
    """Why projects were left as they were, without having failed."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: what it works with, and what it counted."""

    config: Config
    selection: Selection
    store: Store
    state: State
    upstream: Upstream
    crew: Crew[Any] | None
    """What makes requests beside the main thread; None in modes that make none."""
    progress: Progress
    clock: Callable[[], float]
    is_recheck: bool = False
    """Look at every page and every file, whatever the state says."""
    only: tuple[NormalizedName, ...] = ()
    """Limit the run to these of the selected projects."""
    source: Source | None = None
    """Another tool's tree, whose files need not be downloaded again."""
    preview: Preview | None = None
    """Where it is set, the run is a dry one: nothing is fetched, and store and state write nothing."""
    allows_removals: bool = False
    """Remove what upstream no longer has, however much it is."""
    started: float = 0.0
    synced_at: float = 0.0
    """When all that was stored was last known to be on the disk."""
    full: DiskFullError | None = None
    """Why nothing more could be stored."""
    counts: Counts = field(default_factory=Counts)
    unasked: dict[str, set[NormalizedName]] = field(default_factory=dict)
    """Projects that were left as they were, as a host was not asked any more: by what is said of it."""
    outside: list[Failure] = field(default_factory=list)
    """What other hosts than the index's failed to do, and was not told for a while."""
    told_links: set[tuple[NormalizedName, str]] = field(default_factory=set)
    """The links that this is about."""
    unfollowed: set[NormalizedName] = field(default_factory=set)
    """Projects whose links there was no time to follow, so that what vanished of them may be behind these."""
    changed: set[NormalizedName] = field(default_factory=set)
    """Projects whose pages changed, where they can do so twice."""
    unwritable: set[NormalizedName] = field(default_factory=set)
    """Projects whose pages could not be written in this run."""
    refusal: Refusal | None = None
    is_full_finished: bool = False
    """The page of all files links to no more than what was held when this run began."""
    may_link: bool = True
    """The file system was not yet seen to take no symbolic links."""

    def __post_init__(self) -> None:
        self.started = self.synced_at = self.clock()

    def report(self) -> Report:
        """Return what was done, and what is wrong with the mirror now."""
        failures = tuple(f for f in self.state.failures() if self.selection.selects(f.project))
        failures += tuple(self.outside)
        failures += tuple(self._held_back())
        changes = self.preview.changes(self.state, since=self.started) if self.preview else ()
        return Report(self.counts, failures, self.refusal, self.full, changes, self.why_unasked())

    def why_unasked(self) -> tuple[str, ...]:
        """Say why projects were left as they were, and how many."""
        return tuple(
            f"{reason}; {_projects(len(names))} not asked, and stay as they are until the next run"
            for reason, names in self.unasked.items()
        )

    def leave(self, project: NormalizedName, reason: str) -> None:
        """Note that a project was not asked for, or not to its end: it has not failed."""
        self.unasked.setdefault(reason, set()).add(project)

    def _held_back(self) -> Iterator[Failure]:
        """Yield the projects of which removals have been held back for a day."""
        for each in self.state.held_back():
            is_long_ago = not 0 <= self.clock() - each.since <= DAY_S
            if self.selection.selects(each.project) and is_long_ago:
                reason = f"what is no longer listed is kept, {each.reason}"
                yield each._replace(reason=reason)

    @property
    def space(self) -> FreeSpace:
        """What shall stay free on the mirror's disk."""
        return self.store.space

    def note_changed(self, name: NormalizedName) -> None:
        """Count a project whose pages changed; once, though files from elsewhere come after its others."""
        if self.config.external_links:
            if name in self.changed:
                return
            self.changed.add(name)
        self.counts.changed += 1

    def totals(self) -> Loss:
        """Return how many projects are on the root page now, and how many files are held."""
        return Loss(self.state.total("listed").number, self.state.total("held").number)

    def fail(self, project: NormalizedName, shown: str, reason: str, *, since: float | None = None) -> None:
        """Record that a project could not be brought up to date, in this run or `since` a moment."""
        reason = reason[:LONGEST_REASON]
        _log.error("%s: %s", project, reason)
        self.counts.failed += 1
        self.state.record_error(project, shown, reason, self.clock() if since is None else since)

    def stay_due(self, project: NormalizedName) -> None:
        """Record that a project is still to be brought up to date, without a pause."""
        row = self.state.project(project)
        if row is not None:
            self.state.record_try(project, row.failures, row.next_try or self.clock())

    def pause(self, project: NormalizedName, *, at_least: float = 0.0) -> None:
        """Record one more try that failed: the next run tries again, later ones with growing pauses.

        Upstream may ask for a pause of so many seconds at least; short ones were waited for in the run.
        """
        row = self.state.project(project)
        failures = (row.failures if row else 0) + 1
        pause = 0.0 if failures == 1 else min(_FIRST_PAUSE_S * 2 ** min(failures - 2, 30), DAY_S)
        if at_least > _WAITED_FOR_S:
            pause = min(max(pause, at_least), DAY_S)
        self.state.record_try(project, failures, self.clock() + pause)


def _projects(number: int) -> str:
    return "1 project was" if number == 1 else f"{number} projects were"
