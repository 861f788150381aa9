"""The command: every way in which it can end, and its exit status. The only catch-all is here."""

import errno
import gc
import logging
import sys
from collections.abc import Sequence

from pypimirror import __version__
from pypimirror.cli import arguments, console, signals
from pypimirror.cli.arguments import Arguments
from pypimirror.disk import full_or_itself, why_failed
from pypimirror.errors import (
    TOO_LITTLE_MEMORY,
    ConfigError,
    DiskFullError,
    MirrorError,
    NoMirrorError,
    UsageError,
)
from pypimirror.report.exit_status import Status

__all__ = ["main"]

_HINTS = {
    errno.EACCES: "; run pypimirror as the user who owns the mirror, and give that user the right",
    errno.EPERM: "; run pypimirror as the user who owns the mirror, and give that user the right",
    errno.EROFS: "; mount its file system for writing",
    errno.EMFILE: "; set fewer workers, or allow more open files (ulimit -n)",
    errno.EAGAIN: "; allow more processes (ulimit -u), or set fewer workers",
    errno.ENOMEM: f"; {TOO_LITTLE_MEMORY}",
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
        gc.freeze()  # else Python looks through all that was imported once more, before it ends
    sys.exit(status)


def _status(argv: Sequence[str]) -> int:
    args: Arguments | None = None
    try:
        signals.install()
        # What is imported stays, and what comes is values without cycles.
        gc.set_threshold(_GC_THRESHOLD)
        args = arguments.parse(argv)
        # Slow to import: a signal that comes now has to find its handler, and --help needs none of it.
        from pypimirror.cli import modes

        status = modes.run(args)
        signals.check()
        signals.end()
    except signals.Interrupted as interrupt:
        _log.error("interrupted by a signal; what is there is whole")
        console.say_on_terminal("interrupted; what is there is whole, and the next run goes on")
        return interrupt.status
    except Exception as error:  # noqa: BLE001 (the one catch-all: the log gets the traceback of a bug)
        return _failed(error, args, argv)
    return status


def _failed(error: Exception, args: Arguments | None, argv: Sequence[str]) -> Status:
    """Tell what ended a run, in the log and on standard error; return its status."""
    from pypimirror.cli import news  # a run that ends well needs none of it

    status, lines = _told(error)
    if status is not Status.USAGE:  # that is told before the log is there
        _log.error("%s", lines[0])
    first = "" if isinstance(error, UsageError) else "pypimirror: "
    is_news = news.tell_error((f"{first}{lines[0]}", *lines[1:]), status, args, argv)
    if isinstance(error, NoMirrorError) and args is not None and not args.is_dry:
        from pypimirror import config
        from pypimirror.cli import report_files  # slow, and seldom needed

        configuration = config.load(args.config, args.overrides)
        report_files.note_refused(configuration, args.mode, lines[0], is_news=is_news)
    return status


def _told(error: Exception) -> tuple[Status, list[str]]:
    """Return the status of a run that an error ended, and the lines that say what happened."""
    if isinstance(error, UsageError):
        return Status.USAGE, [*error.usage.split("\n"), f"pypimirror: {error}"]
    if isinstance(error, ConfigError):
        return Status.USAGE, str(error).split("\n")
    if isinstance(error, OSError):
        error = full_or_itself(error)
    if isinstance(error, DiskFullError):
        return Status.FULL, [str(error)]
    if isinstance(error, MirrorError | MemoryError):
        return Status.ERROR, [TOO_LITTLE_MEMORY if isinstance(error, MemoryError) else str(error)]
    if isinstance(error, OSError):
        return Status.ERROR, [f"{why_failed(error)}{_HINTS.get(error.errno or 0, '')}"]
    _log.error("a bug in pypimirror %s", __version__, exc_info=error)
    return Status.ERROR, [f"a bug in pypimirror ({error!r}); the log has the details"]
