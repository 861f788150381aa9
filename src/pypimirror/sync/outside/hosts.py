"""Tasks at other hosts, each left in peace: one request at a time, with a pause; none while it is dead."""

import time
from collections import deque
from collections.abc import Callable

from pypimirror.addresses import host_of
from pypimirror.errors import BrokenWorkerError, MirrorError, UnavailableError, UnreachableError
from pypimirror.state import State
from pypimirror.sync.run import DAY_S

_PAUSE_S = 1.0
_LONGEST_HOLD_S = 120.0
"""What a host may ask for before it is rather left to the next day."""
_STRIKES = 2
"""So many answers in a row that break off or do not come, and a host is dead; one may be a bad file's."""
_LONGEST_DEAD_S = 7 * DAY_S

Start = Callable[[], None]
Refuse = Callable[[MirrorError], None]


class _Queue:
    """What waits at one host; what could not be had the last time waits for all else."""

    def __init__(self) -> None:
        self.sound: deque[tuple[str, Start, Refuse]] = deque()
        self.doubtful: deque[tuple[str, Start, Refuse]] = deque()


class Hosts:
    """What waits for its turn at each host."""

    def __init__(self, state: State, now: float, *, asks_dead: bool) -> None:
        self._state = state
        self._now = now
        self._waiting: dict[str, _Queue] = {}
        self._busy: set[str] = set()
        self._free_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._strikes: dict[str, int] = {}
        self.dead = frozenset() if asks_dead else frozenset(state.dead_hosts(now, _LONGEST_DEAD_S))
        """Hosts that are not asked now."""

    def add(self, url: str, start: Start, refuse: Refuse, *, is_doubtful: bool) -> None:
        """Queue a task that begins with a request for `url`: it is started, or refused by a dead host."""
        queue = self._waiting.setdefault(host_of(url), _Queue())
        (queue.doubtful if is_doubtful else queue.sound).append((url, start, refuse))

    def begin(self, has_room: Callable[[], bool]) -> None:
        """Begin what may begin now, while there is room."""
        now = time.monotonic()
        for host in list(self._waiting):
            queue = self._waiting[host]
            if host in self.dead:
                del self._waiting[host]
                for url, _, refuse in (*queue.sound, *queue.doubtful):
                    refuse(UnreachableError(url, "its host did not answer lately, and is not asked now"))
            elif host not in self._busy and self._free_at.get(host, 0.0) <= now and has_room():
                _, start, _ = (queue.sound or queue.doubtful).popleft()
                if not (queue.sound or queue.doubtful):
                    del self._waiting[host]
                self._busy.add(host)
                start()

    def clear(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()

    def end(self, url: str, result: object, *, delay: float = 0.0) -> None:
        """Note what became of a task that began with `url`; `delay` is what its host wants between two."""
        asked = host_of(url)
        self._busy.discard(asked)
        self._pauses[asked] = max(self._pauses.get(asked, _PAUSE_S), delay)
        self._free_at[asked] = time.monotonic() + self._pauses[asked]
        failed = host_of(result.url) if isinstance(result, UnreachableError) else None
        if failed != asked and not isinstance(result, BrokenWorkerError):
            self._strikes.pop(asked, None)
            self._state.forget_dead_host(asked)
        if failed is not None and isinstance(result, UnreachableError):
            self._strikes[failed] = self._strikes.get(failed, 0) + (1 if result.is_connected else _STRIKES)
            if self._strikes[failed] >= _STRIKES:
                self._note_dead(failed)
        elif isinstance(result, UnavailableError) and result.retry_after:
            self._hold(host_of(result.url), result.retry_after)

    def _note_dead(self, host: str) -> None:
        if host not in self.dead:
            self.dead |= {host}
            self._state.record_dead_host(host, now=self._now, first_s=DAY_S, longest_s=_LONGEST_DEAD_S)

    def _hold(self, host: str, seconds: float) -> None:
        """Leave a host alone as it asks to be; for the rest of the run where that is too long."""
        if seconds > _LONGEST_HOLD_S:
            self.dead |= {host}
        self._free_at[host] = max(self._free_at.get(host, 0.0), time.monotonic() + seconds)
