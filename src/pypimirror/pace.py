"""How fast a run may be, and how slow a server may be.

Each object here is shared by all workers, and safe to be.
"""

import threading
import time
from collections.abc import Callable

_WINDOW_S = 60.0


class Rate:
    """So many bytes per second for all workers together, each waiting its turn; 0 is no limit."""

    def __init__(self, bytes_per_s: int) -> None:
        self._speed = bytes_per_s
        self._lock = threading.Lock()
        self._free_at = 0.0

    def block(self, largest: int) -> int:
        """Return how many bytes to read at once, so that workers take turns several times a second."""
        return min(largest, max(1024, self._speed // 20)) if self._speed else largest

    def wait(self, received: int) -> None:
        """Wait until these bytes, that came in just now, fit the rate."""
        if not self._speed:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now) + received / self._speed
            pause = self._free_at - now
        time.sleep(pause)


class MinimumSpeed:
    """The slowest that one transfer may be: in any window of a minute, so many bytes per second; 0 is off."""

    def __init__(self, bytes_per_s: int, *, window_s: float = _WINDOW_S) -> None:
        self.bytes_per_s = bytes_per_s
        self._window_s = window_s

    def meter(self) -> Callable[[int, float], bool]:
        """Begin a transfer: tell what came in how many seconds of waiting, and hear whether that is too slow.

        The seconds are those spent on the network alone, so that `Rate` makes no transfer too slow.
        """
        received, waited = 0, 0.0

        def is_too_slow(size: int, seconds: float) -> bool:
            nonlocal received, waited
            received, waited = received + size, waited + seconds
            if waited < self._window_s:
                return False
            is_slow = received < self.bytes_per_s * waited
            received, waited = 0, 0.0
            return is_slow

        return is_too_slow
