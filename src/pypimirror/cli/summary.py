"""What is said of a run when it ended: nothing while all is well, and the same trouble once a day at most."""

import hashlib
import logging
from datetime import datetime
from typing import NamedTuple

from pypimirror.cli.console import say, show
from pypimirror.cli.signals import Interrupted
from pypimirror.cli.status import Status
from pypimirror.config import Config
from pypimirror.disk import is_full
from pypimirror.errors import DiskFullError, UpstreamError
from pypimirror.state import Failure, State, Total
from pypimirror.sync import Change, Refusal, Report, Verified

_log = logging.getLogger(__name__)

_TOLD_NOTE = "told"
_DAY_S = 86_400
_SHOWN = 10


class Outcome(NamedTuple):
    """How a run ended: in one line, in the lines that name the trouble, and as a key to know it again by."""

    status: Status
    line: str
    details: tuple[str, ...] = ()
    key: str = ""
    changes: tuple[Change, ...] = ()
    """What a dry run found."""
    is_news: bool = False
    """Whether cron's mailbox shall have it."""


def of_report(report: Report) -> Outcome:
    """Sum up a run that came to its end."""
    return _of_report(report)._replace(changes=report.changes)


def _of_report(report: Report) -> Outcome:
    if report.full is not None:
        told = tuple(_told(failure) for failure in report.failures)
        return Outcome(Status.FULL, f"stopped: {report.full}; what is there is whole", told, key="full")
    if report.refusal is not None:
        return _of_refusal(report, report.refusal)
    counts, failures = report.counts, report.failures
    asked = "1 project" if counts.projects == 1 else f"{counts.projects} projects"
    done = f"{asked} asked about, {counts.changed} changed; {_files(report)}"
    if report.unasked:
        line = f"{'; '.join(report.unasked)} ({done})"
        return Outcome(Status.FAILURES, line, tuple(_told(f) for f in failures), key="unasked")
    if not failures:
        return Outcome(Status.OK, f"up to date: {done}")
    projects = len({failure.project for failure in failures})
    line = (
        f"{'1 project is' if projects == 1 else f'{projects} projects are'} not up to date,"
        f" all others are ({done}); what failed keeps its last good state and is tried again"
    )
    key = hashlib.sha256(repr([failure[:2] for failure in failures]).encode()).hexdigest()
    return Outcome(Status.FAILURES, line, tuple(_told(f) for f in failures), key)


def _of_refusal(report: Report, refusal: Refusal) -> Outcome:
    gone, held, hours = refusal[:3]
    within = f" (within {hours:g} hours)" if hours else ""
    line = (
        f"upstream no longer has {gone.projects} of {held.projects} projects and {gone.files} of {held.files}"
        f" files{within}; {refusal.why}, so nothing was removed, and all else was done."
        " If it is right, run once with --allow-removals"
    )
    names = tuple(f"would go: {name}" for name in refusal.names)
    failures = tuple(_told(f) for f in report.failures)
    return Outcome(Status.TOO_MUCH_GONE, line, (*names, *failures), key=repr(gone))


def of_upstream_error(error: UpstreamError) -> Outcome:
    """Sum up a run that could not trust what upstream said, if it said anything."""
    line = f"upstream could not be had or trusted, and nothing was changed: {error}"
    return Outcome(Status.NO_UPSTREAM, line, key=type(error).__name__)


def of_error(error: BaseException) -> Outcome:
    """Sum up a run that an error ended."""
    if isinstance(error, Interrupted):
        return Outcome(Status(error.status), "interrupted by a signal")
    is_disk_full = isinstance(error, DiskFullError) or (isinstance(error, OSError) and is_full(error))
    return Outcome(Status.FULL if is_disk_full else Status.ERROR, str(error) or type(error).__name__)


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


def tell(outcome: Outcome, config: Config, *, is_verbose: bool) -> None:
    """Write the summary to the log; to standard error when it is news, or somebody sits there."""
    level = logging.INFO if outcome.status is Status.OK else logging.ERROR
    _log.log(level, "%s", outcome.line)
    if not (outcome.is_news or is_verbose):
        return
    say(f"pypimirror: {outcome.line}")
    for detail in outcome.details[:_SHOWN]:
        say(f"  {detail}")
    more = len(outcome.details) - _SHOWN
    if more > 0:
        say(f"  and {more} more")
    if outcome.status is not Status.OK:
        say(f"  the log has the details: {config.log_filename}")


def tell_dry(outcome: Outcome, pages: int) -> None:
    """Print what a run would do, and how it would end as far as can be known."""
    changes = outcome.changes
    for change in changes:
        show(f"{change.name}: {_listed(change.fetch, change.keep, change.leave, change.remove)}")
    fetch, leave, remove = (
        Total(sum(t.number for t in totals), sum(t.bytes for t in totals))
        for totals in ([c.fetch for c in changes], [c.leave for c in changes], [c.remove for c in changes])
    )
    show(f"in all: {_listed(fetch, None, leave, remove)}; {pages} pages would change")
    show(f"the run would free {size_text(remove.bytes)} and need {size_text(fetch.bytes)}")
    why = "" if outcome.status is Status.OK else f": {outcome.line}"
    show(f"it would end with status {int(outcome.status)}{why}")
    for detail in outcome.details[:_SHOWN]:
        show(f"  {detail}")
    if len(outcome.details) > _SHOWN:
        show(f"  and {len(outcome.details) - _SHOWN} more")


def tell_verified(outcome: Outcome) -> None:
    """Print the last line of a look at the whole tree, below its findings."""
    _log.info("%s", outcome.line)
    show(outcome.line, *(f"  {detail}" for detail in outcome.details[:_SHOWN]))


def _listed(fetch: Total, keep: Total | None, leave: Total, remove: Total) -> str:
    parts = {"fetch": fetch, "keep": keep, "take off the pages": leave, "remove": remove}
    # An HTML page tells no sizes.
    told = [
        f"{verb} {t.number} ({size_text(t.bytes) if t.bytes else 'size unknown'})"
        for verb, t in parts.items()
        if t and t.number
    ]
    return ", ".join(told) or "nothing to do"


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


def _told(failure: Failure) -> str:
    place = failure.project if failure.filename is None else f"{failure.project}/{failure.filename}"
    since = datetime.fromtimestamp(failure.since).astimezone()
    return f"{place}: {failure.reason} (since {since:%Y-%m-%d %H:%M})"


def size_text(size: float) -> str:
    """Return a number of bytes as people read it."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
