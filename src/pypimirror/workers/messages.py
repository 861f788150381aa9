"""What the main process and its workers say to each other, pickled, over pipes.

Results come packed one by one, so that one that can't be sent costs its own task alone.
"""

import logging
import pickle
from typing import Any, NamedTuple, Protocol, TypeVar

from pypimirror.errors import TOO_LITTLE_MEMORY, BrokenWorkerError
from pypimirror.upstream import LeftAlone, Upstream

MOST_BYTES = 1 << 28
"""Of one result: what is longer would cost both sides too much memory."""

HEARTBEAT_S = 1.0
"""So often a worker says something at least."""

R_co = TypeVar("R_co", covariant=True)


class Task(Protocol[R_co]):
    """Something to do, as a frozen value that can be pickled."""

    def run(self, upstream: Upstream, /) -> R_co:
        """Do it; a MirrorError that it raises is its result, an OSError is raised where results are taken."""


class Batch(NamedTuple):
    """Tasks by their numbers, and in how many threads to do them."""

    tasks: tuple[tuple[int, Task[Any]], ...]
    threads: int


class Raised(NamedTuple):
    """What a task raised: something is wrong with the machine."""

    error: OSError


class Done(NamedTuple):
    """What became of a task, packed."""

    number: int
    result: bytes


Message = Done | logging.LogRecord | LeftAlone


class News(NamedTuple):
    """All that a worker has to say, in its order; nothing is a sign of life."""

    messages: list[Message]
    requests: int
    """So many were sent since the last news."""
    retries: int
    latency: float
    """The best so far, in seconds."""


def dump(message: object) -> bytes:
    """Return a message as bytes."""
    return pickle.dumps(message, pickle.HIGHEST_PROTOCOL)


def load(content: bytes) -> Any:
    """Return the message that bytes are, which are this program's own at both ends."""
    return pickle.loads(content)  # noqa: S301 (as said)


def packed(result: object) -> bytes:
    """Pack a result, or say as an error why it can't be sent."""
    try:
        found = dump(result)
        if isinstance(result, BaseException | Raised):
            load(found)  # an error may be one that can't be made again
        reason = f"it has {len(found)} bytes" if len(found) > MOST_BYTES else ""
    except MemoryError:
        return dump(BrokenWorkerError(TOO_LITTLE_MEMORY))
    except Exception as error:  # noqa: BLE001 (whatever it is, nobody else would tell that the task is over)
        reason = f"{type(error).__name__}: {error}; it is {repr(result)[:200]}"
    if not reason:
        return found
    return dump(BrokenWorkerError(f"the result of a worker can't be sent ({reason})"))


def unpacked(result: bytes) -> Any:
    """Return a result; what is wrong with the machine is raised."""
    found = load(result)
    if isinstance(found, Raised):
        raise found.error
    return found
