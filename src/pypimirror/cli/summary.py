"""What is printed of a run when it ended: nothing while all is well."""

import logging

from pypimirror.cli.console import say, show
from pypimirror.cli.signals import Interrupted
from pypimirror.config import Config
from pypimirror.disk import is_full
from pypimirror.errors import DiskFullError
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome
from pypimirror.report.words import size_text
from pypimirror.state import Total

_log = logging.getLogger(__name__)

_SHOWN = 10


def of_error(error: BaseException) -> Outcome:
    """Sum up a run that an error ended."""
    if isinstance(error, Interrupted):
        return Outcome(Status(error.status), "interrupted by a signal")
    is_disk_full = isinstance(error, DiskFullError) or (isinstance(error, OSError) and is_full(error))
    return Outcome(Status.FULL if is_disk_full else Status.ERROR, str(error) or type(error).__name__)


def tell(outcome: Outcome, config: Config, *, is_verbose: bool) -> None:
    """Write the summary to the log; to standard error when it is news, or somebody sits there."""
    level = logging.INFO if outcome.status is Status.OK else logging.ERROR
    _log.log(level, "%s", outcome.line)
    if not (outcome.is_news or outcome.is_over or is_verbose):
        return
    over = "all is well again: " if outcome.is_over else ""
    say(f"pypimirror: {over}{outcome.line}")
    for detail in outcome.details[:_SHOWN]:
        say(f"  {detail}")
    more = len(outcome.details) - _SHOWN
    if more > 0:
        say(f"  and {more} more")
    if is_verbose:
        say(*(f"  {remark}" for remark in outcome.remarks))
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
