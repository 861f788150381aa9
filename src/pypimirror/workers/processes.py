"""The processes of the workers: how they start, how they are spoken to, and how they end.

Where the system allows it they are forks, which begin at once; spawned ones import everything anew.
"""

import logging
import math
import multiprocessing
import multiprocessing.connection
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from pypimirror.upstream import Upstream
from pypimirror.workers.messages import Batch, News, Task, dump, load
from pypimirror.workers.worker import SIGNALS, serve

_METHOD = "spawn" if sys.platform == "darwin" else "fork"
"""The libraries of macOS may not be used after a fork."""
_START_S = 60.0
"""What a process may take to begin, on a machine that is busy."""


class Worker:
    """One process, as the main one sees it."""

    def __init__(self, process: BaseProcess, connection: "Connection[Any, Any]") -> None:
        self.connection = connection
        self._process = process
        self.queued: list[tuple[int, Task[Any]]] = []
        """Tasks by their numbers, not sent yet."""
        self.takers: dict[int, Callable[[Any], None]] = {}
        """Who waits for the results of tasks, by their numbers."""
        self.silent_s = -_START_S
        """For how long it said nothing, by the clock of a main process that listens."""

    def send(self, message: object) -> None:
        """Send a message; that nobody takes it is known by silence, or read from the same pipe."""
        try:
            self.connection.send_bytes(dump(message))
        except BlockingIOError:
            self.silent_s = math.inf
        except OSError:
            pass

    def send_queued(self, *, threads: int) -> None:
        """Send the tasks that are queued, to be done in so many threads."""
        if self.queued:
            tasks, self.queued = tuple(self.queued), []
            self.send(Batch(tasks, threads))

    def receive(self) -> News:
        """Return what the worker says; raise EOFError or OSError where it is gone."""
        news: News = load(self.connection.recv_bytes())
        self.silent_s = 0.0
        return news

    def end(self) -> str:
        """End the process, if it has not by itself, and say how it ended."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        code = self._process.exitcode or 0
        hint = ", as the system does where memory is short: set fewer workers" * (code == -signal.SIGKILL)
        return f"was ended by signal {-code}{hint}" if code < 0 else f"ended with status {code}"


def start(connect: Callable[[], Upstream], patience_s: float) -> Worker:
    """Start a worker; one that takes nothing for so many seconds is given up."""
    context: Any = multiprocessing.get_context(_METHOD)
    ours, theirs = context.Pipe()
    level = logging.getLogger("pypimirror").getEffectiveLevel()
    try:
        # One that was stopped takes nothing, and shall not stop this one, too.
        with socket.socket(fileno=os.dup(ours.fileno())) as same:
            timeout = struct.pack("ll", max(1, int(patience_s)), 0)
            same.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
        process = context.Process(target=serve, args=(theirs, connect, level), daemon=True)
        _start(process)
    except BaseException:
        ours.close()  # which ends it, if it has begun
        raise
    finally:
        theirs.close()
    return Worker(process, ours)


def _start(process: BaseProcess) -> None:
    """Start a process; a signal that comes meanwhile, to this one or to a fork, has its turn afterwards."""
    if _METHOD == "spawn":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # which lets signals through when it begins
    came: list[int] = []
    handlers = {each: signal.signal(each, lambda number, _frame: came.append(number)) for each in SIGNALS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # which a spawned one inherits
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number in came:
            signal.raise_signal(number)


def wait(workers: Iterable[Worker], timeout: float) -> list[Worker]:
    """Return those that have something to say, or are gone; wait up to `timeout` seconds for the first."""
    ready = set(multiprocessing.connection.wait([each.connection for each in workers], timeout))
    return [each for each in workers if each.connection in ready]
