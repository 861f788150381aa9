"""A pool of threads that turns calls into values, in the order in which they finish."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Pool(Generic[_T]):
    """Runs calls on at most `size` threads.

    The threads are daemons: a run that is interrupted ends at once, and a call that hangs in the network is
    no reason to wait. Calls return their errors as values; what they raise all the same, `finished` raises.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._calls: queue.SimpleQueue[Callable[[], _T]] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_T | _Raised] = queue.SimpleQueue()
        self._threads = 0
        self.unfinished = 0
        """Calls submitted whose results were not handed over yet."""

    def submit(self, call: Callable[[], _T]) -> None:
        """Queue a call."""
        if self._threads < self._size and self._threads <= self.unfinished:
            self._threads += 1
            threading.Thread(target=self._work, name=f"worker-{self._threads}", daemon=True).start()
        self.unfinished += 1
        self._calls.put(call)

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

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            try:
                result: _T | _Raised = call()
            except BaseException as error:  # noqa: BLE001 (raised again in the main thread)
                result = _Raised(error)
            self._results.put(result)


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
