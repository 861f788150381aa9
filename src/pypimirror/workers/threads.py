"""Threads that turn calls into values, in the order in which they finish."""

import os
import queue
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

_T = TypeVar("_T")


class Raised(NamedTuple):
    """What a call raised instead of returning a value."""

    error: BaseException


class Threads(Generic[_T]):
    """At most `size` threads, made when they are needed; each hands its results to `deliver`.

    The threads are daemons: a run that is interrupted ends at once, and a call that hangs in the network is
    no reason to wait.
    """

    def __init__(self, size: int, deliver: Callable[[_T | Raised], None]) -> None:
        self.size = size
        self._deliver = deliver
        self._calls: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._unfinished = 0

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""
        with self._lock:
            self._unfinished += 1
            is_short = self._started < min(self.size, self._unfinished)
        self._calls.put(call)
        if is_short:
            self._start()

    def _start(self) -> None:
        """Start one more thread; where the system has none, those that there are do all, or this one."""
        name = f"worker-{self._started + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError:
            if not self._started:
                self._do_one()
        else:
            self._started += 1

    def _work(self) -> None:
        while True:
            self._do_one()

    def _do_one(self) -> None:
        call = self._calls.get()
        try:
            result: _T | Raised = call()
        except BaseException as error:  # noqa: BLE001 (whoever takes the result raises it)
            result = Raised(error)
        # Before the result is out: the next call, that it may bring about, needs no other thread.
        with self._lock:
            self._unfinished -= 1
        self._deliver(result)


def suitable_readers() -> int:
    """Return how many threads read and hash files here, which they do outside the interpreter's lock."""
    return min((os.cpu_count() or 1) + 2, 16)


class Readers(Generic[_T]):
    """Runs calls on at most `size` threads.

    They return their errors as values; what they raise all the same, `finished` raises.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: queue.SimpleQueue[_T | Raised] = queue.SimpleQueue()
        self._threads: Threads[_T] = Threads(size, self._results.put)
        self.unfinished = 0
        """Calls submitted whose results were not handed over yet."""

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""
        self.unfinished += 1
        self._threads.submit(call)

    def finished(self, timeout: float) -> list[_T]:
        """Return all results that are there, waiting up to `timeout` seconds for the first."""
        results: list[_T] = []
        try:
            item = self._results.get(timeout=timeout)
            while True:
                self.unfinished -= 1
                if isinstance(item, Raised):
                    raise item.error
                results.append(item)
                item = self._results.get_nowait()
        except queue.Empty:
            return results
