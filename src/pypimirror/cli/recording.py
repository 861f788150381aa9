"""How a run began and ended, in the state and in the log."""

import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from pypimirror import __version__, sync
from pypimirror.cli import summary
from pypimirror.publishing import status_page
from pypimirror.report.outcome import Outcome
from pypimirror.state import damage_told

if TYPE_CHECKING:
    from pypimirror.cli.afterwards import Afterwards

_log = logging.getLogger(__name__)

_FAILURES_KEPT = 100


def recorded(
    work: sync.Run,
    attempt: Callable[[], Outcome],
    *,
    mode: str,
    follower: "Afterwards | None",
    judge: Callable[[Outcome], Outcome] | None,
) -> Outcome:
    """Do the work, and record how it ended, however it ended; `judge` says whether that is news."""
    number = work.mirror.state.runs.begin(mode, work.mirror.clock())
    work.tree.commit()
    dry = ", a dry run that writes nothing," if work.options.preview else ""
    _log.info("pypimirror %s: --%s of %s%s begins", __version__, mode, work.upstream.index_url, dry)
    try:
        with damage_told(work.mirror.state.path):  # a full disk is told by SQLite in its own words
            outcome = attempt()
    except BaseException as error:
        # Of a run that can't even record that it failed --status tells that it has no end.
        with contextlib.suppress(Exception):
            _record_end(work, number, summary.of_error(error))
            if follower is not None:
                follower.record(work, summary.of_error(error))
        raise
    _record_end(work, number, outcome)
    if judge is not None:
        outcome = judge(outcome)
    if follower is not None:
        follower.record(work, outcome)
    elif not work.options.preview:
        status_page.remove(work.mirror)
    return outcome


def _record_end(work: sync.Run, number: int, outcome: Outcome) -> None:
    counts, runs, now = work.tally.counts, work.mirror.state.runs, work.mirror.clock()
    if counts.may_change_sizes:
        runs.record_size(now)
    runs.end(
        number,
        ended=now,
        status=outcome.status,
        requests=summary.requests_of(work),
        stored=counts.stored,
        adopted=counts.adopted,
        bytes=counts.stored_bytes,
        removed=counts.removed,
        vanished_projects=counts.vanished_projects,
        vanished_files=counts.vanished_files,
        deselected_projects=counts.deselected_projects,
        deselected_files=counts.deselected_files,
        summary=outcome.line,
        failures=msgspec.json.encode(outcome.details[:_FAILURES_KEPT]).decode(),
        failed=counts.failed,
    )
    work.tree.commit()
