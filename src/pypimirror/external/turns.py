"""Tasks at other hosts, each left in peace: one request at a time, with a pause; none once it is given up."""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from pypimirror.addresses import host_of
from pypimirror.errors import BrokenWorkerError, MirrorError, UnavailableError, UnreachableError
from pypimirror.upstream import Hosts
from pypimirror.upstream.external import NOT_ASKED

_PAUSE_S = 1.0
_LONGEST_HOLD_S = 30.0
"""What a host may ask for before it is rather left to the next look."""
_STRIKES = 2
"""So many answers in a row that do not come, and a host is given up; one may be a bad file's."""


class _Queued(NamedTuple):
    url: str
    start: Callable[[], None]
    refuse: Callable[[MirrorError], None]


class Turns:
    """What waits for its turn at each host, in this run.

    What comes of links says nothing of the index, though they may lead to its host, too.
    """

    def __init__(self, hosts: Hosts, index_url: str) -> None:
        self._hosts = hosts
        self._index = host_of(index_url)
        self._waiting: dict[str, deque[_Queued]] = {}
        self._busy: set[str] = set()
        self._free_at: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._strikes: dict[str, int] = {}

    def add(
        self,
        url: str,
        start: Callable[[], None],
        refuse: Callable[[MirrorError], None],
        *,
        is_next: bool = False,
    ) -> None:
        """Queue a task that begins with a request for `url`: it is started, or refused by a host given up.

        One that `is_next` comes before all that waits.
        """
        queue = self._waiting.setdefault(host_of(url), deque())
        (queue.appendleft if is_next else queue.append)(_Queued(url, start, refuse))

    def begin(self, has_room: Callable[[], bool]) -> None:
        """Begin what may begin now, while there is room."""
        now = time.monotonic()
        for host, queue in list(self._waiting.items()):
            while queue and self._is_given_up(queue[0].url):
                url, _, refuse = queue.popleft()
                refuse(UnreachableError(url, NOT_ASKED))
            is_free = host not in self._busy and self._free_at.get(host, 0.0) <= now
            if queue and is_free and has_room():
                self._busy.add(host)
                queue.popleft().start()
            if not queue:
                self._waiting.pop(host, None)

    def _is_given_up(self, url: str) -> bool:
        is_struck = host_of(url) == self._index and self._strikes.get(self._index, 0) >= _STRIKES
        return is_struck or self._hosts.why_not(url) is not None

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
        if isinstance(result, UnreachableError):  # where a redirect led, it may be another host's
            self._strike(result.url, 1 if result.is_connected else _STRIKES)
        elif isinstance(result, UnavailableError) and result.retry_after:
            failed = host_of(result.url)
            self._free_at[failed] = max(self._free_at.get(failed, 0.0), time.monotonic() + result.retry_after)
            self._strike(result.url, 1 if result.retry_after <= _LONGEST_HOLD_S else _STRIKES)
        else:
            self._strikes.pop(asked, None)

    def _strike(self, url: str, number: int) -> None:
        host = host_of(url)
        self._strikes[host] = self._strikes.get(host, 0) + number
        if self._strikes[host] >= _STRIKES and host != self._index:
            self._hosts.give_up(url, "did not answer lately")
