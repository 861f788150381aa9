"""What one who watched a run wants to know when it has ended, as rows of a table. Pure."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pypimirror.amounts import duration_text, numbered, size_text
from pypimirror.mirror import Counts
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome, left_pages
from pypimirror.report.words import moment_ahead


class Waiting(NamedTuple):
    """Projects that failed and are not tried now: the first names, their number, when the first is tried."""

    names: tuple[str, ...]
    number: int
    first: float
    """POSIX seconds."""


class Figures(NamedTuple):
    """What a run did, beside how it ended."""

    counts: Counts
    began: float
    ended: float
    """POSIX seconds."""
    requests: int
    waiting: Waiting | None
    remarks: tuple[str, ...]
    """What is no trouble."""


def rows(outcome: Outcome, figures: Figures, log: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what came, what left, what fails and what to do, and what it took: labels, and their lines."""
    counts = figures.counts
    yield "came", (_came(counts),)
    left = tuple(f"{each.number}: {each.why.removeprefix('they are ')}" for each in left_pages(counts))
    if left:
        yield "left the pages", left
    if counts.removed:
        removed = f"{numbered(counts.removed, 'file')} ({size_text(counts.removed_bytes)})"
        yield "left the disk", (removed,)
    if outcome.details:
        label = "held back" if outcome.status is Status.TOO_MUCH_GONE else "fails"
        yield label, outcome.first_details
    if figures.waiting:
        yield "waits", (waiting_text(figures.waiting, figures.ended),)
    if outcome.status is not Status.OK:
        to_do = _TO_DO.get(outcome.status, "See what it says above.")
        yield "what to do", (to_do, f"The log has the details: {log}")
    yield "took", (_took(figures),)


def waiting_text(waiting: Waiting, now: float) -> str:
    """Say what is not tried now, and when it will be."""
    moment = moment_ahead(waiting.first, now)
    if waiting.number == 1:
        (name,) = waiting.names
        return f"{name} waits for its next try at {moment}; --project {name} tries it now"
    more = f" and {waiting.number - len(waiting.names):,} more" if waiting.number > len(waiting.names) else ""
    return (
        f"{waiting.number:,} projects wait for their next try, the first at {moment}"
        f" ({', '.join(waiting.names)}{more}); --project NAME tries one now"
    )


def _came(counts: Counts) -> str:
    files = numbered(counts.stored, "file")
    size = f" ({size_text(counts.stored_bytes)})" if counts.stored else ""
    adopted = f", {counts.adopted:,} more from what was there" if counts.adopted else ""
    changed = f"; {numbered(counts.changed, 'project')} changed" if counts.changed else ""
    return f"{files}{size}{adopted}{changed}" if counts.stored or counts.adopted or changed else "nothing new"


_TO_DO = {
    Status.FAILURES: "Nothing, if it passes: what failed keeps its last good state, and the next run tries"
    " again. --project NAME tries one now.",
    Status.NO_UPSTREAM: "See that index_url is right, and that this machine reaches it; the next run tries"
    " again.",
    Status.FULL: "Make room, or set a lower min_free_space; the next run goes on.",
    Status.TOO_MUCH_GONE: "If that is right, run once with --allow-removals.",
}


def _took(figures: Figures) -> str:
    duration = duration_text(math.ceil(max(0.0, figures.ended - figures.began)))
    retries = f", {figures.counts.retries:,} of them retries" if figures.counts.retries else ""
    return f"{duration}, {numbered(figures.requests, 'request')}{retries}"
