"""The files that a run leaves for other programs: what it changed, how it went, and metrics."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from pypimirror import __version__
from pypimirror.cli.replaced import replace
from pypimirror.config import Config
from pypimirror.disk import is_full
from pypimirror.errors import DiskFullError, MirrorError
from pypimirror.printable import printable
from pypimirror.report import afterwards, metrics, run_report
from pypimirror.report.exit_status import Status
from pypimirror.report.mirror_status import StatusReport, of_state
from pypimirror.report.outcome import Outcome
from pypimirror.report.run_report import RunEnd, RunReport
from pypimirror.state.reading import Reading
from pypimirror.store import PRIVATE, Changes

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

    def hand_on(self, changes: Changes) -> None:
        """Put the paths that changed where others find them; where there are none the last list stays."""
        self.changed = 0
        if self.changed_paths is None or changes.is_empty():
            return
        self._write("changed_paths", self.changed_paths, self._counted(changes.lines()))

    def _counted(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.changed += 1
            yield line

    def write_report(self, outcome: Outcome, run: RunEnd, report: StatusReport | None) -> None:
        """Write how the run went."""
        if self.report is None:
            return
        found = RunReport(
            format=run_report.FORMAT,
            version=__version__,
            mirror=_folder(self._config),
            run=run,
            details=run_report.first(outcome.details),
            details_count=len(outcome.details),
            changed_paths=self.changed,
            now=None if report is None else run_report.now(report),
            afterwards=afterwards.listed(afterwards.read(self._config.mirror_file_path)),
        )
        self._write("report", self.report, [run_report.as_json(found)])

    def write_metrics(self, values: metrics.Values, status: int) -> None:
        """Write what is known of the mirror, and how the run ended."""
        if self._config.metrics is not None:
            last = metrics.Try(time.time(), status, failing=len(self.reasons))
            self._write("metrics", self._config.metrics, [_metrics(self._config, values, last)])

    def _write(self, option: str, path: Path, chunks: Iterable[bytes]) -> None:
        self.attempt(option, lambda: _replaced(option, path, chunks))

    def attempt(self, option: str, act: Callable[[], None]) -> None:
        """Do something for an option; keep why it failed, if it did."""
        try:
            act()
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            self._note(option, f"{place}{error.strerror or error}", is_full=is_full(error))
        except MirrorError as error:
            self._note(option, str(error), is_full=isinstance(error, DiskFullError))

    def _note(self, option: str, reason: str, *, is_full: bool) -> None:
        self.reasons[option] = reason
        if is_full:
            self.full.add(option)


def _replaced(option: str, path: Path, chunks: Iterable[bytes]) -> None:
    try:
        replace(path, chunks)
    except OSError as error:
        why = error.strerror if path.parent.is_dir() else "its folder does not exist"
        text = f"can't be written ({why}); mend that, or name another file in {option}"
        raise OSError(error.errno, text, str(path)) from error


def _metrics(config: Config, values: metrics.Values, last: metrics.Try) -> bytes:
    return metrics.text(values | metrics.of_try(last), _folder(config))


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
        content = config.metrics.read_text("utf-8")
    except (OSError, UnicodeError):
        return {}
    return metrics.kept(content, _folder(config))


def note_locked(config: Config) -> None:
    """Let the metrics tell that another run holds the lock, and what the state tells now."""
    while config.metrics is not None:
        now = time.time()
        _, values = known(config, now)
        failing = len(afterwards.read(config.mirror_file_path))
        last = metrics.Try(now, Status.LOCKED, is_locked=True, failing=failing)
        try:
            replace(config.metrics, [_metrics(config, values, last)])
        except OSError as error:
            _log.warning("metrics: %s: can't be written (%s)", config.metrics, error.strerror)
            return
        # The other run may have ended, and written its own, since we looked.
        if _run_of(known(config, now)[1]) == _run_of(values):
            return


def _run_of(values: Mapping[str, float]) -> float | None:
    return values.get("last_run_timestamp_seconds")
