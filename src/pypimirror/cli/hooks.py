"""Commands that are called when a run is over: without a shell, for a bounded time, with a log."""

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from pypimirror.addresses import without_secrets
from pypimirror.cli import signals, watchdog

_log = logging.getLogger(__name__)

_LOOK_S = 0.2
_LINES_KEPT = 200
_BLOCK = 1 << 16
_BLOCKS_BEHIND = 64
"""That are still read of a pipe whose command ended: what it left running may write for ever."""
_LAST_SHOWN = 200


def call(name: str, words: Sequence[str], environment: Mapping[str, str], *, timeout: float) -> str | None:
    """Run a command to its end, and log what it says; return what went wrong, if anything did.

    Its whole process group is ended after `timeout` seconds, where an exception such as a signal's comes, and
    where this process is killed.
    """
    _log.info("%s: calls %s", name, words[0])  # its words may hold a secret
    output = _Output(name)
    process = None
    try:
        with signals.postponed():
            process = _started(words, environment)
        with watchdog.watched(process.pid):
            is_over = _wait(process, output, time.monotonic() + timeout)
    except FileNotFoundError:
        place = "" if "/" in words[0] else f" in the folders of PATH ({os.environ.get('PATH', '')})"
        return f"there is no command {words[0]}{place}; name it with its whole path in {name}"
    except OSError as error:
        return f"{words[0]} can't be called ({error.strerror}); is it a program, or a script with #! on top?"
    finally:
        if process is not None:
            _end(process)
            output.finish()
    if not is_over:
        return f"{words[0]} took longer than hook_timeout = {timeout:g} seconds, and was ended{output.told()}"
    status = process.returncode
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return f"{words[0]} ended with {how}{output.told()}" if status else None


def _started(words: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        words,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait(process: "subprocess.Popen[bytes]", output: "_Output", until: float) -> bool:
    """Take what a command says until it ended; False where that takes too long.

    What it left running may hold the pipe open, and is not waited for.
    """
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not selector.get_map():  # nobody holds the pipe any more
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(left)
            elif selector.select(min(_LOOK_S, left)) and _take(pipe, output) == 0:
                selector.unregister(pipe)
            if process.poll() is not None:
                for _ in range(_BLOCKS_BEHIND):
                    if not _take(pipe, output):
                        break
                return True
    return False


def _take(pipe: int, output: "_Output") -> int | None:
    """Take what is there now; return its length, 0 at the end, None where there is nothing yet."""
    try:
        block = os.read(pipe, _BLOCK)
    except BlockingIOError:
        return None
    output.feed(block)
    return len(block)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command that is still at work, with all that it started; let go of its pipe."""
    try:
        if process.poll() is None:
            watchdog.end(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(watchdog.GRACE_S)
            watchdog.end(process.pid, signal.SIGKILL)
            process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()


class _Output:
    """What a command says, line by line into the log: the first lines, and the number of the others."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest = b""
        self._lines = 0
        self._last = ""

    def feed(self, block: bytes) -> None:
        *lines, self._rest = (self._rest + block).split(b"\n")
        self._rest = self._rest[-_BLOCK:]
        for line in lines:
            self._line(line)

    def finish(self) -> None:
        if self._rest:
            self._line(self._rest)
        if self._lines > _LINES_KEPT:
            _log.info("%s said %s more lines", self._name, f"{self._lines - _LINES_KEPT:,}")

    def _line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if not text:
            return
        self._last = text
        self._lines += 1
        if self._lines <= _LINES_KEPT:
            _log.info("%s: %s", self._name, text)

    def told(self) -> str:
        return f": {without_secrets(self._last)[-_LAST_SHOWN:]}" if self._last else ""
