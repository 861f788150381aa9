"""The command: every way in which it can end, and its exit status. The only catch-all is here."""

import errno
import gc
import logging
import sys
from collections.abc import Sequence

from pypimirror import __version__
from pypimirror.cli import console, signals
from pypimirror.disk import full_or_itself
from pypimirror.errors import ConfigError, DiskFullError, MirrorError
from pypimirror.report.exit_status import Status

__all__ = ["main"]

_HINTS = {
    errno.EACCES: "; run pypimirror as the user who owns the mirror, and give that user the right",
    errno.EPERM: "; run pypimirror as the user who owns the mirror, and give that user the right",
    errno.EROFS: "; mount its file system for writing",
    errno.EMFILE: "; set fewer workers, or allow more open files (ulimit -n)",
    errno.ENFILE: "; the whole machine has too many files open",
    errno.EIO: "; its disk may be failing: look at the system's log",
}
"""What to do about errors of the machine."""

_GC_THRESHOLD = 100_000
"""Objects made before the collector looks for cycles; at Python's 700 that is a fifth of a run."""

_log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit status."""
    # What libraries warn of, and our own words before the log is there, are not for the console.
    logging.getLogger().addHandler(logging.NullHandler())
    console.prepare()
    try:
        status = _status(sys.argv[1:] if argv is None else argv)
    finally:
        console.finish()
    sys.exit(status)


def _status(argv: Sequence[str]) -> int:
    try:
        signals.install()
        # Slow to import: a signal that comes now has to find its handler.
        from pypimirror.cli import arguments, command  # noqa: PLC0415

        # What was imported stays: nobody has to look through it again. What comes is values without cycles.
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)
        status = command.run(arguments.parse(argv))
        signals.check()
    except signals.Interrupted as interrupt:
        _log.error("interrupted by a signal; what is there is whole")
        console.say_on_terminal("interrupted; what is there is whole, and the next run goes on")
        return interrupt.status
    except ConfigError as error:
        console.say(*f"pypimirror: {error}".split("\n"))  # before the log is there
        return Status.USAGE
    except MirrorError as error:
        return _ended(str(error), Status.FULL if isinstance(error, DiskFullError) else Status.ERROR)
    except OSError as error:
        return _machine_failed(error)
    except Exception as error:  # noqa: BLE001 (the one catch-all: the log gets the traceback)
        _log.exception("a bug in pypimirror %s", __version__)
        return _ended(f"a bug in pypimirror ({error!r}); the log has the details", Status.ERROR)
    return status


def _machine_failed(error: OSError) -> int:
    full = full_or_itself(error)
    if isinstance(full, DiskFullError):
        return _ended(str(full), Status.FULL)
    place = f"{error.filename}: " if error.filename else ""
    return _ended(f"{place}{error.strerror or error}{_HINTS.get(error.errno or 0, '')}", Status.ERROR)


def _ended(message: str, status: Status) -> int:
    _log.error("%s", message)
    console.say(f"pypimirror: {message}")
    return status
