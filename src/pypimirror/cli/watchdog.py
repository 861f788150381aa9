"""Ends a command with all that it started where the run that called it is killed, and can't do so itself.

A run can look after its commands as long as it lives. So this file is also a program of its own: for each
command a process waits at a pipe whose other end the run alone has, and which the system closes with it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

GRACE_S = 5.0
"""Between SIGTERM and SIGKILL."""
_OVER = b"."


@contextlib.contextmanager
def watched(group: int) -> Iterator[None]:
    """End a process group if this process ends within the block without leaving it."""
    try:
        watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, str(group)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:  # no process more: the command that there is needs it most
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            watchdog.communicate(_OVER)


def end(group: int, signum: int) -> None:
    """Send a signal to all processes of a group, where there is one that may be sent any."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signum)


def _watch(group: int) -> None:
    if sys.stdin.buffer.read():
        return
    end(group, signal.SIGTERM)
    time.sleep(GRACE_S)
    end(group, signal.SIGKILL)


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
