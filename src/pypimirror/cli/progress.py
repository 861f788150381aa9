"""Progress: bars on a terminal, a line now and then where the log is copied; nothing at all for cron."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import has_cursor, say
from pypimirror.cli.estimate import Estimate
from pypimirror.cli.in_words import FileProgress, Seen, line, seen
from pypimirror.mirror import Counts
from pypimirror.run import InFlight, Progress
from pypimirror.store.entries import size_now

LINE_EVERY_S = 30.0
_BARS_EVERY_S = 0.2


@contextlib.contextmanager
def shown(args: Arguments) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, as it suits who reads there."""
    is_told = not args.is_quiet
    if is_told and has_cursor() and not args.log_console:  # the log runs over what moves the cursor
        # rich is slow to import, and cron never needs it.
        from pypimirror.cli.terminal import bars

        with bars() as show:
            yield _Throttled(show, _BARS_EVERY_S, is_at_once=True)
    elif is_told and (args.log_console or args.is_wordy or sys.stderr.isatty()):
        yield _Throttled(lambda now: say(f"pypimirror: {line(now)}"), LINE_EVERY_S)
    else:
        yield lambda _counts, _in_flight: None


class _Throttled:
    """Takes each word of progress, and shows one now and then."""

    def __init__(self, show: Callable[[Seen], None], every_s: float, *, is_at_once: bool = False) -> None:
        self._show = show
        self._every_s = every_s
        self._next = time.monotonic() + (0.0 if is_at_once else every_s)
        self._looked = 0.0
        self._estimate = Estimate()

    def __call__(self, counts: Counts, in_flight: Sequence[InFlight]) -> None:
        now = time.monotonic()
        if now < self._looked + _BARS_EVERY_S:
            return
        self._looked = now
        transfers = [FileProgress(f.filename, size_now(f.path), f.size) for f in in_flight]
        now_seen = seen(now, counts, transfers, self._estimate)
        if now >= self._next:
            self._next = now + self._every_s
            self._show(now_seen)
