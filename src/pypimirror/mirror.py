"""The mirror that a run works on, and the tally that its steps fill."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct, field

from pypimirror.config import Config
from pypimirror.errors import DiskFullError
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss
from pypimirror.selection import Selection
from pypimirror.state import State
from pypimirror.state.rows import TREE_NOTE, Failure
from pypimirror.store import Store
from pypimirror.store.opened import check_state

_log = logging.getLogger(__name__)

LONGEST_REASON = 1000
"""Characters of what the state keeps of a failure; an error may have an upstream's words in it."""


class Mirror(Struct, frozen=True, kw_only=True):
    """What is configured, and what is there."""

    config: Config
    selection: Selection
    store: Store
    state: State
    clock: Callable[[], float]

    def totals(self) -> Loss:
        """Return how many projects are on the root page now, and how many files are held."""
        return Loss(self.state.totals.of("listed").number, self.state.totals.of("held").number)


def open_state(config: Config, store: Store, *, is_dry: bool) -> State:
    """Open the state of a mirror's tree, or make one; raise StateError where that is another tree's."""
    if not is_dry:
        config.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = config.state_path
    check_state(path)
    is_new = not path.exists()
    state = State.open(path, is_dry=is_dry)
    tree = store.tree_id(is_state_new=is_new, state_id=state.notes.get(TREE_NOTE), state_path=path)
    state.notes.set(TREE_NOTE, tree)
    state.commit()
    return state


class Counts(Struct):
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
    unrequired_projects: int = 0
    unrequired_files: int = 0
    """Of these, what left with projects that nothing requires any more."""
    removed: int = 0
    """Files that left the tree."""
    removed_bytes: int = 0
    stored_bytes: int = 0
    wanted_bytes: int = 0
    """Of the files that have to come in, as far as upstream tells their sizes."""
    done_bytes: int = 0
    """Of those that came in, adopted ones included."""
    unsized: int = 0
    """Files that have to come in, of which upstream tells no size."""
    retries: int = 0
    """Requests that were made again."""
    pages: int = 0
    """Projects whose pages are due when all else is done, or by --indexes-only."""
    pages_done: int = 0

    @property
    def may_change_sizes(self) -> bool:
        """Whether another set of projects or files may be on the pages than before the run."""
        came = self.changed + self.stored + self.adopted
        went = self.vanished_projects + self.vanished_files + self.deselected_projects + self.deselected_files
        return came + went + self.removed + self.failed > 0


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
    is_configured: bool = False
    """It is the configuration that no longer selects it."""
    is_waiting: bool = False
    """It was asked in an earlier run, and this one is for some projects alone."""


class Tally(Struct):
    """What the steps of one run found out and did."""

    started: float
    counts: Counts = field(default_factory=Counts)
    full: DiskFullError | None = None
    """Why nothing more could be stored."""
    refusal: Refusal | None = None
    unknown: set[NormalizedName] = field(default_factory=set)
    """Projects that the configuration names and upstream does not have."""
    has_blocked: bool = False
    """Files leave at once, as they are blocked."""
    unblocking: frozenset[NormalizedName] = frozenset()
    """Projects of which something was blocked before what is blocked changed."""
    unblocked: list[str] = field(default_factory=list)
    """What was blocked, is listed, and no longer is: it may come again."""
    keeps_deselected: bool = False
    """What is no longer selected stays, as it is so much that it is asked about first."""
    unasked: dict[str, set[NormalizedName]] = field(default_factory=dict)
    """Projects that were left as they were, as a host was not asked any more: by what is said of it."""
    passing: list[Failure] = field(default_factory=list)
    """What is told of this run alone: the next one goes on with it."""
    wheels_left_out: int = 0
    """By `filename_matches`, on the pages that were read."""
    wheels_taken: int = 0
    unfollowed: set[NormalizedName] = field(default_factory=set)
    """Projects whose links there was no time to follow, so that what vanished of them may be behind these."""
    raw_folders: dict[NormalizedName, list[str]] = field(default_factory=dict)
    """Folders with names in other spellings, to take files from while an adoption lasts."""
    changed: set[NormalizedName] = field(default_factory=set)
    """Projects whose pages changed, where they can do so twice."""

    def leave(self, project: NormalizedName, reason: str) -> None:
        """Note that a project was left as it was: it has not failed, but was not asked for in full."""
        self.unasked.setdefault(reason, set()).add(project)

    def note_changed(self, name: NormalizedName, *, may_again: bool) -> None:
        """Count a project whose pages changed; once, though external files come after its others."""
        if name in self.changed:
            return
        if may_again:
            self.changed.add(name)
        self.counts.changed += 1

    def fail(
        self,
        mirror: Mirror,
        project: NormalizedName,
        display_name: str,
        reason: str,
        *,
        since: float | None = None,
    ) -> None:
        """Record that a project could not be brought up to date, in this run or `since` a moment."""
        reason = reason[:LONGEST_REASON]
        _log.error("%s: %s", project, reason)
        self.counts.failed += 1
        mirror.state.projects.record_error(
            project, display_name, reason, mirror.clock() if since is None else since
        )
