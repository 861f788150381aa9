"""How a run began and ended, in the state and in the log."""

import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from pypimirror import __version__, run, sync
from pypimirror.checks.compare import Finding
from pypimirror.cli import logs, news, summary
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import show
from pypimirror.errors import DiskFullError, UpstreamError
from pypimirror.publishing import status_page
from pypimirror.report import outcome as outcomes
from pypimirror.report.outcome import Outcome
from pypimirror.run import Run
from pypimirror.state.trouble import damage_told

if TYPE_CHECKING:
    from pypimirror.cli.afterwards import Afterwards

_log = logging.getLogger(__name__)

_FAILURES_KEPT = 100
_COUNTS = (
    *("stored", "adopted", "removed", "failed"),
    *("vanished_projects", "vanished_files", "deselected_projects", "deselected_files"),
)
"""What of the counts the state has a column for."""


def recorded(work: Run, args: Arguments, follower: "Afterwards | None") -> Outcome:
    """Do the work, and record how it ended, however it ended."""
    mode = f"{args.mode} --project" if args.only else args.mode
    number = work.mirror.state.runs.begin(mode, work.mirror.clock())
    work.tree.commit()
    dry = ", a dry run that writes nothing," if args.is_dry else ""
    _log.info("pypimirror %s: --%s of %s%s begins", __version__, mode, work.upstream.index_url, dry)
    try:
        with damage_told(work.mirror.state.path):  # a full disk is told by SQLite in its own words
            outcome = _done(work, args)
    except BaseException as error:
        # Of a run that can't even record that it failed --status tells that it has no end.
        with contextlib.suppress(Exception):
            _record_end(work, number, summary.of_error(error))
            if follower is not None:
                follower.record(work, summary.of_error(error))
        raise
    _record_end(work, number, outcome)
    if not (args.is_dry or args.mode == "verify"):
        outcome = news.judged(outcome, args, work.mirror.config)
    if follower is not None:
        follower.record(work, outcome)
    elif not args.is_dry:
        status_page.remove(work.mirror)
    return outcome


def _done(work: Run, args: Arguments) -> Outcome:
    try:
        if args.mode == "verify":
            is_hashing, is_repairing = args.verify == "hash", args.is_repairing
            verified, report = sync.verify(work, _show, is_hashing=is_hashing, is_repairing=is_repairing)
            return outcomes.of_verified(verified, report, is_repaired=is_repairing, is_hashed=is_hashing)
        report = sync.rewrite_pages(work) if args.mode == "indexes-only" else sync.update(work)
        logs.check()
    except UpstreamError as error:
        return outcomes.of_upstream_error(error)
    except DiskFullError as full:
        report = run.report(work.mirror, work.tally, work.options.preview)._replace(full=full)
    return outcomes.of_report(report)


def _show(finding: Finding) -> None:
    show(f"{finding.kind.value} {finding.path}")


def _record_end(work: Run, number: int, outcome: Outcome) -> None:
    counts, runs, now = work.tally.counts, work.mirror.state.runs, work.mirror.clock()
    if counts.may_change_sizes:
        runs.record_size(now)
    runs.end(
        number,
        ended=now,
        status=outcome.status,
        requests=summary.requests_of(work),
        bytes=counts.stored_bytes,
        summary=outcome.line,
        failures=msgspec.json.encode(outcome.details[:_FAILURES_KEPT]).decode(),
        **{name: getattr(counts, name) for name in _COUNTS},
    )
    work.tree.commit()
