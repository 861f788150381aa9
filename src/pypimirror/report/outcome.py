"""How a run ended, in words: and whether that is news, as the same trouble is told once a day at most."""

import hashlib
from typing import NamedTuple

from pypimirror.dependencies import Missing
from pypimirror.errors import UpstreamError
from pypimirror.report.exit_status import Status
from pypimirror.report.words import failure_text, size_text
from pypimirror.state import Omitted, State
from pypimirror.sync import Change, Refusal, Report, Verified

_TOLD_NOTE = "told"
_DAY_S = 86_400


class Outcome(NamedTuple):
    """How a run ended: in one line, in the lines that name the trouble, and as a key to know it again by."""

    status: Status
    line: str
    details: tuple[str, ...] = ()
    key: str = ""
    changes: tuple[Change, ...] = ()
    """What a dry run found."""
    left_out: tuple[Omitted, ...] = ()
    """What rules leave out, of a dry run."""
    missing: tuple[Missing, ...] = ()
    """What mirrored projects require and the mirror has not."""
    untold: int = 0
    """Releases of which a dry run can't know what they require."""
    is_news: bool = False
    """Whether cron's mailbox shall have it."""
    headline: str = ""
    """The line without what a table below it tells; empty where the line is short."""


def of_report(report: Report) -> Outcome:
    """Sum up a run that came to its end."""
    return _of_report(report)._replace(
        changes=report.changes, left_out=report.left_out, missing=report.missing, untold=report.untold
    )


def _of_report(report: Report) -> Outcome:
    if report.full is not None:
        told = tuple(failure_text(failure) for failure in report.failures)
        return Outcome(Status.FULL, f"stopped: {report.full}; what is there is whole", told, key="full")
    if report.refusal is not None:
        return _of_refusal(report, report.refusal)
    counts, failures = report.counts, report.failures
    asked = "1 project" if counts.projects == 1 else f"{counts.projects} projects"
    done = f"{asked} asked about, {counts.changed} changed; {_files(report)}"
    if report.unasked:
        line = f"{'; '.join(report.unasked)} ({done})"
        told = tuple(failure_text(f) for f in failures)
        headline = "; ".join(report.unasked)
        return Outcome(Status.FAILURES, line, told, key="unasked", headline=headline)
    if not failures:
        return Outcome(Status.OK, f"up to date: {done}", headline=f"up to date: {asked} asked about")
    projects = len({failure.project for failure in failures})
    headline = (
        f"{'1 project is' if projects == 1 else f'{projects} projects are'} not up to date, all others are"
    )
    line = f"{headline} ({done}); what failed keeps its last good state and is tried again"
    key = hashlib.sha256(repr([failure[:2] for failure in failures]).encode()).hexdigest()
    told = tuple(failure_text(f) for f in failures)
    return Outcome(Status.FAILURES, line, told, key, headline=headline)


def _of_refusal(report: Report, refusal: Refusal) -> Outcome:
    if refusal.is_configured:
        return _of_deselection(report, refusal)
    gone, held, hours = refusal[:3]
    within = f" (within {hours:g} hours)" if hours else ""
    line = (
        f"upstream no longer has {gone.projects} of {held.projects} projects and {gone.files} of {held.files}"
        f" files{within}; {refusal.why}, so nothing was removed, and all else was done."
        " If it is right, run once with --allow-removals"
    )
    names = tuple(f"would go: {name}" for name in refusal.names)
    failures = tuple(failure_text(f) for f in report.failures)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failures), key=repr(gone))


def _of_deselection(report: Report, refusal: Refusal) -> Outcome:
    gone, held = refusal.gone, refusal.held
    line = (
        f"the configuration no longer selects {gone.projects} of {held.projects} projects and {gone.files} of"
        f" {held.files} files; {refusal.why}, so all of them stay, and all else was done."
        " If it is right, run once with --allow-removals; if not, mend the configuration"
    )
    names = tuple(f"would go: {name}" for name in refusal.names)
    failures = tuple(failure_text(f) for f in report.failures)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failures), key=f"deselected {gone!r}")


def of_upstream_error(error: UpstreamError) -> Outcome:
    """Sum up a run that could not trust what upstream said, if it said anything."""
    line = f"upstream could not be had or trusted, and nothing was changed: {error}"
    return Outcome(Status.NO_UPSTREAM, line, key=type(error).__name__)


def of_verified(verified: Verified, report: Report, *, is_repaired: bool) -> Outcome:
    """Sum up a look at the whole tree."""
    line = (
        f"verified {verified.files} files of {verified.projects} projects: {verified.wrong} wrong,"
        f" {verified.foreign} foreign"
    )
    if is_repaired and verified.wrong:
        line += f"; {report.counts.stored} files fetched again"
        mended = _of_report(report)
        return mended._replace(line=line if mended.status is Status.OK else f"{line}; {mended.line}")
    if not verified.wrong:
        return Outcome(Status.OK, line)
    return Outcome(Status.FAILURES, f"{line}; --verify --repair mends it", key=repr(verified))


def is_news(outcome: Outcome, state: State, now: float) -> bool:
    """Tell whether trouble is new, or a day has passed since the last word of it; and remember that."""
    if outcome.status is Status.OK:
        state.notes.set(_TOLD_NOTE, None)
        return False
    key = f"{int(outcome.status)} {outcome.key}"
    told_key, _, told_at = (state.notes.get(_TOLD_NOTE) or "").rpartition(" ")
    if told_key == key and told_at.isdecimal() and 0 <= now - int(told_at) < _DAY_S:
        return False
    state.notes.set(_TOLD_NOTE, f"{key} {int(now)}")
    return True


def _files(report: Report) -> str:
    counts = report.counts
    adopted = f", {counts.adopted} adopted" if counts.adopted else ""
    removed = f", {counts.removed} removed ({size_text(counts.removed_bytes)})" if counts.removed else ""
    left = _left(counts.vanished_projects, counts.vanished_files, "upstream no longer has them")
    left += _left(counts.deselected_projects, counts.deselected_files, "they are no longer selected")
    return f"{counts.stored} files stored ({size_text(counts.stored_bytes)}){adopted}{removed}{left}"


def _left(projects: int, files: int, why: str) -> str:
    """Say what left the pages, if anything did."""
    parts = [
        f"{number} {noun if number == 1 else noun + 's'}"
        for number, noun in ((projects, "project"), (files, "file"))
        if number
    ]
    return f"; {' and '.join(parts)} left the pages, as {why}" if parts else ""
