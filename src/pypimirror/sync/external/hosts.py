"""Tasks at other hosts, each left in peace: one request at a time, with a pause; none while it is dead."""

import itertools
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

from pypimirror.addresses import host_of
from pypimirror.errors import BrokenWorkerError, MirrorError, UnavailableError, UnreachableError
from pypimirror.mirror import DAY_S
from pypimirror.state import State

_PAUSE_S = 1.0
_LONGEST_HOLD_S = 30.0
"""What a host may ask for before it is rather left to the next day."""
_STRIKES = 2
"""So many answers in a row that do not come, and a host is dead; one may be a bad file's."""
_LONGEST_DEAD_S = 7 * DAY_S

Start = Callable[[], None]
Refuse = Callable[[MirrorError], None]


class Turn(IntEnum):
    """What comes before what at one host: files first, so that one project after the other is done."""

    FILE = 0
    LOOK = 1
    DOUBTFUL = 2
    """What could not be had the last time."""


_Waiting = tuple[deque[tuple[str, Start, Refuse]], ...]


class Hosts:
    """What waits for its turn at each host."""

    def __init__(self, state: State, now: float, *, asks_dead: bool) -> None:
        self._state = state
        self._now = now
        self._waiting: dict[str, _Waiting] = {}
        self._busy: set[str] = set()
        self._free_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._strikes: dict[str, int] = {}
        self.dead = frozenset() if asks_dead else frozenset(state.external.dead_hosts(now, _LONGEST_DEAD_S))
        """Hosts that are not asked now."""

    def add(self, url: str, turn: Turn, start: Start, refuse: Refuse) -> None:
        """Queue a task that begins with a request for `url`: it is started, or refused by a dead host."""
        queues = self._waiting.setdefault(host_of(url), tuple(deque() for _ in Turn))
        queues[turn].append((url, start, refuse))

    def begin(self, has_room: Callable[[], bool]) -> None:
        """Begin what may begin now, while there is room."""
        now = time.monotonic()
        for host in list(self._waiting):
            queues = self._waiting[host]
            if host in self.dead:
                del self._waiting[host]
                for url, _, refuse in itertools.chain(*queues):
                    refuse(UnreachableError(url, "its host did not answer lately, and is not asked now"))
            elif host not in self._busy and self._free_at.get(host, 0.0) <= now and has_room():
                _, start, _ = next(filter(None, queues)).popleft()
                if not any(queues):
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
        if isinstance(result, BrokenWorkerError):
            return
        failed = host_of(result.url) if isinstance(result, UnavailableError) else asked
        if failed != asked or not isinstance(result, UnreachableError):
            self._state.external.forget_dead_host(asked)
        if isinstance(result, UnreachableError):
            self._strike(failed, 1 if result.is_connected else _STRIKES)
            if self._strikes[failed] >= _STRIKES:
                self._note_dead(failed)
        elif isinstance(result, UnavailableError) and result.retry_after:
            self._strike(failed, 1 if result.retry_after <= _LONGEST_HOLD_S else _STRIKES)
            self._free_at[failed] = max(self._free_at.get(failed, 0.0), time.monotonic() + result.retry_after)
            if self._strikes[failed] >= _STRIKES:  # for this run alone: it answers
                self.dead |= {failed}
        else:
            self._strikes.pop(asked, None)

    def _strike(self, host: str, number: int) -> None:
        self._strikes[host] = self._strikes.get(host, 0) + number

    def _note_dead(self, host: str) -> None:
        if host not in self.dead:
            self.dead |= {host}
            self._state.external.record_dead_host(
                host, now=self._now, first_s=DAY_S, longest_s=_LONGEST_DEAD_S
            )
