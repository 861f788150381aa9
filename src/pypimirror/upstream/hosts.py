"""What a run knows of each host: whether it may be asked, from when on, or not any more; and retries by that.

A host is left alone for as long as it asks for, and given up after as many failures in a row as there are
workers. Safe to be shared by threads.
"""

import itertools
import logging
import math
import random
import threading
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

from pypimirror.errors import NotAskedError, UnavailableError

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
LONGEST_RETRY_AFTER_S = 120.0
"""What a server may ask for before the project is rather left to the next run."""
_LONGEST_HELD_S = 600.0
"""What a host may be waited for in all of a run, however often it asks."""
_SPEAK_FOR_HOST = 3
"""So many resources of a host that fail, or ask to be left alone, are the host: one may be broken itself."""
_FREE_RETRIES = 50
"""So many retries there are in a run whatever comes of them; then one for each few good answers."""
_GOOD_FOR_RETRY = 4


class LeftAlone(NamedTuple):
    """A host that is not to be asked before a moment, and why: found by one process, told to all."""

    host: str
    until: float
    """By `time.monotonic`, which is one clock for all processes; infinite: not in this run."""
    reason: str


class _Host:
    def __init__(self, name: str) -> None:
        self.left_alone = LeftAlone(name, 0.0, "")
        self.held_s = 0.0
        """For how long it was left alone in all."""
        self.asking: set[str] = set()
        """Resources that asked for that."""
        self.failures = 0
        """In a row, with nothing good in between."""
        self.failed: set[str] = set()
        """Some of the resources of that row."""


class Hosts:
    """Which hosts may be asked, and how often again: at most `retries` times for each request."""

    def __init__(self, failures: int, *, retries: int) -> None:
        self._limit = failures
        self._most_retries = retries
        self._hosts: dict[str, _Host] = {}
        self._lock = threading.RLock()
        self._good = 0
        self.retries = 0
        """How many there were so far."""
        self.on_news: Callable[[LeftAlone], None] = lambda _news: None
        """Called when it is found here that a host is to be left alone."""

    # -- what is known ---------------------------------------------------------------------------

    def why_not(self, url: str) -> str | None:
        """Say why a host is not asked any more in this run; None where it is."""
        known = self._hosts.get(_host_of(url))
        return known.left_alone.reason if known and math.isinf(known.left_alone.until) else None

    def wait(self, url: str) -> None:
        """Wait until a host may be asked; raise NotAskedError where that is not in this run."""
        known = self._hosts.get(_host_of(url))
        while known and (pause := known.left_alone.until - time.monotonic()) > 0:
            if math.isinf(pause):
                raise NotAskedError(url, known.left_alone.reason)
            time.sleep(pause)

    def left_alone(self) -> list[LeftAlone]:
        """Return what another process has to know."""
        return [known.left_alone for known in self._hosts.values() if known.left_alone.until]

    # -- what is seen ----------------------------------------------------------------------------

    def good(self, url: str) -> None:
        """Note a sign of life: the row of failures ends."""
        self._good += 1
        known = self._hosts.get(_host_of(url))
        if known and known.failures:
            with self._lock:
                known.failures = 0
                known.failed.clear()

    def failed(self, url: str) -> None:
        """Count a request that got no answer, or one that says that the host is in trouble."""
        with self._lock:
            known = self._known(_host_of(url))
            known.failures += 1
            if len(known.failed) < _SPEAK_FOR_HOST:
                known.failed.add(url)
            if known.failures >= self._limit and len(known.failed) >= _SPEAK_FOR_HOST:
                self._found(known, math.inf, f"failed {known.failures} times in a row")

    def give_up(self, url: str, reason: str) -> None:
        """Let a host be asked no more in this run."""
        with self._lock:
            self._found(self._known(_host_of(url)), math.inf, reason)

    def busy(self, url: str, seconds: float, *, is_for_client: bool) -> None:
        """Note that one resource asks to be left alone: several of them speak for their host.

        One is enough where it `is_for_client`, whatever that asks for. What is too long to be waited for is
        the rest of the run.
        """
        with self._lock:
            known = self._known(_host_of(url))
            known.asking.add(url)
            if not is_for_client and len(known.asking) < _SPEAK_FOR_HOST:
                return
            known.asking.clear()
            now = time.monotonic()
            held_s = known.held_s + now + seconds - max(now, known.left_alone.until)
            is_too_long = seconds > LONGEST_RETRY_AFTER_S or held_s > _LONGEST_HELD_S
            until = math.inf if is_too_long else now + seconds
            self._found(known, until, f"asked to be left alone for {seconds:.0f} seconds")

    def leave_alone(self, news: LeftAlone) -> None:
        """Leave a host alone, as another process found."""
        with self._lock:
            known = self._known(news.host)
            begun = max(time.monotonic(), known.left_alone.until)
            if news.until > begun:
                known.held_s += news.until - begun
                known.left_alone = news

    def _found(self, known: _Host, until: float, reason: str) -> None:
        host = known.left_alone.host
        if until > known.left_alone.until:
            news = LeftAlone(host, until, f"{host} {reason}")
            self.leave_alone(news)
            self.on_news(news)

    def _known(self, host: str) -> _Host:
        return self._hosts.get(host) or self._hosts.setdefault(host, _Host(host))

    # -- retries ---------------------------------------------------------------------------------

    def retrying(self, operation: Callable[[], _T]) -> _T:
        """Call `operation` again while it raises an UnavailableError that may pass, up to the retries."""
        failed: UnavailableError | None = None
        for attempt in itertools.count():
            try:
                return operation()
            except NotAskedError as error:
                if failed is None:
                    raise
                # It was asked for, and that is what others shall come before the next time.
                raise failed from error
            except UnavailableError as error:
                failed = error
                pause = _pause(attempt) if error.retry_after is None else error.retry_after
                if not self._is_tried_again(error, attempt, pause):
                    raise
                _log.debug("%s; asking again in %.1f s", error, pause)
                time.sleep(pause)
        raise AssertionError

    def _is_tried_again(self, error: UnavailableError, attempt: int, pause: float) -> bool:
        """Tell whether to try again what failed, and count it."""
        is_worth_it = (
            error.may_pass
            and attempt < self._most_retries
            and pause <= LONGEST_RETRY_AFTER_S
            and self.allows_retry(error.url)
        )
        # One moment's trouble fails all that is under way: what counts is what fails again.
        if error.may_pass and (attempt or not is_worth_it):
            self.failed(error.url)
        return is_worth_it and self.why_not(error.url) is None

    def allows_retry(self, url: str) -> bool:
        """Tell whether one more retry is worth it, and count it: retries in all have a bound."""
        with self._lock:
            known = self._known(_host_of(url))
            is_alive = known.failures < max(self._limit, self._most_retries + 1)
            has_retries = self.retries < _FREE_RETRIES + self._good // _GOOD_FOR_RETRY
            is_allowed = is_alive and has_retries and self.why_not(url) is None
            self.retries += is_allowed
        return is_allowed


def _pause(attempt: int) -> float:
    longest: float = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (so that workers don't ask in step)


def _host_of(url: str) -> str:
    """Return host and port of an address: by them it is counted."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return url
