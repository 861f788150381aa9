"""What a run leaves for other programs: what it changed, how it went, metrics, and a call of their own."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pypimirror import __version__
from pypimirror.addresses import without_secrets
from pypimirror.cli import hooks
from pypimirror.cli.console import say
from pypimirror.cli.replaced import replace
from pypimirror.config import Config
from pypimirror.disk import is_full, why_failed
from pypimirror.errors import MirrorError
from pypimirror.printable import printable
from pypimirror.report import afterwards, metrics, run_report
from pypimirror.report.as_json import as_json
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport, of_state
from pypimirror.report.outcome import Outcome
from pypimirror.report.run_report import RunReport
from pypimirror.state.reading import Reading
from pypimirror.state.runs import PastRun
from pypimirror.store.changes import Changes
from pypimirror.store.layout import PRIVATE

_log = logging.getLogger(__name__)


class ReportFiles:
    """The files of one run; those that commands need lie in the private folder, if nobody names a place."""

    def __init__(self, config: Config) -> None:
        self._config = config
        private = config.mirror_file_path / PRIVATE
        has_hooks = config.on_change or config.on_success or config.on_failure
        self.report = config.report or (private / "report.json" if has_hooks else None)
        self.changed_paths = config.changed_paths or (private / "changed-paths.txt" if has_hooks else None)
        self.changed = 0
        """Paths that were handed on."""
        self.reasons: dict[str, str] = {}
        """Why what could not be done, by the option."""
        self.full: set[str] = set()
        """Options for which the disk was too full."""
        self._values: metrics.Values = {}

    def write(
        self, outcome: Outcome, run: PastRun, report: StatusReport | None, values: metrics.Values
    ) -> None:
        """Write how the run went, and metrics of what is known of the mirror."""
        if self.report is not None:
            self._write("report", self.report, [as_json(self._run_report(outcome, run, report))])
        self._values = values
        self.write_metrics(outcome.status)

    def write_without_state(self, outcome: Outcome, mode: str, started: float) -> None:
        """Write how a run went that did not get to record anything; what is known of the mirror stays."""
        ended = time.time()
        run = PastRun(mode=mode, started=started, ended=ended, status=outcome.status, summary=outcome.line)
        self.write(outcome, run, *known(self._config, ended))

    def hand_on(self, changes: Changes) -> None:
        """Put the paths that changed where others find them; where there are none the last list stays."""
        self.changed = 0
        if self.changed_paths is not None and not changes.is_empty():
            self._write("changed_paths", self.changed_paths, self._counted(changes.lines()))

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.changed += 1
            yield line

    def _run_report(self, outcome: Outcome, run: PastRun, report: StatusReport | None) -> RunReport:
        return RunReport(
            format=run_report.FORMAT,
            version=__version__,
            mirror=_folder(self._config),
            run=run,
            details=list(outcome.details[: run_report.DETAILS]),
            details_count=len(outcome.details),
            changed_paths=self.changed,
            now=None if report is None else run_report.now(report),
            afterwards=afterwards.listed(afterwards.read(self._config.mirror_file_path)),
        )

    def write_metrics(self, status: Status) -> None:
        """Write what is known of the mirror, and how a run that ended so ends with what follows it."""
        if self._config.metrics is not None:
            now = self._values | metrics.of_try(self.ends_with(status), failing=len(self.reasons))
            self._write("metrics", self._config.metrics, [metrics.text(now, _folder(self._config))])

    def _write(self, option: str, path: Path, chunks: Iterable[bytes]) -> None:
        self.attempt(option, lambda: _replaced(option, path, chunks))

    def attempt(self, option: str, act: Callable[[], None]) -> None:
        """Do something for an option; keep why it failed, if it did."""
        try:
            act()
        except (OSError, MirrorError) as error:
            self.reasons[option] = why_failed(error) if isinstance(error, OSError) else str(error)
            if is_full(error):
                self.full.add(option)

    def ends_with(self, status: Status) -> Status:
        """Return the status of the command, of which the run itself has a `status`."""
        if not self.reasons or status in (Status.ERROR, Status.USAGE):
            return status
        return Status.ERROR if self.reasons.keys() - self.full else Status.FULL

    def call(self, option: str, status: Status, line: str, *, is_news: bool) -> None:
        """Call the command that an option names, if there is one; keep why it failed, if it did."""
        words = getattr(self._config, option)
        if not words:
            return
        summary = "; ".join([line, *(f"{name}: {why}" for name, why in self.reasons.items())])
        environment = {
            "PYPIMIRROR_HOOK": option,
            "PYPIMIRROR_MIRROR": str(self._config.mirror_file_path),
            "PYPIMIRROR_BASE_URL": self._config.base_url,
            "PYPIMIRROR_REPORT": str(self.report or ""),
            "PYPIMIRROR_CHANGED_PATHS": str(self.changed_paths or ""),
            "PYPIMIRROR_CHANGED": str(self.changed),
            "PYPIMIRROR_STATUS": str(int(self.ends_with(status))),
            "PYPIMIRROR_SUMMARY": printable(without_secrets(summary)),
            "PYPIMIRROR_NEWS": str(int(is_news)),
        }
        if reason := hooks.call(option, words, environment, timeout=self._config.hook_timeout):
            self.reasons[option] = reason


def _replaced(option: str, path: Path, chunks: Iterable[bytes]) -> None:
    try:
        replace(path, chunks)
    except OSError as error:
        why = error.strerror if path.parent.is_dir() else "its folder does not exist"
        text = f"can't be written ({why}); mend that, or name another file in {option}"
        raise OSError(error.errno, text, str(path)) from error


def _folder(config: Config) -> str:
    """Return the mirror's folder as a text, whatever bytes are in its name."""
    return printable(str(config.mirror_file_path))


