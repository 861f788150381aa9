"""SIGINT and SIGTERM end a run within seconds."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_received: list[int] = []

_AGAIN_S = 0.02
"""When a signal is raised again that came where it could not be."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; a BaseException, so that whoever catches errors lets it pass."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.status = 128 + signum


def install() -> None:
    """Raise Interrupted in the main thread when a signal comes."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _interrupt)
    sys.unraisablehook = _unraisable


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
    check()


def check() -> None:
    """Raise Interrupted where a signal came, and its exception got lost or is still to come."""
    if _received:
        _interrupt(_received[0], None)


def end() -> None:
    """Let no signal interrupt what is left to do: it is little."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(signum, signal.SIG_IGN)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        # Compiled modules of libraries were seen to crash on an exception while they are imported.
        _interrupt_later(signum)
        return
    end()  # once is enough: what tidies up now must not be interrupted by another one
    _received[:] = [signum]
    raise Interrupted(signum)


def _interrupt_later(signum: int) -> None:
    _received[:] = [signum]
    signal.signal(signal.SIGALRM, lambda _signum, frame: _interrupt(signum, frame))
    signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def _unraisable(unraisable: "UnraisableHookArgs") -> None:
    """Let what a destructor or another callback could not raise be raised a moment later."""
    lost = unraisable.exc_value
    if isinstance(lost, Interrupted):
        _interrupt_later(lost.signum)
    else:
        sys.__unraisablehook__(unraisable)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
