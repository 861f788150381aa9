"""What a process of the workers does: calls in threads, until the other side of its socket is gone.

It owns nothing: no lock, no state, no name in the tree. So it may be ended at any moment.
"""

import contextlib
import ctypes
import errno
import logging
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, NoReturn

from pypimirror.errors import BrokenWorkerError, MirrorError
from pypimirror.upstream import Upstream
from pypimirror.workers import wire
from pypimirror.workers.threads import Raised, Threads

_log = logging.getLogger(__name__)

_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 1 << 20

HEARTBEAT_S = 1.0
"""How often a worker says that it is alive."""


class Setup(NamedTuple):
    """The first message to a worker."""

    connect: Callable[[], Upstream]
    log_level: int


class Call(NamedTuple):
    """Something to do: `work` gets the upstream, and so many of the message's open files."""

    number: int
    work: Callable[..., object]
    files: int


class Batch(NamedTuple):
    """Calls, and in how many threads to do them."""

    calls: list[Call]
    threads: int


class RetryAfter(NamedTuple):
    """A host wants to be left alone for so many seconds: said by one worker, told to all."""

    host: str
    seconds: float


class GivenUp(NamedTuple):
    """A host failed so often in a row that nobody asks it any more: said by one worker, told to all."""

    host: str
    failures: int


class Alive(NamedTuple):
    """A sign of life, and how often the worker has tried again so far."""

    retries: int


class Done(NamedTuple):
    """What became of a call; beside it what the worker did so far, and its best latency."""

    number: int
    result: object
    requests: int
    latency: float
    retries: int


class Said(NamedTuple):
    """A line for the log."""

    logger: str
    level: int
    text: str


def serve(mine: socket.socket) -> NoReturn:
    """Obey until the other side is gone."""
    # Signals are for the main process: it ends its workers.
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    _give_back()
    try:
        _Worker(mine).work()
    except wire.ClosedError:
        os._exit(0)


def _give_back() -> None:
    """Let large blocks of memory go back to the system when they are freed.

    After one large page glibc would keep as much for each thread (mallopt(3), M_MMAP_THRESHOLD).
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)


class _Worker:
    def __init__(self, mine: socket.socket) -> None:
        self._socket = mine
        self._sending = threading.Lock()
        setup, _ = wire.receive(mine)
        _relay_log(setup.log_level, self._send)
        self._upstream: Upstream = setup.connect()
        self._upstream.holds.on_hold = lambda host, seconds: self._send(RetryAfter(host, seconds))
        self._upstream.breaker.on_open = lambda host, failures: self._send(GivenUp(host, failures))
        self._threads: Threads[Done] = Threads(1, self._deliver)

    def work(self) -> NoReturn:
        with contextlib.suppress(RuntimeError):  # results are signs of life, too
            threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        while True:
            message, files = wire.receive(self._socket)
            if isinstance(message, RetryAfter):
                self._upstream.holds.retry_after(*message)
                continue
            if isinstance(message, GivenUp):
                self._upstream.breaker.give_up(*message)
                continue
            self._threads.size = message.threads
            for call in message.calls:
                taken, files = files[: call.files], files[call.files :]
                self._threads.submit(partial(self._done, call, taken))

    def _beat(self) -> NoReturn:
        while True:
            self._send(Alive(self._upstream.breaker.retries))
            time.sleep(HEARTBEAT_S)

    def _done(self, call: Call, files: list[int]) -> Done:
        try:
            result = call.work(self._upstream, *map(_taken, files))
        except OSError as error:
            result = Raised(_sendable(error))  # the machine's, and the run's
        except MirrorError as error:
            result = _sendable(error)
        except BaseException as error:  # noqa: BLE001 (whatever it is, it costs one task)
            _log.error("a bug in a worker", exc_info=error)
            result = BrokenWorkerError(f"a worker failed ({error!r}); the log has the details")
        upstream = self._upstream
        return Done(call.number, result, upstream.requests, upstream.latency, upstream.breaker.retries)

    def _deliver(self, done: Done | Raised) -> None:
        assert isinstance(done, Done)
        try:
            self._send(done)
        except BaseException as error:  # noqa: BLE001 (nobody else would tell that the task is over)
            broken = BrokenWorkerError(
                f"the result of a worker can't be sent ({type(error).__name__}: {error})"
            )
            self._send(done._replace(result=broken))

    def _send(self, message: object) -> None:
        try:
            with self._sending:
                wire.send(self._socket, message, [])
        except wire.ClosedError:
            os._exit(0)


def _taken(file: int) -> int:
    if file == wire.NO_FILE:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return file


def _sendable(error: BaseException) -> BaseException:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (made here)
    except Exception:  # noqa: BLE001 (whatever it is, its text tells)
        return RuntimeError(repr(error))
    return error


def _relay_log(level: int, send: Callable[[object], None]) -> None:
    root = logging.getLogger("pypimirror")
    root.handlers[:] = [_Relay(send)]
    root.setLevel(level)
    root.propagate = False


class _Relay(logging.Handler):
    """Lets the main process write what is to be logged: the file is its own."""

    def __init__(self, send: Callable[[object], None]) -> None:
        super().__init__()
        self._send_message = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send_message(Said(record.name, record.levelno, self.format(record)))
