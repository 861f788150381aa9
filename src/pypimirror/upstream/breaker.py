"""When a host is not asked any more in a run: after as many failures in a row as there are workers.

Safe to be shared by threads. Pure but for its lock.
"""

import threading
from collections.abc import Callable

_FEWEST_RESOURCES = 3
"""What fails is the host only where so many of its resources fail: one may be broken by itself."""
_FREE_RETRIES = 50
"""So many retries there are in a run whatever comes of them; then one for each few good answers."""
_GOOD_FOR_RETRY = 4


class _Row:
    """Failures of one host, with nothing good in between."""

    def __init__(self) -> None:
        self.failures = 0
        self.resources: set[str] = set()


class Breaker:
    """Counts the failures of each host."""

    def __init__(self, limit: int, *, retries: int) -> None:
        self._limit = limit
        self._retries_limit = max(limit, retries + 1)
        self._rows: dict[str, _Row] = {}
        self._open: dict[str, int] = {}
        self._lock = threading.Lock()
        self._good = 0
        self.retries = 0
        """How many there were so far."""
        self.on_open: Callable[[str, int], None] = lambda _host, _failures: None
        """Called when a host is given up here."""

    def failed(self, host: str, resource: str) -> None:
        """Count a request that got no answer, or one that says that the host is in trouble."""
        with self._lock:
            row = self._rows.setdefault(host, _Row())
            row.failures += 1
            if len(row.resources) < _FEWEST_RESOURCES:
                row.resources.add(resource)
            is_dead = row.failures >= self._limit and len(row.resources) >= _FEWEST_RESOURCES
            is_news = is_dead and host not in self._open
            if is_news:
                self._open[host] = row.failures
        if is_news:
            self.on_open(host, row.failures)

    def good(self, host: str) -> None:
        """Note a sign of life: the row of failures ends."""
        self._good += 1
        if host in self._rows:
            with self._lock:
                self._rows.pop(host, None)

    def give_up(self, host: str, failures: int) -> None:
        """Give up a host that was given up elsewhere."""
        self._open.setdefault(host, failures)

    def given_up(self, host: str) -> int | None:
        """Return after how many failures in a row a host was given up; None where it was not."""
        return self._open.get(host)

    def allows_retry(self, host: str) -> bool:
        """Tell whether one more retry is worth it, and count it: retries in all have a bound."""
        row = self._rows.get(host)
        if row is not None and row.failures >= self._retries_limit:
            return False
        with self._lock:
            if self.retries >= _FREE_RETRIES + self._good // _GOOD_FOR_RETRY:
                return False
            self.retries += 1
        return True
