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
from collections.abc import Callable
from functools import partial
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from typing import Any, NoReturn

from pypimirror.upstream import LeftAlone, Upstream
from pypimirror.workers.guard import guarded
from pypimirror.workers.messages import HEARTBEAT_S, Done, Message, News, Raised, Task, dump, load, packed
from pypimirror.workers.threads import Threads

_MOMENT_S = 0.002
"""What comes within it goes as one message: each costs both sides something."""
_MOST_DESCRIPTORS = 1024
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 1 << 20
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""They are for the main process, which ends its workers."""


def serve(connection: "Connection[Any, Any]", connect: Callable[[], Upstream], log_level: int) -> NoReturn:
    """Do what the main process asks for, until its end of the pipe is closed."""
    gc.freeze()  # what the main process had is not ours to close, and is not looked through
    keep = connection.fileno()
    os.closerange(3, keep)
    os.closerange(keep + 1, _MOST_DESCRIPTORS)
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    # A thread that ends, as where memory is short, loses its task: nobody would miss that.
    threading.excepthook = lambda _error: os._exit(1)
    _give_back()
    status = 1
    try:
        _Server(connection, connect, log_level).work()
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


class _Server:
    def __init__(
        self, connection: "Connection[Any, Any]", connect: Callable[[], Upstream], log_level: int
    ) -> None:
        self._connection = connection
        self._news: queue.SimpleQueue[Message] = queue.SimpleQueue()
        log = logging.getLogger("pypimirror")
        # Those of the main process: closing their files here would close others of the same number.
        self._not_ours, log.handlers = log.handlers, [QueueHandler(self._news)]
        log.setLevel(log_level)
        log.propagate = False
        self._upstream = connect()
        self._upstream.hosts.on_news = self._news.put
        self._threads = Threads[Done](1, self._news.put)
        self._requests = self._retries = 0
        """Those that were told."""

    def work(self) -> NoReturn:
        """Take what comes; raise EOFError when nothing will."""
        self._say([])  # it has begun
        is_reporting = self._begins_to_report()
        while True:
            message = load(self._connection.recv_bytes())
            if isinstance(message, LeftAlone):
                self._upstream.hosts.leave_alone(message)
                continue
            self._threads.size = message.threads
            for number, task in message.tasks:
                if is_reporting:
                    self._threads.submit(partial(self._done, number, task))
                else:
                    self._news.put(self._done(number, task))
                    self._say(self._waiting())

    def _begins_to_report(self) -> bool:
        """Start the thread that reports; tell whether the system has one."""
        try:
            threading.Thread(target=self._report, name="report", daemon=True).start()
        except RuntimeError:
            return False
        return True

    def _done(self, number: int, task: Task[Any]) -> Done:
        try:
            result: object = guarded(partial(task.run, self._upstream))
        except OSError as error:
            result = Raised(error)  # the machine's, and the run's
        return Done(number, packed(result))

    def _report(self) -> NoReturn:
        """Say what there is to say, and now and then that this process is alive; raise OSError at its end."""
        while True:
            try:
                first = self._news.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                self._say([])
            else:
                time.sleep(_MOMENT_S)
                self._say([first, *self._waiting()])

    def _say(self, messages: list[Message]) -> None:
        upstream, before = self._upstream, (self._requests, self._retries)
        self._requests, self._retries = upstream.requests, upstream.hosts.retries
        since = self._requests - before[0], self._retries - before[1]
        self._connection.send_bytes(dump(News(messages, *since, upstream.latency)))

    def _waiting(self) -> list[Message]:
        found = []
        with contextlib.suppress(queue.Empty):
            while True:
                found.append(self._news.get_nowait())
        return found
