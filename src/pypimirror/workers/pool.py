"""Processes that make the requests, so that the main one's interpreter is free for state and pages.

They are started before the lock is taken and the state is opened, so they have neither.
"""

import contextlib
import itertools
import logging
import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Generic, TypeVar

from pypimirror.errors import BrokenWorkerError
from pypimirror.upstream import Upstream
from pypimirror.workers import wire, worker
from pypimirror.workers.threads import Raised

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_MAX_PROCESSES = 4
"""More would wait for the main one."""
_MIN_THREADS = 4
_MAX_THREADS = 32
"""Of one process."""
_BUSY_S = 0.0007
"""What the interpreter does for one request."""
_AHEAD = 64
"""Tasks queued beyond the number of threads, so that none idles while the main process stores and records."""
_MOST_DEATHS = 16
"""So often a process that died is replaced in a run."""
_START_S = 60.0
"""What a process may take to begin, on a machine that is busy."""
_FEW = 16
_MOMENT_S = 0.002
_MOST_DESCRIPTORS = 1024
_SERVE = (
    "import socket, sys; from pypimirror.workers import worker;"
    "worker.serve(socket.socket(fileno=int(sys.argv[1])))"
)
_CAN_FORK = sys.platform != "darwin"
"""The libraries of macOS may not be used after a fork."""


class _Worker:
    """One process, as the main one sees it."""

    def __init__(self, pid: int, its_socket: socket.socket) -> None:
        self.pid = pid
        self.socket = its_socket
        self.inbox = wire.Inbox(its_socket)
        self.calls: list[worker.Call] = []
        self.files: list[BinaryIO] = []
        self.unfinished: set[int] = set()
        self.requests = 0
        self.retries = 0
        self.latency = math.inf
        self.silent_s = 0.0
        """For how long it said nothing, by the clock of a main process that listens."""
        self.has_begun = False


