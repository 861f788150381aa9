"""What is printed of a run when it ended: nothing while all is well."""

import logging

from pypimirror.cli.console import say, show, show_as_it_is
from pypimirror.cli.signals import Interrupted
from pypimirror.config import Config
from pypimirror.disk import is_full
from pypimirror.errors import DiskFullError
from pypimirror.report import dry_run
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome

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


def tell_dry(outcome: Outcome, pages: int, *, is_json: bool) -> None:
    """Print what a run would do, and how it would end as far as can be known."""
    if is_json:
        show_as_it_is(f"{dry_run.as_json(outcome, pages)}\n")  # its escapes are JSON's
    else:
        show(*dry_run.as_lines(outcome, pages))


def tell_verified(outcome: Outcome) -> None:
    """Print the last line of a look at the whole tree, below its findings."""
    _log.info("%s", outcome.line)
    show(outcome.line, *(f"  {detail}" for detail in outcome.details[:_SHOWN]))
