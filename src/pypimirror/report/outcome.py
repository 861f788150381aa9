"""How a run ended, in words, and as a key to know the same trouble by."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pypimirror.amounts import listed, numbered, size_text
from pypimirror.checks.verify import Verified
from pypimirror.dependencies.missing import Missing
from pypimirror.errors import UpstreamError
from pypimirror.mirror import Counts, Refusal
from pypimirror.report.exit_status import Status
from pypimirror.report.words import failure_text
from pypimirror.run import Report

SHOWN = 10
"""Details that are told where there may be thousands."""
_MISSING = 3
"""Projects that are named in a line."""


class Outcome(NamedTuple):
    """How a run ended: in one line, in the lines that name the trouble, and as a key to know it again by."""

    status: Status
    line: str
    details: tuple[str, ...] = ()
    key: str = ""
    report: Report | None = None
    """What it found; None where upstream could not be had."""
    is_news: bool = False
    """Whether cron's mailbox shall have it."""
    headline: str = ""
    """The line without what a table below it tells; empty where the line is short."""
    is_over: bool = False
    """Whether trouble that was told is over."""

    @property
    def first_details(self) -> tuple[str, ...]:
        """The first of the details, and how many more there are."""
        more = len(self.details) - SHOWN
        return (*self.details[:SHOWN], f"and {more:,} more") if more > 0 else self.details


class Left(NamedTuple):
    """What left the pages, and why."""

    projects: int
    files: int
    why: str

    @property
    def number(self) -> str:
        """How many left."""
        found = ((self.projects, "project"), (self.files, "file"))
        return " and ".join(numbered(number, noun) for number, noun in found if number)


def of_report(report: Report) -> Outcome:
    """Sum up a run that came to its end."""
    return _of_report(report)._replace(report=report)


def _of_report(report: Report) -> Outcome:
    failed = tuple(map(failure_text, report.failures))
    if report.full is not None:
        return Outcome(Status.FULL, f"stopped: {report.full}; what is there is whole", failed, key="full")
    if report.refusal is not None:
        return _of_refusal(report.refusal, failed)
    counts = report.counts
    asked = numbered(counts.projects, "project")
    done = f"{asked} asked about, {counts.changed:,} changed; {_files(counts)}{_missing(report.missing)}"
    if report.unasked:
        headline = "; ".join(report.unasked)
        return Outcome(Status.FAILURES, f"{headline} ({done})", failed, key="unasked", headline=headline)
    if not failed:
        return _of_selection(report, asked, done)
    projects = len({failure.project for failure in report.failures})
    headline = f"{numbered(projects, 'project is', 'projects are')} not up to date, all others are"
    line = f"{headline} ({done}); what failed keeps its last good state and is tried again"
    told = (*failed, *report.unmatched.lines())
    key = _digest([(failure.project, failure.filename) for failure in report.failures])
    return Outcome(Status.FAILURES, line, told, key, headline=headline)


def _digest(trouble: object) -> str:
    return hashlib.sha256(repr(trouble).encode()).hexdigest()


def _of_selection(report: Report, asked: str, done: str) -> Outcome:
    """Sum up a run in which nothing failed: all is well, or the configuration leads to nothing somewhere."""
    unmatched = report.unmatched
    unblocked = tuple(f"no longer blocked, and may come again: {each}" for each in report.unblocked)
    remarks = (*unblocked, *unmatched.remarks())
    told = (*unmatched.failures(), *remarks)
    key = _digest(told)
    if unmatched.failures():
        headline = "up to date, but for what the configuration asks for and upstream does not have"
        return Outcome(Status.FAILURES, f"{headline} ({done})", told, key, headline=headline)
    headline = f"up to date: {asked} asked about"
    if remarks:
        but = "patterns match nothing" if unmatched.remarks() else "what was blocked is no longer blocked"
        line = f"up to date: {done}; but {but}"
        return Outcome(Status.OK, line, remarks, key, headline=headline)
    return Outcome(Status.OK, f"up to date: {done}", headline=headline)


def _of_refusal(refusal: Refusal, failed: tuple[str, ...]) -> Outcome:
    """Sum up a run that removed nothing, as too much would have gone."""
    gone, held, hours = refusal[:3]
    share = (
        f"{gone.projects:,} of {numbered(held.projects, 'project')}"
        f" and {gone.files:,} of {numbered(held.files, 'file')}"
    )
    if refusal.is_configured:
        key = f"deselected {gone!r}"
        whole = " and without --project" if refusal.is_waiting else ""
        line = (
            f"the configuration no longer selects {share}; {refusal.why}, so all of them stay, and all else"
            f" was done. If it is right, run once with --allow-removals{whole};"
            " if not, mend the configuration"
        )
    else:
        key = repr(gone)
        within = f" (within {hours:g} hours)" if hours else ""
        line = (
            f"upstream no longer has {share}{within}; {refusal.why}, so nothing was removed, and all else was"
            " done. If it is right, run once with --allow-removals"
        )
    names = (f"would go: {name}" for name in refusal.names)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failed), key)


def of_upstream_error(error: UpstreamError) -> Outcome:
    """Sum up a run that could not trust what upstream said, if it said anything."""
    line = f"upstream could not be had or trusted, and nothing was changed: {error}"
    return Outcome(Status.NO_UPSTREAM, line, key=type(error).__name__)


def of_verified(verified: Verified, report: Report, *, is_repaired: bool, is_hashed: bool) -> Outcome:
    """Sum up a look at the whole tree."""
    line = (
        f"verified {numbered(verified.files, 'file')} of {numbered(verified.projects, 'project')}:"
        f" {verified.wrong:,} wrong, {verified.foreign:,} foreign"
    )
    if is_repaired and verified.wrong:
        line += f"; {numbered(report.counts.stored, 'file')} fetched again"
        mended = _of_report(report)
        return mended._replace(line=line if mended.status is Status.OK else f"{line}; {mended.line}")
    if not verified.wrong:
        return Outcome(Status.OK, line)
    mends = "--verify=hash --repair" if is_hashed else "--verify --repair"
    return Outcome(Status.FAILURES, f"{line}; {mends} mends it", key=repr(verified))


def _files(counts: Counts) -> str:
    adopted = f", {counts.adopted:,} adopted" if counts.adopted else ""
    removed = f", {counts.removed:,} removed ({size_text(counts.removed_bytes)})" if counts.removed else ""
    left = "".join(f"; {what.number} left the pages, as {what.why}" for what in left_pages(counts))
    return (
        f"{numbered(counts.stored, 'file')} stored ({size_text(counts.stored_bytes)}){adopted}{removed}{left}"
    )


def _missing(missing: Sequence[Missing]) -> str:
    """Name what mirrored projects require and the mirror has not, and who requires it."""
    named = [f"{each.name} ({'; '.join(each.needs[:1])})" for each in missing]
    return f"; required, and missing: {listed(named, _MISSING)}" if named else ""


def left_pages(counts: Counts) -> Iterator[Left]:
    """Yield what left the pages, for each reason that there is."""
    deselected = counts.deselected_projects - counts.unrequired_projects
    deselected_files = counts.deselected_files - counts.unrequired_files
    for left in (
        Left(counts.vanished_projects, counts.vanished_files, "upstream no longer has them"),
        Left(deselected, deselected_files, "they are no longer selected"),
        Left(counts.unrequired_projects, counts.unrequired_files, "nothing requires them any more"),
    ):
        if left.projects or left.files:
            yield left