def known(config: Config, now: float) -> tuple[StatusReport | None, metrics.Values]:
    """Return what the state tells of a mirror, or else what the metrics of an earlier call did."""
    try:
        with closing(Reading.open_read_only(config.state_path)) as reading:
            report = of_state(config, reading)
            return report, metrics.of_mirror(report, reading.last_ended_run(), now)
    except (MirrorError, OSError):
        return None, _kept(config)


def _kept(config: Config) -> metrics.Values:
    if config.metrics is None:
        return {}
    try:
        return metrics.kept(config.metrics.read_text("utf-8"), _folder(config))
    except (OSError, UnicodeError):
        return {}


def note_locked(config: Config) -> None:
    """Let the metrics tell that another run holds the lock, and what the state tells now."""
    last_run = "last_run_timestamp_seconds"
    while config.metrics is not None:
        _, values = known(config, time.time())
        failing = len(afterwards.read(config.mirror_file_path))
        now = values | metrics.of_try(Status.LOCKED, failing, is_locked=True)
        try:
            replace(config.metrics, [metrics.text(now, _folder(config))])
        except OSError as error:
            _log.warning("metrics: %s: can't be written (%s)", config.metrics, error.strerror)
            return
        # The other run may have ended, and written its own, since we looked.
        if known(config, time.time())[1].get(last_run) == values.get(last_run):
            return


def note_refused(config: Config, mode: str, line: str, *, is_news: bool) -> None:
    """Write report and metrics, and call `on_failure`, where a mirror is expected and there is none.

    Nothing is written into the mirror's folder, which may be the empty one below a disk that is not mounted.
    `line` is what was told of the run.
    """
    files = ReportFiles(config)
    files.report = _outside(files.report, config.mirror_file_path)
    files.changed_paths = _outside(files.changed_paths, config.mirror_file_path)
    outcome = Outcome(Status.USAGE, printable(line))
    files.write_without_state(outcome, mode, started=time.time())
    files.call("on_failure", outcome.status, outcome.line, is_news=is_news)
    if is_news:
        say(*(f"pypimirror: {option}: {reason}" for option, reason in files.reasons.items()))


def _outside(path: Path | None, root: Path) -> Path | None:
    """Return a path that is not below the mirror's folder."""
    return None if path is None or path.is_relative_to(root) else path
