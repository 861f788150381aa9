"""What is printed of a run when it ended: nothing while all is well."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from pypimirror.cli import person
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import say, show, show_json
from pypimirror.cli.signals import Interrupted
from pypimirror.disk import is_full
from pypimirror.errors import TOO_LITTLE_MEMORY
from pypimirror.findings import wheels
from pypimirror.mirror import Mirror
from pypimirror.report.exit_status import Status
from pypimirror.report.outcome import SHOWN, Outcome
from pypimirror.report.run_table import Figures, Waiting, rows
from pypimirror.run import Run

_log = logging.getLogger(__name__)

_MISSED_SHOWN = 5
_MANY_FILES = 20_000
"""Of so many nobody waits for a look at their metadata; `--check` does that."""


def of_error(error: BaseException) -> Outcome:
    """Sum up a run that an error ended."""
    if isinstance(error, Interrupted):
        return Outcome(Status(error.status), "interrupted by a signal")
    if isinstance(error, MemoryError):
        return Outcome(Status.ERROR, TOO_LITTLE_MEMORY)
    return Outcome(Status.FULL if is_full(error) else Status.ERROR, str(error) or type(error).__name__)


def requests_of(work: Run) -> int:
    """Return how many requests a run made."""
    return work.upstream.requests + (work.workers.requests if work.workers else 0)


def tell(outcome: Outcome, work: Run, args: Arguments) -> None:
    """Tell how a run ended, when the bars are gone and while its state is open."""
    log = work.mirror.config.log_filename
    if args.is_dry:
        from pypimirror.report import dry_run  # a real run needs none of it

        pages = dry_run.pages_changed(work.mirror, outcome)
        if args.is_json:
            show_json(dry_run.for_machines(outcome, pages))
        else:
            show(*dry_run.as_lines(outcome, pages))
    elif args.mode == "verify":
        _tell_verified(outcome, is_quiet=args.is_quiet)
    elif person.is_there(args) and not args.log_console:
        _tell_table(outcome, _figures_of(work), log)
    else:
        _tell(outcome, log, is_asked=args.is_quiet and sys.stderr.isatty())


def _figures_of(work: Run) -> Figures:
    """Return what a run did, for one who watched it."""
    now, state = work.mirror.clock(), work.mirror.state
    paused = [each for each in state.projects.paused(now) if work.mirror.selection.selects(each[0])]
    names = tuple(name for name, _ in paused[:SHOWN])
    return Figures(
        counts=work.tally.counts,
        began=work.tally.started,
        ended=now,
        requests=requests_of(work),
        waiting=Waiting(names, len(paused), paused[0][1]) if paused else None,
        remarks=(*_of_wheels(work.mirror), *_of_requirements(work)),
    )


def _of_wheels(mirror: Mirror) -> Iterator[str]:
    """Yield what it costs that no wheel is mirrored, once a day."""
    notes = mirror.state.notes
    left_out = notes.hint(wheels.NOTE, wheels.WheelsLeftOut) or wheels.WheelsLeftOut()
    if left_out.number and notes.once_a_day(wheels.TOLD_NOTE, mirror.clock()):
        yield wheels.text(left_out.number)


def _of_requirements(work: Run) -> Iterator[str]:
    """Yield what mirrored releases require and the mirror lacks, after a change: pip tells it one by one."""
    mirror = work.mirror
    if not work.tally.counts.changed or mirror.totals().files > _MANY_FILES:
        return
    from pypimirror.dependencies.check import missing_for_pip

    names = [each.name for each in mirror.state.projects.listed()]
    found, _ = missing_for_pip(mirror.config, mirror.store, names, mirror.state.files.held)
    yield from (f"pip will miss {each.need.name}: {each}" for each in found[:_MISSED_SHOWN])
    if len(found) > _MISSED_SHOWN:
        yield f"and {len(found) - _MISSED_SHOWN:,} more; --check lists them all"


def _tell_table(outcome: Outcome, figures: Figures, log: Path) -> None:
    """Write the summary to the log, and a table for one who watched the run."""
    from pypimirror.cli.terminal import say_table  # rich is slow to import

    _log_line(outcome)
    say_table(f"pypimirror: {outcome.headline or outcome.line}", rows(outcome, figures, log))
    say(*(f"  {remark}" for remark in figures.remarks))


def _tell(outcome: Outcome, log: Path, *, is_asked: bool) -> None:
    """Write the summary to the log; to standard error when it is news, or trouble that somebody asks for."""
    _log_line(outcome)
    is_trouble = outcome.status is not Status.OK
    if not (outcome.is_news or outcome.is_over or (is_asked and is_trouble)):
        return
    over = "all is well again: " if outcome.is_over else ""
    say(f"pypimirror: {over}{outcome.line}", *(f"  {detail}" for detail in outcome.first_details))
    if is_trouble:
        say(f"  the log has the details: {log}")


def _tell_verified(outcome: Outcome, *, is_quiet: bool) -> None:
    """Print the last line of a look at the whole tree, below its findings; `is_quiet`: only trouble."""
    _log.info("%s", outcome.line)
    if not (is_quiet and outcome.status is Status.OK):
        show(outcome.line, *(f"  {detail}" for detail in outcome.details[:SHOWN]))


def _log_line(outcome: Outcome) -> None:
    _log.log(logging.INFO if outcome.status is Status.OK else logging.ERROR, "%s", outcome.line)
