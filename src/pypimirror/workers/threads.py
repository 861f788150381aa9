"""Threads that read files beside the main one."""

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


class Readers(Generic[_T]):
    """Runs calls on at most `size` threads, made when they are needed.

    Calls return their errors as values; what they raise all the same, `finished` raises. The threads are
    daemons, which those of concurrent.futures are not: a run that is interrupted ends at once, and does not
    read a large file to its end.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._calls: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_T | _Raised] = queue.SimpleQueue()
        self._started = 0
        self._lock = threading.Lock()
        self._busy = 0
        self.unfinished = 0
        """Calls submitted whose results were not handed over yet."""

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""
        self.unfinished += 1
        with self._lock:
            self._busy += 1
            is_short = self._started < min(self.size, self._busy)
        self._calls.put(call)
        if is_short:
            self._start()

    def _start(self) -> None:
        """Start one more thread; where the system has none, those that there are do all, or this one."""
        name = f"reader-{self._started + 1}"
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
            result: _T | _Raised = call()
        except BaseException as error:  # noqa: BLE001 (whoever takes the result raises it)
            result = _Raised(error)
        # Before the result is out: the next call, that it may bring about, needs no other thread.
        with self._lock:
            self._busy -= 1
        self._results.put(result)

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
