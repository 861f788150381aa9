"""The command: every way in which it can end, and its exit status. The only catch-all is here."""

import logging
import signal
import sqlite3
import sys
from collections.abc import Sequence
from types import FrameType

from pypimirror import __version__
from pypimirror.cli import arguments, command, logs
from pypimirror.cli.status import Status
from pypimirror.errors import ConfigError, MirrorError

__all__ = ["main"]

_log = logging.getLogger(__name__)


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; no Exception, so that nothing in between takes it for an error."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.status = 128 + signum


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit status."""
    logs.silence()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    sys.exit(_status(sys.argv[1:] if argv is None else argv))


def _status(argv: Sequence[str]) -> int:
    try:
        return command.run(arguments.parse(argv))
    except Interrupted as interrupt:
        _log.warning("interrupted by a signal; what is there is whole")
        return interrupt.status
    except ConfigError as error:
        return _ended(str(error), Status.USAGE)
    except (MirrorError, sqlite3.Error) as error:
        return _ended(str(error), Status.ERROR)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _ended(f"{place}{error.strerror or error}", Status.ERROR)
    except Exception as error:  # noqa: BLE001 (the one catch-all: the log gets the traceback)
        _log.exception("a bug in pypimirror %s", __version__)
        return _ended(f"a bug in pypimirror ({error!r}); the log has the details", Status.ERROR)


def _interrupt(signum: int, _frame: FrameType | None) -> None:
    # Once is enough: what tidies up now must not be interrupted by another one.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(signum)


def _ended(message: str, status: Status) -> int:
    _log.error("%s", message)
    print(f"pypimirror: {message}", file=sys.stderr)
    return status
