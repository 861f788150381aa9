"""Processes that make the requests, so that the main one's interpreter is free for state and pages.

They are started when there is something to do for them.
"""

import contextlib
import itertools
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from pypimirror.errors import BrokenWorkerError, MirrorError
from pypimirror.upstream import Hosts, LeftAlone, Upstream
from pypimirror.workers.messages import Done, Task, unpacked

if TYPE_CHECKING:
    from pypimirror.workers.processes import Worker

_log = logging.getLogger(__name__)

_R = TypeVar("_R")

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
_FEW = 16
_MOMENT_S = 0.002


class Workers:
    """Does tasks with an Upstream in other processes, and hands each result to who waits for it.

    What is found out of hosts, here by `hosts` or by one of them, all are told. `parallel` is how many tasks
    are done at once; None is as many as suit the machine and the latency.
    """

    def __init__(
        self,
        connect: Callable[[], Upstream],
        *,
        hosts: Hosts,
        parallel: int | None,
        processes: int,
        patience_s: float = 60.0,
    ) -> None:
        self._connect = connect
        self._patience_s = patience_s
        self._listened = time.monotonic()
        self._deaths = 0
        self._hosts = hosts
        hosts.on_news = self._tell
        self._parallel = parallel
        self._processes = processes if parallel is None else min(processes, parallel)
        self._workers: list[Worker] = []
        self._numbers = itertools.count()
        self.requests = 0
        """How many were sent so far."""
        self.retries = 0
        """How many of them were tried again."""
        self.latency = math.inf
        """The best that was seen, in seconds."""
        self.is_far = False
        """Whether tasks are for hosts whose answers take long, whatever those of the others took."""

    # -- processes -------------------------------------------------------------------------------

    def _start(self) -> None:
        """Start one more; where the system has none, those that there are do all."""
        from pypimirror.workers import processes  # slow to import, and a run without news starts none

        try:
            started = processes.start(self._connect, self._patience_s)
        except OSError:
            if not self._workers:
                raise
            return
        self._workers.append(started)
        for news in self._hosts.left_alone():
            started.send(news)

    def close(self) -> None:
        """End all processes at once."""
        while self._workers:
            self._workers.pop().end()

    @property
    def threads(self) -> int:
        """How many tasks are done at once."""
        if self._parallel is not None:
            return self._parallel
        if self.is_far:
            return _MAX_THREADS * self._processes
        return suitable_threads(self.latency, self._processes)

    # -- tasks -----------------------------------------------------------------------------------

    @property
    def unfinished(self) -> int:
        """Tasks whose results were not handed over yet."""
        return sum(len(each.takers) for each in self._workers)

    @property
    def has_room(self) -> bool:
        """Whether one more task now keeps the threads busy rather than the queue long."""
        return self.unfinished < self.threads + _AHEAD

    def submit(self, task: Task[_R], take: Callable[[_R | MirrorError], None]) -> None:
        """Queue a task; `take` is called with what becomes of it."""
        if not self._workers or len(self._workers) <= self.unfinished < self._processes:
            self._start()
        number = next(self._numbers)
        chosen = min(self._workers, key=lambda each: len(each.takers))
        chosen.takers[number] = take
        chosen.queued.append((number, task))

    def abandon(self) -> None:
        """Forget all tasks: nobody waits for them any more, and when this returns nobody does them."""
        if self.unfinished:
            self.close()

    def finished(self, timeout: float) -> list[Callable[[], None]]:
        """Return what hands over the results that are there; wait up to `timeout` seconds for the first.

        What tasks raise of the machine's is raised. Tasks of a process that died, or said nothing for too
        long, have a BrokenWorkerError for their result; it is raised when there is no process left.
        """
        share, rest = divmod(self.threads, max(1, len(self._workers)))
        for number, each in enumerate(self._workers):
            each.send_queued(threads=share + (number < rest))
        results = self._listen(timeout)
        if 0 < len(results) < _FEW and self.unfinished:
            # Each turn of the main thread costs something: a few more may come in a moment.
            time.sleep(_MOMENT_S)
            results += self._listen(0.0)
        for each in self._silent():
            results += self._lose(each, f"said nothing for {self._patience_s:g} seconds")
        return results

    def _listen(self, timeout: float) -> list[Callable[[], None]]:
        if not self._workers:
            return []
        from pypimirror.workers import processes  # as above

        speaking = processes.wait(self._workers, timeout)
        return [hand_over for each in speaking for hand_over in self._heard(each)]

    def _silent(self) -> "list[Worker]":
        """Return processes that are there and say nothing, as one that was stopped."""
        now = time.monotonic()
        # Where this process was stopped, too, no time went by.
        elapsed, self._listened = min(now - self._listened, 1.0), now
        for each in self._workers:
            each.silent_s += elapsed
        return [each for each in self._workers if each.silent_s > self._patience_s]

    def _heard(self, source: "Worker") -> Iterator[Callable[[], None]]:
        try:
            news = source.receive()
        except (EOFError, OSError):
            yield from self._lose(source)
            return
        self.requests += news.requests
        self.retries += news.retries
        self.latency = min(self.latency, news.latency)
        for message in news.messages:
            if isinstance(message, Done):
                yield partial(source.takers.pop(message.number), unpacked(message.result))
            elif isinstance(message, LeftAlone):
                self._hosts.leave_alone(message)
                self._tell(message)
            else:
                logging.getLogger(message.name).handle(message)

    def _tell(self, news: LeftAlone) -> None:
        for each in self._workers:
            each.send(news)

    def _lose(self, dead: "Worker", reason: str = "") -> Iterator[Callable[[], None]]:
        """Give up what a process had to do, and start another one in its place."""
        self._workers.remove(dead)
        ended = dead.end()
        error = BrokenWorkerError(f"a process that downloads {reason or ended}")
        _log.error("%s", error)
        self._deaths += 1
        if self._deaths <= _MOST_DEATHS:
            with contextlib.suppress(OSError):
                self._start()
        if not self._workers:
            raise error
        for take in dead.takers.values():
            yield partial(take, error)


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
