"""What a process of the workers does: tasks in threads, until the other end of its pipe is closed.

It owns nothing: no lock, no state, no name in the tree. So it may be ended at any moment.
"""

import contextlib
import ctypes
import gc
import logging
import os
import queue
import signal
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from pypimirror.errors import BrokenWorkerError, MirrorError
from pypimirror.workers.messages import (
    HEARTBEAT_S,
    Batch,
    Done,
    Figures,
    GivenUp,
    Message,
    News,
    Raised,
    RetryAfter,
    Said,
    Setup,
    Task,
    dump,
    load,
    packed,
)

_log = logging.getLogger(__name__)

_MAX_THREADS = 32
_MOMENT_S = 0.002
"""What comes within it goes as one message: each costs both sides something."""
_MOST_DESCRIPTORS = 1024
_BROKEN = 1
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 1 << 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""They are for the main process, which ends its workers."""


def serve(connection: "Connection[Any, Any]", setup: Setup) -> NoReturn:
    """Obey until the other side is gone."""
    gc.freeze()  # what the main process had is not ours to close, and is not looked through
    keep = connection.fileno()
    os.closerange(3, keep)
    os.closerange(keep + 1, _MOST_DESCRIPTORS)
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    _give_back()
    status = 1
    try:
        _Worker(connection, setup).work()
    except (EOFError, OSError):
        status = 0
    finally:
        os._exit(status)


def _give_back() -> None:
    """Let large blocks of memory go back to the system when they are freed.

    After one large page glibc would keep as much for each thread (mallopt(3), M_MMAP_THRESHOLD).
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)


class _Worker:
    def __init__(self, connection: "Connection[Any, Any]", setup: Setup) -> None:
        self._connection = connection
        self._news: queue.SimpleQueue[Message] = queue.SimpleQueue()
        _relay_log(setup.log_level, self._news)
        self._upstream = setup.connect()
        self._upstream.holds.on_hold = lambda host, seconds: self._news.put(RetryAfter(host, seconds))
        self._upstream.breaker.on_open = lambda host, failures: self._news.put(GivenUp(host, failures))
        self._executor = ThreadPoolExecutor(_MAX_THREADS)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Task[Any]]] = deque()
        self._running = 0
        self._threads = 1

    def work(self) -> NoReturn:
        """Take what comes; raise EOFError when nothing will."""
        self._say([])  # it has begun
        has_threads = self._has_threads()
        while True:
            message = load(self._connection.recv_bytes())
            if isinstance(message, RetryAfter):
                self._upstream.holds.retry_after(*message)
            elif isinstance(message, GivenUp):
                self._upstream.breaker.give_up(*message)
            elif has_threads:
                self._take(message)
            else:
                self._do_alone(message)

    def _has_threads(self) -> bool:
        """Start the thread that reports and one that works; tell whether the system has such."""
        try:
            self._executor.submit(int).result()
            threading.Thread(target=self._report, name="report", daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _do_alone(self, batch: Batch) -> None:
        for number, task in batch.tasks:
            done = Done(number, packed(self._result(task)))
            self._say([*self._waiting_news(), done])

    def _take(self, batch: Batch) -> None:
        with self._lock:
            self._threads = batch.threads
            self._waiting += batch.tasks
        self._begin()

    def _begin(self) -> None:
        """Begin as many tasks as there may be threads."""
        with self._lock:
            while self._waiting and self._running < self._threads:
                self._running += 1
                # Where the system has no more threads, those that there are do it.
                with contextlib.suppress(RuntimeError):
                    self._executor.submit(self._do, *self._waiting.popleft())

    def _do(self, number: int, task: Task[Any]) -> None:
        try:
            while True:
                self._news.put(Done(number, packed(self._result(task))))
                with self._lock:
                    if not self._waiting or self._running > self._threads:
                        self._running -= 1
                        return
                    number, task = self._waiting.popleft()
        except BaseException:  # noqa: BLE001 (as where memory is short: else nobody would miss the task)
            os._exit(_BROKEN)

    def _result(self, task: Task[Any]) -> object:
        try:
            return task.run(self._upstream)
        except OSError as error:
            return Raised(error)  # the machine's, and the run's
        except MirrorError as error:
            return error
        except BaseException as error:  # noqa: BLE001 (whatever it is, it costs one task)
            _log.error("a bug in a worker", exc_info=error)
            return BrokenWorkerError(f"a worker failed ({error!r}); the log has the details")

    def _report(self) -> NoReturn:
        """Say what there is to say, and now and then that this process is alive."""
        try:
            while True:
                self._say(self._messages())
        finally:
            os._exit(0)  # nobody is there

    def _say(self, messages: list[Message]) -> None:
        upstream = self._upstream
        figures = Figures(upstream.requests, upstream.breaker.retries, upstream.latency)
        self._connection.send_bytes(dump(News(messages, figures)))

    def _messages(self) -> list[Message]:
        """Wait for something to say, but no longer than a heartbeat, and return all there is."""
        with contextlib.suppress(queue.Empty):
            first = self._news.get(timeout=HEARTBEAT_S)
            time.sleep(_MOMENT_S)
            return [first, *self._waiting_news()]
        return []

    def _waiting_news(self) -> list[Message]:
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._news.get_nowait())
        return found


def _relay_log(level: int, news: "queue.SimpleQueue[Message]") -> None:
    root = logging.getLogger("pypimirror")
    _kept.extend(root.handlers)
    root.handlers[:] = [_Relay(news)]
    root.setLevel(level)
    root.propagate = False


_kept: list[logging.Handler] = []
"""The main process's: closing their files here would close others of the same number."""


class _Relay(logging.Handler):
    """Lets the main process write what is to be logged: the file is its own."""

    def __init__(self, news: "queue.SimpleQueue[Message]") -> None:
        super().__init__()
        self._news = news

    def emit(self, record: logging.LogRecord) -> None:
        self._news.put(Said(record.name, record.levelno, self.format(record)))
