"""What is printed of a run when it ended: nothing while all is well."""

import logging

from pypimirror import sync
from pypimirror.cli.console import say, show, show_as_it_is
from pypimirror.cli.signals import Interrupted
from pypimirror.config import Config
from pypimirror.disk import is_full
from pypimirror.errors import DiskFullError
from pypimirror.report import dry_run
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import Outcome
from pypimirror.report.run_table import Figures, Waiting, rows

_log = logging.getLogger(__name__)

_SHOWN = 10


def of_error(error: BaseException) -> Outcome:
    """Sum up a run that an error ended."""
    if isinstance(error, Interrupted):
        return Outcome(Status(error.status), "interrupted by a signal")
    is_disk_full = isinstance(error, DiskFullError) or (isinstance(error, OSError) and is_full(error))
    return Outcome(Status.FULL if is_disk_full else Status.ERROR, str(error) or type(error).__name__)


def figures_of(work: sync.Run) -> Figures:
    """Return what a run did, for one who watched it."""
    now, state = work.mirror.clock(), work.mirror.state
    paused = [each for each in state.projects.paused(now) if work.mirror.selection.selects(each[0])]
    names = tuple(name for name, _ in paused[:_SHOWN])
    return Figures(
        counts=work.tally.counts,
        began=work.tally.started,
        ended=now,
        requests=work.upstream.requests + (work.workers.requests_made() if work.workers else 0),
        waiting=Waiting(names, len(paused), paused[0][1]) if paused else None,
    )


def tell(outcome: Outcome, config: Config, *, watched: Figures | None, is_verbose: bool) -> None:
    """Write the summary to the log; to standard error when it is news, or somebody sits there.

    One who watched the run gets a table; one who `is_verbose`, the lines that cron's mail has.
    """
    level = logging.INFO if outcome.status is Status.OK else logging.ERROR
    _log.log(level, "%s", outcome.line)
    if watched is not None:
        from pypimirror.cli.table import say_table  # rich is slow to import

        say_table(
            f"pypimirror: {outcome.headline or outcome.line}", rows(outcome, watched, config.log_filename)
        )
        say(*(f"  {remark}" for remark in outcome.remarks))
        return
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


def tell_dry(outcome: Outcome, pages: int, *, is_json: bool) -> None:
    """Print what a run would do, and how it would end as far as can be known."""
    if is_json:
        show_as_it_is(f"{dry_run.as_json(outcome, pages)}\n")  # its escapes are JSON's
    else:
        show(*dry_run.as_lines(outcome, pages))


def tell_verified(outcome: Outcome, *, is_quiet: bool) -> None:
    """Print the last line of a look at the whole tree, below its findings; `is_quiet`: only trouble."""
    _log.info("%s", outcome.line)
    if is_quiet and outcome.status is Status.OK:
        return
    show(outcome.line, *(f"  {detail}" for detail in outcome.details[:_SHOWN]))