class Workers(Generic[_T]):
    """Does calls with an Upstream in other processes; each submitted task comes back with its result.

    `parallel` is how many calls are done at once; None is as many as suit the machine and the latency.
    """

    def __init__(
        self,
        connect: Callable[[], Upstream],
        *,
        parallel: int | None,
        processes: int,
        log_level: int = logging.INFO,
        patience_s: float = 60.0,
    ) -> None:
        self._setup = worker.Setup(connect, log_level)
        self._patience_s = patience_s
        self._listened = time.monotonic()
        self._deaths = 0
        self.given_up: dict[str, int] = {}
        """Hosts that are not asked any more, and after how many failures in a row."""
        self._parallel = parallel
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()
        self._numbers = itertools.count()
        self._tasks: dict[int, _T] = {}
        self._requests_of_the_dead = 0
        self._retries_of_the_dead = 0
        self.latency = math.inf
        """The best that the main process saw, in seconds."""
        self.is_far = False
        """Whether tasks are for hosts whose answers take long, whatever those of the others took."""
        for _ in range(processes if parallel is None else min(processes, parallel)):
            self._start(_forked if _CAN_FORK else _executed)

    # -- processes -------------------------------------------------------------------------------

    def _start(self, begin: Callable[[socket.socket], int]) -> None:
        ours, theirs = socket.socketpair()
        sys.stderr.flush()
        pid = begin(theirs)
        theirs.close()
        # One that was stopped takes nothing, and shall not stop this one, too.
        ours.settimeout(self._patience_s)
        started = _Worker(pid, ours)
        self._workers.append(started)
        self._selector.register(ours, selectors.EVENT_READ, started)
        wire.send(ours, self._setup, [])
        for host, failures in self.given_up.items():
            wire.send(ours, worker.GivenUp(host, failures), [])

    def close(self) -> None:
        """End all processes at once."""
        for each in self._workers:
            each.socket.close()
            _ended(each.pid)
        self._workers.clear()
        self._selector.close()

    def requests_made(self) -> int:
        """Return how many requests were sent so far."""
        return self._requests_of_the_dead + sum(each.requests for each in self._workers)

    def retries_made(self) -> int:
        """Return how many of the requests were tried again so far."""
        return self._retries_of_the_dead + sum(each.retries for each in self._workers)

    @property
    def threads(self) -> int:
        """How many calls are done at once."""
        if self._parallel is not None:
            return self._parallel
        if self.is_far:
            return _MAX_THREADS * len(self._workers)
        latency = min([self.latency, *(worker.latency for worker in self._workers)])
        return suitable_threads(latency, len(self._workers))

    # -- calls -----------------------------------------------------------------------------------

    @property
    def unfinished(self) -> int:
        """Tasks whose results were not handed over yet."""
        return len(self._tasks)

    @property
    def has_room(self) -> bool:
        """Whether one more task now keeps the threads busy rather than the queue long."""
        return len(self._tasks) < self.threads + _AHEAD

    def submit(self, task: _T, work: Callable[..., object], files: Sequence[BinaryIO] = ()) -> None:
        """Queue a call of `work`, a function that can be pickled, with an Upstream and these open files.

        They stay open here; there they are descriptors, to be closed.
        """
        number = next(self._numbers)
        self._tasks[number] = task
        chosen = min(self._workers, key=lambda each: len(each.unfinished))
        if len(chosen.files) + len(files) > wire.MOST_FILES:
            self._flush(chosen)
        chosen.unfinished.add(number)
        chosen.calls.append(worker.Call(number, work, len(files)))
        chosen.files += files

    def abandon(self) -> None:
        """Forget all tasks: nobody waits for them any more."""
        self._tasks.clear()
        for each in self._workers:
            each.unfinished.clear()
            each.calls, each.files = [], []

    def _flush(self, to: _Worker) -> None:
        if to.calls:
            share, rest = divmod(self.threads, len(self._workers))
            share += self._workers.index(to) < rest
            files = [file.fileno() for file in to.files]
            # That nobody is there will be read from the same socket, or seen by its silence.
            try:
                wire.send(to.socket, worker.Batch(to.calls, share), files)
            except wire.ClosedError as error:
                if isinstance(error.__cause__, TimeoutError):
                    to.silent_s = math.inf
            to.calls, to.files = [], []

    def finished(self, timeout: float) -> list[tuple[_T, Any]]:
        """Return all tasks that are done, each with its result; wait up to `timeout` seconds for the first.

        What calls raise of the machine's is raised. Tasks of a process that died, or said nothing for too
        long, have a BrokenWorkerError for their result; it is raised when there is no process left.
        """
        for each in self._workers:
            self._flush(each)
        results: list[tuple[_T, Any]] = []
        for key, _ in self._selector.select(timeout):
            results += self._heard(key.data)
        if len(results) < _FEW and self._tasks and results:
            # Each turn of the main thread costs something: a few more may come in a moment.
            time.sleep(_MOMENT_S)
            for key, _ in self._selector.select(0):
                results += self._heard(key.data)
        results += self._silent()
        return results

    def _silent(self) -> Iterator[tuple[_T, Any]]:
        """Give up processes that are there and say nothing, as one that was stopped."""
        now = time.monotonic()
        # Where this process was stopped, too, no time went by.
        elapsed, self._listened = min(now - self._listened, 1.0), now
        for each in list(self._workers):
            each.silent_s += elapsed
            if each.silent_s > self._patience_s + (0.0 if each.has_begun else _START_S):
                yield from self._lose(each, f"said nothing for {self._patience_s:g} seconds")

    def _heard(self, source: _Worker) -> Iterator[tuple[_T, Any]]:
        try:
            messages = source.inbox.take()
        except wire.ClosedError:
            yield from self._lose(source)
            return
        source.silent_s, source.has_begun = 0.0, True
        for message in messages:
            if isinstance(message, worker.Done):
                # Answers of two threads overtake each other.
                source.requests = max(source.requests, message.requests)
                source.retries = max(source.retries, message.retries)
                source.latency = min(source.latency, message.latency)
                source.unfinished.discard(message.number)
                if message.number in self._tasks:
                    yield self._tasks.pop(message.number), _value(message.result)
            elif isinstance(message, worker.Said):
                logging.getLogger(message.logger).log(message.level, "%s", message.text)
            elif isinstance(message, worker.Alive):
                source.retries = max(source.retries, message.retries)
            else:
                self._tell_others(source, message)

    def _tell_others(self, source: _Worker, message: object) -> None:
        if isinstance(message, worker.GivenUp):
            self.given_up.setdefault(*message)
        for other in self._workers:
            if other is not source:
                with contextlib.suppress(wire.ClosedError):
                    wire.send(other.socket, message, [])

    def _lose(self, dead: _Worker, reason: str = "") -> Iterator[tuple[_T, Any]]:
        """Give up what a process had to do, and start another one in its place."""
        self._selector.unregister(dead.socket)
        dead.socket.close()
        self._workers.remove(dead)
        self._requests_of_the_dead += dead.requests
        self._retries_of_the_dead += dead.retries
        ended = _ended(dead.pid)
        error = BrokenWorkerError(f"a process that downloads {reason or ended}")
        _log.error("%s", error)
        self._deaths += 1
        if self._deaths <= _MOST_DEATHS:
            with contextlib.suppress(OSError, wire.ClosedError):
                # Not by a fork: this process has threads, the lock and the state by now.
                self._start(_executed)
        if not self._workers:
            raise error
        for number in dead.unfinished:
            yield self._tasks.pop(number), error


def suitable_threads(latency: float, processes: int) -> int:
    """Return in how many threads to make requests, of all processes together, at a latency in seconds.

    A few keep a process busy where answers come at once; beyond that, as many as answers are on their way
    while it is busy with one.
    """
    waiting = 0 if math.isinf(latency) else round(latency / _BUSY_S)
    return processes * min(_MIN_THREADS + waiting, _MAX_THREADS)


def suitable_processes() -> int:
    """Return how many processes make requests on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MAX_PROCESSES)


def _value(result: object) -> object:
    if isinstance(result, Raised):
        raise result.error
    return result


def _forked(theirs: socket.socket) -> int:
    pid = os.fork()
    if not pid:
        # Neither the other workers' sockets nor whatever else the main process has open.
        keep = theirs.fileno()
        os.closerange(3, keep)
        os.closerange(keep + 1, _MOST_DESCRIPTORS)
        try:
            worker.serve(theirs)
        finally:
            os._exit(1)
    return pid


def _executed(theirs: socket.socket) -> int:
    theirs.set_inheritable(True)
    arguments = [sys.executable, "-c", _SERVE, str(theirs.fileno())]
    return os.posix_spawn(sys.executable, arguments, os.environ)


def _ended(pid: int) -> str:
    """End a process, if it has not by itself, and say how it ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:
        return "is gone"
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
