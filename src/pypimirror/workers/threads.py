"""Threads that work beside the main one."""

import os
import queue
import threading
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

_T = TypeVar("_T")


class _Raised(NamedTuple):
    error: BaseException


def suitable_readers() -> int:
    """Return how many threads read and hash files here, which they do outside the interpreter's lock."""
    return min((os.cpu_count() or 1) + 2, 16)


class Threads(Generic[_T]):
    """Does calls on at most `size` threads, made when they are needed; each result goes to `take`.

    The threads are daemons, which those of concurrent.futures are not: a run that is interrupted ends at
    once, and does not read a large file to its end.
    """

    def __init__(self, size: int, take: Callable[[_T], None]) -> None:
        self.size = size
        """It may be changed."""
        self._take = take
        self._calls: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._started = 0
        self._busy = 0

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""
        with self._lock:
            self._busy += 1
            is_short = self._started < min(self.size, self._busy)
            self._started += is_short
        self._calls.put(call)
        if is_short:
            self._start()

    def _start(self) -> None:
        """Start one more thread; where the system has none, those that there are do all, or this one."""
        try:
            threading.Thread(target=self._work, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._started -= 1
            if not self._started:
                self._do_one()

    def _work(self) -> None:
        is_wanted = True
        while is_wanted:
            self._do_one()
            with self._lock:
                is_wanted = self._started <= self.size
                self._started -= not is_wanted

    def _do_one(self) -> None:
        result = self._calls.get()()
        # Before the result is out: the next call, that it may bring about, needs no other thread.
        with self._lock:
            self._busy -= 1
        self._take(result)


class Readers(Generic[_T]):
    """Runs calls on at most `size` threads; what they raise, `finished` raises."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._results: queue.SimpleQueue[_T | _Raised] = queue.SimpleQueue()
        self._threads = Threads[_T | _Raised](size, self._results.put)
        self.unfinished = 0
        """Calls submitted whose results were not handed over yet."""

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""

        def caught() -> _T | _Raised:
            try:
                return call()
            except BaseException as error:  # noqa: BLE001 (whoever takes the result raises it)
                return _Raised(error)

        self.unfinished += 1
        self._threads.submit(caught)

    def finished(self, timeout: float) -> list[_T]:
        """Return all results that are there, waiting up to `timeout` seconds for the first."""
        results: list[_T] = []
        try:
            item = self._results.get(timeout=timeout)
            while True:
                self.unfinished -= 1
                if isinstance(item, _Raised):
                    raise item.error
                results.append(item)
                item = self._results.get_nowait()
        except queue.Empty:
            return results
