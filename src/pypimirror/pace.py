"""How fast a run may be, how slow a server may be, and how long a server wants to be left alone.

Each object here is shared by all workers, and safe to be.
"""

import threading
import time
from collections.abc import Callable

_WINDOW_S = 60.0
_LONGEST_HOLD_S = 120.0
"""What a server may ask for before its projects are rather left to the next run."""
_LONGEST_HELD_S = 600.0
"""What a host may be waited for in all of a run, however often it asks."""
_SPEAK_FOR_HOST = 3
"""So many resources of a host that ask for the same are the host."""


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


class Holds:
    """Which hosts asked not to be bothered, and until when."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._held_s: dict[str, float] = {}
        self._refused: dict[str, float] = {}
        self._asking: dict[str, set[str]] = {}
        self.on_hold: Callable[[str, float], None] = lambda _host, _seconds: None
        """Called when a host asks for it here."""

    def ask(self, host: str, resource: str, seconds: float, *, is_for_client: bool) -> None:
        """Note that one resource asks to be left alone: several of them speak for their host.

        One is enough where it `is_for_client`, whatever that asks for.
        """
        asking = self._asking.setdefault(host, set())
        asking.add(resource)
        if is_for_client or len(asking) >= _SPEAK_FOR_HOST:
            asking.clear()
            self.hold(host, seconds)

    def hold(self, host: str, seconds: float) -> None:
        """Leave a host alone for so long, as it asks; for the rest of the run where that is too long."""
        self.retry_after(host, seconds)
        self.on_hold(host, seconds)

    def retry_after(self, host: str, seconds: float) -> None:
        """Leave a host alone that asked for it elsewhere."""
        now = time.monotonic()
        until = max(self._until.get(host, 0.0), now + seconds)
        held = self._held_s.get(host, 0.0) + until - max(now, self._until.get(host, 0.0))
        if seconds > _LONGEST_HOLD_S or held > _LONGEST_HELD_S:
            self._refused[host] = seconds
        else:
            self._until[host], self._held_s[host] = until, held

    def refused(self, host: str) -> float | None:
        """Return for how many seconds a host wants to be left alone, if that is too long to wait."""
        return self._refused.get(host)

    def wait(self, host: str) -> None:
        """Wait until a host may be asked."""
        while (pause := self._until.get(host, 0.0) - time.monotonic()) > 0:
            time.sleep(pause)
