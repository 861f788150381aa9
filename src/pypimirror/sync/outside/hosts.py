"""Tasks at other hosts, each left in peace: one request at a time, with a pause; none while it is dead."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from pypimirror.addresses import host_of
from pypimirror.errors import MirrorError, UnreachableError
from pypimirror.state import State
from pypimirror.sync.run import DAY_S

_PAUSE_S = 1.0
_LONGEST_DEAD_S = 7 * DAY_S

Start = Callable[[], None]
Refuse = Callable[[MirrorError], None]


class Hosts:
    """What waits for its turn at each host."""

    def __init__(self, state: State, now: float) -> None:
        self._state = state
        self._now = now
        self._waiting: dict[str, deque[tuple[str, Start, Refuse]]] = {}
        self._busy: set[str] = set()
        self._free_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self.dead = frozenset(state.dead_hosts(now, _LONGEST_DEAD_S))
        """Hosts that are not asked now."""

    def add(self, url: str, start: Start, refuse: Refuse) -> None:
        """Queue a task that begins with a request for `url`: it is started, or refused by a dead host."""
        self._waiting.setdefault(host_of(url), deque()).append((url, start, refuse))

    def begin(self, has_room: Callable[[], Any]) -> None:
        """Begin what may begin now, while there is room."""
        now = time.monotonic()
        for host in list(self._waiting):
            if host in self.dead:
                for url, _, refuse in self._waiting.pop(host):
                    refuse(UnreachableError(url, "its host did not answer lately, and is not asked now"))
            elif host not in self._busy and self._free_at.get(host, 0.0) <= now and has_room():
                queue = self._waiting[host]
                _, start, _ = queue.popleft()
                if not queue:
                    del self._waiting[host]
                self._busy.add(host)
                start()

    def clear(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()

    def end(self, host: str, *, delay: float = 0.0) -> None:
        """Note that a task at a host is done; `delay` is what the host wants between two requests."""
        self._busy.discard(host)
        self._pauses[host] = max(self._pauses.get(host, _PAUSE_S), delay)
        self._free_at[host] = time.monotonic() + self._pauses[host]

    def note_dead(self, host: str) -> None:
        """Note that a host does not answer: it is not asked again in this run, nor by the next ones."""
        if host not in self.dead:
            self.dead |= {host}
            self._state.record_dead_host(host, now=self._now, first_s=DAY_S, longest_s=_LONGEST_DEAD_S)

    def note_alive(self, host: str) -> None:
        """Note that a host answers."""
        self._state.forget_dead_host(host)
