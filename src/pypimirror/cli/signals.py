"""SIGINT and SIGTERM end a run within seconds."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

_received: list[int] = []

_AGAIN_S = 0.02
"""When it is looked again whether an import is over, in which a signal came."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; no Exception, so that nothing in between takes it for an error."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.status = 128 + signum


def install() -> None:
    """Raise Interrupted in the main thread when a signal comes."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Let a signal that comes within the block raise Interrupted at its end."""
    signums = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(signum, lambda signum, _frame: _received.append(signum)) for signum in signums]
    try:
        yield
    finally:
        for signum, handler in zip(signums, before, strict=True):
            signal.signal(signum, handler)
    if _received:
        _interrupt(_received.pop(0), None)


def check() -> None:
    """Raise Interrupted where a signal came and its exception got lost, as it does in a destructor."""
    if _received:
        raise Interrupted(_received[0])


def _interrupt(signum: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        # Compiled modules of libraries were seen to crash on an exception while they are imported.
        signal.signal(signal.SIGALRM, lambda _signum, later: _interrupt(signum, later))
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        return
    # Once is enough: what tidies up now must not be interrupted by another one.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
    _received.append(signum)
    raise Interrupted(signum)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
