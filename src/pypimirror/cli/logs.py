"""The log file, and its copy on the console."""

import contextlib
import logging
import logging.handlers
import os
import sys
from pathlib import Path

from pypimirror.addresses import without_secrets
from pypimirror.config import Config
from pypimirror.store import full_or_itself

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"
_DAYS_KEPT = 14

_root = logging.getLogger("pypimirror")


_errors: list[OSError] = []


class _RotatingAtMidnight(logging.handlers.TimedRotatingFileHandler):
    """Rotates by the date of the file itself, so also under a command that runs for seconds."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, when="midnight", backupCount=_DAYS_KEPT, encoding="utf-8", delay=True)

    def rotate(self, source: str, dest: str) -> None:
        # In a folder that takes no new files, as /var/log may, one long log is better than none.
        with contextlib.suppress(OSError):
            super().rotate(source, dest)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (its name in logging)
        """Keep what is wrong with the log, for `check` to raise."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            error.filename = self.baseFilename
            _errors.append(error)
        else:
            super().handleError(record)


class _WithoutSecrets(logging.Formatter):
    """Shows of addresses what may be shown, whoever logs them."""

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


def check() -> None:
    """Raise the OSError that kept a line from the log, if any did: nobody would miss what is not there."""
    if _errors:
        raise full_or_itself(_errors[0])


def start(config: Config, *, on_console: bool) -> None:
    """Log to the configured file; raise OSError where it can't be written."""
    config.log_filename.open("ab").close()
    _start(config, _RotatingAtMidnight(config.log_filename), on_console=on_console)


def tell_locked(config: Config, message: str, *, on_console: bool) -> None:
    """Log one line without rotating: the file is another run's."""
    path = config.log_filename
    before = path.stat() if path.exists() else None
    handler = logging.FileHandler(path, encoding="utf-8")
    _start(config, handler, on_console=on_console)
    _root.info(message)
    handler.close()
    if before is not None:
        # The file's date decides when it is rotated, and that is the other run's business.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _start(config: Config, handler: logging.Handler, *, on_console: bool) -> None:
    logging.raiseExceptions = False
    handlers = [handler, logging.StreamHandler(sys.stderr)] if on_console else [handler]
    for each in handlers:
        each.setFormatter(_WithoutSecrets(_FORMAT))
        _root.addHandler(each)
    _root.setLevel(logging.DEBUG if config.verbose else logging.INFO)
    _root.propagate = False
