"""What follows a run, under its lock: the status page, files for other programs, and commands.

The lock is held until the commands are done: what they read is not changed under their hands, and no two of
them are at work at once. One that starts pypimirror for the same mirror gets status 5 at once.
"""

import contextlib
import logging
import sys
import time
from collections.abc import Callable

from pypimirror.cli import summary
from pypimirror.cli.console import say
from pypimirror.cli.replaced import replace
from pypimirror.cli.report_files import ReportFiles
from pypimirror.config import Config
from pypimirror.mirror import Mirror
from pypimirror.printable import printable
from pypimirror.publishing import status_page as published_page
from pypimirror.report import afterwards, metrics, status_page
from pypimirror.report.as_json import as_json
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport, of_state
from pypimirror.report.outcome import Outcome
from pypimirror.run import Run
from pypimirror.state.reading import Reading
from pypimirror.store import Store
from pypimirror.store.changes import Changes

_log = logging.getLogger(__name__)

_INTERRUPTED = (Status.INTERRUPTED, Status.TERMINATED)


class Afterwards:
    """What follows one run."""

    def __init__(self, config: Config, store: Store, *, mode: str, is_quiet: bool) -> None:
        self._config = config
        self._mode = mode
        self._is_quiet = is_quiet
        """The console has the log already."""
        self._started = time.time()
        self._files = ReportFiles(config)
        is_listed = self._files.changed_paths is not None
        self._changes = store.changes = Changes(store.root, is_listed=is_listed)
        self._before = afterwards.read(store.root)
        self._outcome: Outcome | None = None
        self._raised = ""
        """What ended the run before its time."""

    # -- while the state is open --------------------------------------------------------------

    def record(self, work: Run, outcome: Outcome) -> None:
        """Write what is asked for of a run whose end is in the state, whatever of it fails."""
        self._files.reasons.clear()
        now = work.mirror.clock()
        with contextlib.closing(Reading.open_read_only(work.mirror.state.path)) as reading:
            report = of_state(self._config, reading)
            (past,) = reading.latest_runs(1)
            values = metrics.of_mirror(report, reading.last_ended_run(), now)
            page = self._page(work.mirror, reading, report, outcome) if self._config.status_page else None
        if not self._config.status_page:
            published_page.remove(work.mirror)
        elif page is not None and outcome.status not in _INTERRUPTED:
            self._files.attempt("status_page", lambda: self._publish(work.mirror, *page))
        work.tree.commit()
        self._files.hand_on(self._changes)
        self._files.write(outcome, past, report, values)
        self._outcome = outcome

    def _page(
        self, mirror: Mirror, reading: Reading, report: StatusReport, outcome: Outcome
    ) -> tuple[status_page.StatusPage, str] | None:
        """Return the status page with its key, if it is to be written."""
        now = mirror.clock()
        key = status_page.key(self._config, report, outcome.status, self._before)
        written = reading.hint(status_page.NOTE, status_page.Written)
        is_due = status_page.is_due(self._config, written, key, now)
        if not (self._changes.are_of_this_run or is_due) and published_page.is_there(mirror):
            return None
        return status_page.page(self._config, reading, report, moment=now, failed=self._before), key

    def _publish(self, mirror: Mirror, page: status_page.StatusPage, key: str) -> None:
        from pypimirror.report import status_html  # few runs write one

        html = status_html.render(page, self._config.status_page_interval)
        published_page.write(mirror, html, as_json(page))
        notes = mirror.state.notes
        notes.keep(status_page.NOTE, status_page.Written(page.written, key))
        notes.keep(status_page.BREAKDOWN_NOTE, page.breakdown)

    # -- when the state is closed -----------------------------------------------------------------

    def follow(self, attempt: Callable[[], Status]) -> Status:
        """Make the attempt, and do what follows it; return the status that the command ends with.

        What the attempt raises is raised when that is done; after a signal no command is called.
        """
        try:
            status = attempt()
        except Exception as error:
            outcome = summary.of_error(error)
            outcome = outcome._replace(line=printable(outcome.line))  # whatever bytes a file's name in it has
            self._raised = outcome.line
            if self._outcome is None or self._outcome.status is Status.OK:
                self._outcome = outcome
                self._files.hand_on(self._changes)
                self._files.write_without_state(outcome, self._mode, self._started)
            self._finish(outcome.status)
            raise
        return self._finish(status)

    def _finish(self, status: Status) -> Status:
        """Call the commands, tell what failed, and return the status that the command ends with."""
        outcome, files = self._outcome, self._files
        if outcome is None or status in _INTERRUPTED:
            return status
        if files.changed and "changed_paths" not in files.reasons:
            self._call("on_change", outcome, status)
            if "on_change" not in files.reasons:  # else it comes again
                self._changes.forget()
        is_good = files.ends_with(status) is Status.OK
        self._call("on_success" if is_good else "on_failure", outcome, status)
        self._tell()
        if files.reasons:
            files.write_metrics(status)
        return files.ends_with(status)

    def _call(self, option: str, outcome: Outcome, status: Status) -> None:
        is_news = outcome.is_news or bool(afterwards.news(self._before, self._failed()))
        self._files.call(option, status, outcome.line, is_news=is_news)

    def _failed(self) -> dict[str, afterwards.Failed]:
        """Return what failed, with what ended the run, so that this is news once a day, too."""
        raised = {afterwards.RUN: self._raised} if self._raised else {}
        return afterwards.merged(self._before, self._files.reasons | raised, time.time())

    def _tell(self) -> None:
        """Tell what failed: the log each time, standard error when it is news or somebody sits there."""
        failed = self._failed()
        news = afterwards.news(self._before, failed)
        for option, reason in self._files.reasons.items():
            _log.error("%s: %s", option, reason)
            if not self._is_quiet and (option in news or sys.stderr.isatty()):
                say(f"pypimirror: {option}: {reason}", "  the mirror itself is as the run left it")
        if failed != self._before:
            path = afterwards.path_of(self._config.mirror_file_path)
            with contextlib.suppress(OSError):  # then it is told again
                replace(path, [as_json(failed)])
