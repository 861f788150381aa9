"""How a run ended, in words, and as a key to know the same trouble by."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from pypimirror.amounts import numbered, size_text
from pypimirror.dependencies.missing import Missing
from pypimirror.errors import UpstreamError
from pypimirror.plan import Loss
from pypimirror.report.exit_status import Status
from pypimirror.report.words import failure_text
from pypimirror.state import Omitted
from pypimirror.sync import Change, Refusal, Report, Verified

_MISSING = 3
"""Projects that are named in a line."""


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
    remarks: tuple[str, ...] = ()
    """What is no trouble, for somebody at a terminal."""
    is_over: bool = False
    """Whether trouble that was told is over."""


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
    done = f"{asked} asked about, {counts.changed} changed; {_files(report)}{_missing(report.missing)}"
    if report.unasked:
        line = f"{'; '.join(report.unasked)} ({done})"
        told = tuple(failure_text(f) for f in failures)
        headline = "; ".join(report.unasked)
        return Outcome(Status.FAILURES, line, told, key="unasked", headline=headline)
    if not failures:
        return _of_selection(report, asked, done)
    projects = len({failure.project for failure in failures})
    headline = (
        f"{'1 project is' if projects == 1 else f'{projects} projects are'} not up to date, all others are"
    )
    line = f"{headline} ({done}); what failed keeps its last good state and is tried again"
    key = hashlib.sha256(repr([failure[:2] for failure in failures]).encode()).hexdigest()
    told = (*(failure_text(f) for f in failures), *report.unmatched.lines())
    return Outcome(Status.FAILURES, line, told, key, headline=headline)


def _of_selection(report: Report, asked: str, done: str) -> Outcome:
    """Sum up a run in which nothing failed: all is well, or the configuration leads to nothing somewhere."""
    unmatched = report.unmatched
    unblocked = tuple(f"no longer blocked, and may come again: {each}" for each in report.unblocked)
    remarks = (*unblocked, *unmatched.remarks())
    told = (*unmatched.failures(), *remarks)
    key = hashlib.sha256(repr(told).encode()).hexdigest()
    if unmatched.failures():
        headline = "up to date, but for what the configuration asks for and upstream does not have"
        return Outcome(Status.FAILURES, f"{headline} ({done})", told, key, headline=headline)
    headline = f"up to date: {asked} asked about"
    if remarks:
        but = "patterns match nothing" if unmatched.remarks() else "what was blocked is no longer blocked"
        line = f"up to date: {done}; but {but}"
        return Outcome(Status.OK, line, remarks, key, headline=headline)
    return Outcome(Status.OK, f"up to date: {done}", headline=headline)


def _of_refusal(report: Report, refusal: Refusal) -> Outcome:
    if refusal.is_configured:
        return _of_deselection(report, refusal)
    gone, held, hours = refusal[:3]
    within = f" (within {hours:g} hours)" if hours else ""
    line = (
        f"upstream no longer has {_share(gone, held)}{within};"
        f" {refusal.why}, so nothing was removed, and all else was done."
        " If it is right, run once with --allow-removals"
    )
    names = tuple(f"would go: {name}" for name in refusal.names)
    failures = tuple(failure_text(f) for f in report.failures)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failures), key=repr(gone))


def _of_deselection(report: Report, refusal: Refusal) -> Outcome:
    gone, held = refusal.gone, refusal.held
    whole = " and without --project" if refusal.is_waiting else ""
    line = (
        f"the configuration no longer selects {_share(gone, held)};"
        f" {refusal.why}, so all of them stay, and all else was done."
        f" If it is right, run once with --allow-removals{whole}; if not, mend the configuration"
    )
    names = tuple(f"would go: {name}" for name in refusal.names)
    failures = tuple(failure_text(f) for f in report.failures)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failures), key=f"deselected {gone!r}")


def of_upstream_error(error: UpstreamError) -> Outcome:
    """Sum up a run that could not trust what upstream said, if it said anything."""
    line = f"upstream could not be had or trusted, and nothing was changed: {error}"
    return Outcome(Status.NO_UPSTREAM, line, key=type(error).__name__)


def of_verified(verified: Verified, report: Report, *, is_repaired: bool, is_hashed: bool) -> Outcome:
    """Sum up a look at the whole tree."""
    line = (
        f"verified {numbered(verified.files, 'file')} of {numbered(verified.projects, 'project')}:"
        f" {verified.wrong} wrong,"
        f" {verified.foreign} foreign"
    )
    if is_repaired and verified.wrong:
        line += f"; {numbered(report.counts.stored, 'file')} fetched again"
        mended = _of_report(report)
        return mended._replace(line=line if mended.status is Status.OK else f"{line}; {mended.line}")
    if not verified.wrong:
        return Outcome(Status.OK, line)
    mends = "--verify=hash --repair" if is_hashed else "--verify --repair"
    return Outcome(Status.FAILURES, f"{line}; {mends} mends it", key=repr(verified))


def _share(gone: Loss, held: Loss) -> str:
    projects = f"{gone.projects} of {numbered(held.projects, 'project')}"
    return f"{projects} and {gone.files} of {numbered(held.files, 'file')}"


def _files(report: Report) -> str:
    counts = report.counts
    adopted = f", {counts.adopted} adopted" if counts.adopted else ""
    removed = f", {counts.removed} removed ({size_text(counts.removed_bytes)})" if counts.removed else ""
    left = _left(counts.vanished_projects, counts.vanished_files, "upstream no longer has them")
    projects = counts.deselected_projects - counts.unrequired_projects
    left += _left(projects, counts.deselected_files - counts.unrequired_files, "they are no longer selected")
    left += _left(counts.unrequired_projects, counts.unrequired_files, "nothing requires them any more")
    return (
        f"{numbered(counts.stored, 'file')} stored ({size_text(counts.stored_bytes)}){adopted}{removed}{left}"
    )


def _missing(missing: Sequence[Missing]) -> str:
    """Name what mirrored projects require and the mirror has not, and who requires it."""
    named = [f"{each.name} ({'; '.join(each.needs[:1])})" for each in missing[:_MISSING]]
    more = f" and {len(missing) - _MISSING} more" if len(missing) > _MISSING else ""
    return f"; required, and missing: {', '.join(named)}{more}" if named else ""


def _left(projects: int, files: int, why: str) -> str:
    """Say what left the pages, if anything did."""
    parts = [
        f"{number} {noun if number == 1 else noun + 's'}"
        for number, noun in ((projects, "project"), (files, "file"))
        if number
    ]
    return f"; {' and '.join(parts)} left the pages, as {why}" if parts else ""
