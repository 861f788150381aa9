"""What a run works with, and what it counts."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pypimirror.config import Config
from pypimirror.model import NormalizedName
from pypimirror.selection import Selection
from pypimirror.state import Failure, State
from pypimirror.store import Store
from pypimirror.upstream import Upstream

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
    stored_bytes: int = 0
    wanted_bytes: int = 0
    """Of the files that have to come in, as far as upstream tells their sizes."""
    done_bytes: int = 0
    """Of those that came in, adopted ones included."""


class InFlight(NamedTuple):
    """A file on its way in, for showing how far it came."""

    filename: str
    descriptor: int
    """Of the temporary file; its size tells."""
    size: int | None


Progress = Callable[[Counts, Sequence[InFlight]], None]
"""Called by the main thread a few times a second."""


class Report(NamedTuple):
    """What a run ends with."""

    counts: Counts
    failures: tuple[Failure, ...]
    """Everything in the selection that failed, or still waits for its retry."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: what it works with, and what it counted."""

    config: Config
    selection: Selection
    store: Store
    state: State
    upstream: Upstream
    progress: Progress
    clock: Callable[[], float]
    is_recheck: bool = False
    """Look at every page and every file, whatever the state says."""
    only: tuple[NormalizedName, ...] = ()
    """Limit the run to these of the selected projects."""
    counts: Counts = field(default_factory=Counts)

    def report(self) -> Report:
        """Return what was done, and what is wrong with the mirror now."""
        failures = tuple(f for f in self.state.failures() if self.selection.selects(f.project))
        return Report(self.counts, failures)

    def fail(self, project: NormalizedName, shown: str, reason: str) -> None:
        """Record that a project could not be brought up to date."""
        _log.error("%s: %s", project, reason)
        self.counts.failed += 1
        self.state.record_error(project, shown, reason, self.clock())
