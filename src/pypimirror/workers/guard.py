"""Errors as values: what one task meets costs that task alone."""

import logging
from collections.abc import Callable
from typing import TypeVar

from pypimirror.errors import TOO_LITTLE_MEMORY, BrokenWorkerError, MirrorError

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


def guarded(work: Callable[[], _T]) -> _T | MirrorError:
    """Call `work`, with errors of upstream's as values, and bugs of ours; those of the machine are raised."""
    try:
        return work()
    except MirrorError as error:
        return error
    except OSError:
        raise
    except BaseException as error:  # noqa: BLE001 (a bug costs one project, file or link, not the run)
        return broken(error)


def broken(error: BaseException) -> BrokenWorkerError:
    """Log a bug of ours, which lack of memory is not, and return what is told of it."""
    if isinstance(error, MemoryError):
        return BrokenWorkerError(TOO_LITTLE_MEMORY)
    _log.error("a bug in a worker", exc_info=error)
    return BrokenWorkerError(f"a bug in pypimirror ({error!r}); the log has the details")
