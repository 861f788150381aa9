"""The log file, and its copy on the console: bounded, and fit to be read on a terminal."""

import contextlib
import copy
import logging
import logging.handlers
import os
import stat
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from pypimirror.addresses import without_secrets
from pypimirror.cli.console import say
from pypimirror.config import Config
from pypimirror.disk import FreeSpace, full_or_itself
from pypimirror.errors import DiskFullError, LogError, MirrorError
from pypimirror.printable import printable

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
_DAYS_KEPT = 14
_MOST_LINES = 20
_MOST_DETAILS = 1000
"""Lines of one kind about one project in a run: warnings, and what `verbose` adds."""
_MOST_TRACEBACK = 200
_LOOK_EVERY = 1 << 16
"""Characters written between two looks at the free space."""

_root = logging.getLogger("pypimirror")
_errors: list[OSError | DiskFullError] = []


class _Printable(logging.Formatter):
    """Each record is one line, and a traceback some more, whatever is in the words of upstream."""

    def format(self, record: logging.LogRecord) -> str:
        line = copy.copy(record)
        line.msg, line.args = printable(without_secrets(record.getMessage())), ()
        line.exc_text = None
        return super().format(line)

    def formatException(self, ei: Any) -> str:
        lines = super().formatException(ei).split("\n")
        return "\n".join(printable(without_secrets(line)) for line in lines[-_MOST_TRACEBACK:])


class _FirstOfEach(logging.Handler):
    """Hands on the first lines of each kind about a project; of the others it tells the number at the end.

    What is removed, and what comes in, is told line by line.
    """

    def __init__(self, targets: Sequence[logging.Handler]) -> None:
        super().__init__()
        self._targets = targets
        self._counts: dict[tuple[str, int, object], int] = {}
        self._left_out: dict[tuple[str, int, object], tuple[int, logging.LogRecord]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno != logging.INFO and isinstance(record.args, tuple) and len(record.args) > 1:
            key = (record.pathname, record.lineno, record.args[0])
            count = self._counts[key] = self._counts.get(key, 0) + 1
            if count > (_MOST_LINES if record.levelno > logging.INFO else _MOST_DETAILS):
                self._left_out[key] = (self._left_out.get(key, (0,))[0] + 1, record)
                return
        self._hand_on(record)

    def _hand_on(self, record: logging.LogRecord) -> None:
        for target in self._targets:
            if record.levelno >= target.level:
                target.handle(record)

    def close(self) -> None:
        for count, record in self._left_out.values():
            assert isinstance(record.args, tuple)
            told = copy.copy(record)
            told.msg = "%s: and %d more such lines, the last: %s"
            told.args = (record.args[0], count, record.getMessage())
            self._hand_on(told)
        self._left_out.clear()
        super().close()


class _RotatingAtMidnight(logging.handlers.TimedRotatingFileHandler):
    """Rotates by the date of the file itself, so also under a command that runs for seconds."""

    def __init__(self, path: Path, space: FreeSpace | None) -> None:
        super().__init__(path, when="midnight", backupCount=_DAYS_KEPT, encoding="utf-8", delay=True)
        self._space = space
        self._unlooked = 0
        self._is_full = False

    def _open(self) -> TextIOWrapper:
        return _opened(self.baseFilename)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, unless it takes of what shall stay free: then only how the run ends is told."""
        if not (self._is_full and not record.name.startswith("pypimirror.cli")):
            super().emit(record)
        self._unlooked += len(record.getMessage())
        if self._space and not self._is_full and self._unlooked > _LOOK_EVERY:
            self._unlooked = 0
            try:
                self._space.check(0)
            except DiskFullError as full:
                self._is_full = True
                _errors.append(full)

    def rotate(self, source: str, dest: str) -> None:
        # In a folder that takes no new files, as /var/log may, one long log is better than none.
        with contextlib.suppress(OSError):
            super().rotate(source, dest)

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep what is wrong with the log, for `check` to raise."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            error.filename = self.baseFilename
            _errors.append(error)
        else:
            super().handleError(record)


def _opened(path: str | os.PathLike[str]) -> TextIOWrapper:
    """Open a log to append to it; raise OSError, and wait for nobody, where that is no regular file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is no regular file; name another log_filename", str(path))
    return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")


def check() -> None:
    """Raise what kept a line from the log, if anything did: nobody would miss what is not there."""
    if _errors:
        error = _errors[0]
        raise error if isinstance(error, DiskFullError) else _why_not(error, Path(error.filename))


def start(config: Config, *, on_console: bool, on_terminal: bool = False) -> None:
    """Log to the configured file; raise LogError, or DiskFullError, where it can't be written.

    With `on_terminal` somebody watches, who is told the warnings.
    """
    if on_terminal and not on_console:
        _root.addHandler(_Warnings(config.log_filename))
    handler: logging.Handler = logging.NullHandler()
    if str(config.log_filename) != os.devnull:
        try:
            _opened(config.log_filename).close()
        except OSError as error:
            raise _why_not(error, config.log_filename) from error
        handler = _RotatingAtMidnight(config.log_filename, _space(config))
    _start(config, handler, on_console=on_console)


def _why_not(error: OSError, path: Path) -> MirrorError:
    full = full_or_itself(error)
    return full if isinstance(full, DiskFullError) else LogError(path, error.strerror or str(error))


def _space(config: Config) -> FreeSpace | None:
    """Return what shall stay free, where the log is on the mirror's own disk."""
    folder = config.log_filename.parent
    is_same = folder.stat().st_dev == config.mirror_file_path.stat().st_dev
    return FreeSpace(str(folder), config.min_free_space) if is_same else None


def tell_locked(config: Config, message: str, *, on_console: bool) -> None:
    """Log one line without rotating: the file is another run's."""
    path = config.log_filename
    if str(path) == os.devnull:
        return
    before = path.stat() if path.exists() else None
    _opened(path).close()  # raises where that can't be
    handler = _RotatingAtMidnight(path, None)
    handler.rolloverAt = sys.maxsize
    _start(config, handler, on_console=on_console)
    _root.info(message)
    handler.close()
    if before is not None:
        # The file's date decides when it is rotated, and that is the other run's business.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


class _Console(logging.StreamHandler[TextIO]):
    """The copy on standard error, which may go away."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def handleError(self, _record: logging.LogRecord) -> None:
        self.setLevel(logging.CRITICAL + 1)


class _Warnings(logging.Handler):
    """The first warnings, for one who watches; what failed is told when the run has ended."""

    def __init__(self, log: Path) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._told = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno != logging.WARNING or self._told > _MOST_LINES:
            return
        self._told += 1
        is_last = self._told > _MOST_LINES
        say(f"more warnings are in {self._log}" if is_last else without_secrets(record.getMessage()))


def _start(config: Config, handler: logging.Handler, *, on_console: bool) -> None:
    logging.raiseExceptions = False
    handlers = [handler, _Console()] if on_console else [handler]
    for each in handlers:
        each.setFormatter(_Printable(_FORMAT))
    _root.addHandler(_FirstOfEach(handlers))
    _root.setLevel(logging.DEBUG if config.verbose else logging.INFO)
    _root.propagate = False
