"""Progress: bars on a terminal, a line now and then where the log is copied; nothing at all for cron."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence

from pypimirror.cli import in_words
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import has_cursor, say
from pypimirror.cli.estimate import Estimate
from pypimirror.cli.in_words import Seen, Transfer
from pypimirror.store import size_now
from pypimirror.sync import Counts, InFlight, Progress

LINE_EVERY_S = 30.0
_BARS_EVERY_S = 0.2

_Show = Callable[[Seen, Estimate, Sequence[Transfer]], None]


@contextlib.contextmanager
def shown(args: Arguments) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, as it suits who reads there."""
    if _has_bars(args):
        # rich is slow to import, and cron never needs it.
        from pypimirror.cli.bars import Bars

        with Bars() as bars:
            yield _Throttled(bars.show, _BARS_EVERY_S, is_at_once=True)
    elif _has_lines(args):
        yield _Throttled(_say, LINE_EVERY_S)
    else:
        yield lambda _counts, _in_flight: None


def _has_bars(args: Arguments) -> bool:
    """Tell whether there is a terminal that can move its cursor, and no log that runs over it."""
    return has_cursor() and not (args.is_quiet or args.log_console)


def _has_lines(args: Arguments) -> bool:
    return not args.is_quiet and (args.log_console or args.is_wordy or sys.stderr.isatty())


def _say(now: Seen, estimate: Estimate, _transfers: Sequence[Transfer]) -> None:
    say(f"pypimirror: {in_words.line(now, estimate)}")


class _Throttled:
    """Takes each word of progress, and shows one now and then."""

    def __init__(self, show: _Show, every_s: float, *, is_at_once: bool = False) -> None:
        self._show = show
        self._every_s = every_s
        self._next = time.monotonic() + (0.0 if is_at_once else every_s)
        self._looked = 0.0
        self._estimate = Estimate(in_words.TRACKS)

    def __call__(self, counts: Counts, in_flight: Sequence[InFlight]) -> None:
        now = time.monotonic()
        if now < self._looked + _BARS_EVERY_S:
            return
        self._looked = now
        transfers = [Transfer(f.filename, size_now(f.path), f.size) for f in in_flight]
        seen = in_words.seen(counts, transfers)
        self._estimate.see(now, in_words.tracks(seen))
        if now >= self._next:
            self._next = now + self._every_s
            self._show(seen, self._estimate, transfers)
