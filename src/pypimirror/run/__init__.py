"""What a run works with, and what it counts."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pypimirror.adopt import Source
from pypimirror.amounts import DAY_S, numbered
from pypimirror.dependencies import Dependencies
from pypimirror.dependencies.missing import Missing, missing
from pypimirror.errors import DiskFullError
from pypimirror.findings.unmatched import Unmatched, known
from pypimirror.mirror import Counts, Mirror, Refusal, Tally
from pypimirror.model import NormalizedName
from pypimirror.plan import Loss
from pypimirror.publishing import Pages, Tree
from pypimirror.run.external import ExternalLinks
from pypimirror.run.preview import Change, Preview
from pypimirror.state.choices import Omitted
from pypimirror.state.rows import Failure
from pypimirror.upstream import Upstream
from pypimirror.upstream.hosts import LONGEST_RETRY_AFTER_S
from pypimirror.workers import Workers

_FIRST_PAUSE_S = 600.0


class InFlight(NamedTuple):
    """A file on its way in, for showing how far it came."""

    filename: str
    path: str
    """Of the temporary file; its size tells."""
    size: int | None
    is_there: bool = False
    """Something in the tree may be it: that takes no more space."""


Progress = Callable[[Counts, Sequence[InFlight]], None]
"""Called by the main thread a few times a second."""


class Report(NamedTuple):
    """What a run ends with."""

    counts: Counts
    failures: tuple[Failure, ...]
    """Everything in the selection that failed, or still waits for its retry."""
    refusal: Refusal | None
    full: DiskFullError | None
    changes: tuple[Change, ...] = ()
    """What would become of projects, where the run was a dry one."""
    left_out: tuple[Omitted, ...] = ()
    """What rules leave out, where the run was a dry one."""
    unblocked: tuple[str, ...] = ()
    """What was blocked before, and may come again."""
    unmatched: Unmatched = Unmatched()
    """What the configuration names and upstream does not have."""
    missing: tuple[Missing, ...] = ()
    """What mirrored projects require and the mirror has not, where that was looked at."""
    untold: int = 0
    """Releases of which a dry run can't know what they require."""
    unasked: tuple[str, ...] = ()
    """Why projects were left as they were, without having failed."""


class Options(Struct, frozen=True, kw_only=True):
    """What the command line asks of this run."""

    is_recheck: bool = False
    """Look at every page and every file, whatever the state says."""
    only: tuple[NormalizedName, ...] = ()
    """Limit the run to these of the selected projects."""
    source: Source | None = None
    """Another tool's tree, whose files need not be downloaded again."""
    preview: Preview | None = None
    """Where it is set, the run is a dry one: nothing is fetched, and store and state write nothing."""
    allows_removals: bool = False
    """Remove what upstream dropped, or the configuration does, however much it is."""
    confirms: Callable[[Loss, Loss], bool] = lambda _gone, _held: False
    """Asks whoever sits there whether so much of what is held may go."""


class Run(Struct, frozen=True, kw_only=True):
    """One run: the mirror, what is asked of the run, and what it works with."""

    mirror: Mirror
    options: Options
    tally: Tally
    pages: Pages
    tree: Tree
    dependencies: Dependencies
    external: ExternalLinks
    upstream: Upstream
    workers: Workers | None
    """What makes requests beside the main thread; None in modes that make none."""
    progress: Progress

    def stay_due(self, project: NormalizedName) -> None:
        """Record that a project is still to be brought up to date, without a pause."""
        state = self.mirror.state
        row = state.projects.get(project)
        if row is not None:
            state.projects.record_try(project, row.failures, row.next_try or self.mirror.clock())

    def pause(self, project: NormalizedName, *, at_least: float = 0.0) -> None:
        """Record one more try that failed: the next run tries again, later ones with growing pauses.

        Upstream may ask for a pause of so many seconds at least; short ones were waited for in the run.
        """
        row = self.mirror.state.projects.get(project)
        failures = (row.failures if row else 0) + 1
        pause = 0.0 if failures == 1 else min(_FIRST_PAUSE_S * 2 ** min(failures - 2, 30), DAY_S)
        if at_least > LONGEST_RETRY_AFTER_S:
            pause = min(max(pause, at_least), DAY_S)
        self.mirror.state.projects.record_try(project, failures, self.mirror.clock() + pause)


def report(mirror: Mirror, tally: Tally, preview: Preview | None = None) -> Report:
    """Return what was done, and what is wrong with the mirror now."""
    failures = tuple(f for f in mirror.state.projects.failures() if mirror.selection.selects(f.project))
    failures += tuple(tally.passing)
    failures += tuple(_held_back(mirror))
    changes = preview.changes(mirror.state, since=tally.started) if preview else ()
    return Report(
        tally.counts,
        failures,
        tally.refusal,
        tally.full,
        changes,
        left_out=tuple(mirror.state.choices.left_out()) if preview else (),
        unblocked=tuple(tally.unblocked),
        unmatched=known(mirror),
        missing=missing(mirror.state)
        if mirror.config.dependencies or mirror.config.requirements.roots
        else (),
        untold=sum(map(len, preview.untold.values())) if preview else 0,
        unasked=why_unasked(tally),
    )


def why_unasked(tally: Tally) -> tuple[str, ...]:
    """Say why projects were left as they were, and how many."""
    return tuple(
        f"{reason}; {numbered(len(names), 'project was', 'projects were')} not asked, and"
        f" {'stays as it is' if len(names) == 1 else 'stay as they are'} until the next run"
        for reason, names in tally.unasked.items()
    )


def _held_back(mirror: Mirror) -> Iterator[Failure]:
    """Yield the projects of which removals have been held back for a day."""
    for each in mirror.state.revalidation.held_back():
        is_long_ago = not 0 <= mirror.clock() - each.since <= DAY_S
        if mirror.selection.selects(each.project) and is_long_ago:
            yield msgspec.structs.replace(each, reason=f"what is no longer listed is kept, {each.reason}")
