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
    except MemoryError:
        return BrokenWorkerError(TOO_LITTLE_MEMORY)
    except BaseException as error:  # noqa: BLE001 (a bug costs one project, file or link, not the run)
        _log.error("a bug in a worker", exc_info=error)
        return BrokenWorkerError(f"a bug in pypimirror ({error!r}); the log has the details")
