"""Progress: bars on a terminal, a line now and then where the log is copied; nothing at all for cron."""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pypimirror.amounts import duration_text, size_text
from pypimirror.cli.arguments import Arguments
from pypimirror.cli.console import has_cursor, say
from pypimirror.cli.estimate import Estimate, Track
from pypimirror.store import size_now
from pypimirror.sync import Counts, InFlight, Progress

LINE_EVERY_S = 30.0
_BARS_EVERY_S = 0.2
_DIGITS = 3
"""Of a size, so that it is seen growing."""
_NOTHING = Track(0, None)


class Transfer(NamedTuple):
    """A file on its way in: how many bytes have come, and how many it has, if anybody knows."""

    filename: str
    done: int
    total: int | None


class Seen(NamedTuple):
    """What a run has done at a moment, what it has to do, and how fast that goes."""

    tracks: Mapping[str, Track]
    """Of projects, files, bytes, and pages: those are written when all else is done."""
    transfers: Sequence[Transfer]
    retries: int
    failures: int
    speed: float | None
    """Bytes per second, where that is known."""
    seconds_left: float | None


def seen(now: float, counts: Counts, transfers: Sequence[Transfer], estimate: Estimate) -> Seen:
    """Return what the counts and the files on their way say; a total that nobody knows is None."""
    arriving = sum(transfer.done for transfer in transfers)
    wanted = None if counts.unsized or not counts.wanted_bytes else counts.wanted_bytes
    tracks = {
        "projects": Track(counts.projects_done, counts.projects or None),
        "files": Track(counts.stored + counts.adopted, counts.files or None),
        "bytes": Track(counts.done_bytes + arriving, wanted),
        "pages": Track(counts.pages_done, counts.pages or None),
    }
    estimate.see(now, tracks)
    speed, left = estimate.speed("bytes"), estimate.seconds_left
    return Seen(tracks, transfers, counts.retries, counts.failed, speed, left)


@contextlib.contextmanager
def shown(args: Arguments) -> Iterator[Progress]:
    """Show progress on standard error while the block runs, as it suits who reads there."""
    is_told = not args.is_quiet
    if is_told and has_cursor() and not args.log_console:  # the log runs over what moves the cursor
        # rich is slow to import, and cron never needs it.
        from pypimirror.cli.terminal import Bars

        with Bars() as bars:
            yield _Throttled(bars.show, _BARS_EVERY_S, is_at_once=True)
    elif is_told and (args.log_console or args.is_wordy or sys.stderr.isatty()):
        yield _Throttled(_say, LINE_EVERY_S)
    else:
        yield lambda _counts, _in_flight: None


def _say(now: Seen) -> None:
    say(f"pypimirror: {line(now)}")


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
        transfers = [Transfer(f.filename, size_now(f.path), f.size) for f in in_flight]
        now_seen = seen(now, counts, transfers, self._estimate)
        if now >= self._next:
            self._next = now + self._every_s
            self._show(now_seen)


def of_things(now: Seen) -> dict[str, Track]:
    """Return what is counted one by one, as far as a run has any; projects where nothing is known."""
    found = {kind: track for kind, track in now.tracks.items() if kind != "bytes" and track != _NOTHING}
    return found or {"projects": now.tracks["projects"]}


def number_text(track: Track, of: str = " of ") -> str:
    """Return a number of things, and how many there are."""
    return f"{track.done:,.0f}" + ("" if track.total is None else f"{of}{track.total:,.0f}")


def bytes_text(track: Track | Transfer) -> str:
    """Return a number of bytes, and how many there are."""
    done = size_text(track.done, _DIGITS)
    return done if track.total is None else f"{done} of {size_text(track.total, _DIGITS)}"


def speed_text(now: Seen) -> str:
    """Return how fast bytes come; nothing where it is not known."""
    return "" if now.speed is None else f"{size_text(now.speed, _DIGITS)}/s"


def left_text(now: Seen) -> str:
    """Return how long it still takes; nothing where that is not known."""
    return "" if now.seconds_left is None else f"{duration_text(math.ceil(now.seconds_left))} left"


def trouble_text(now: Seen) -> str:
    """Return the retries and failures so far; nothing where there are none."""
    retries = "1 retry" if now.retries == 1 else f"{now.retries:,} retries"
    parts = (retries if now.retries else "", f"{now.failures:,} failed" if now.failures else "")
    return ", ".join(filter(None, parts))


def line(now: Seen) -> str:
    """Return the progress as one line."""
    come = now.tracks["bytes"]
    parts = (
        *(f"{number_text(track)} {kind}" for kind, track in of_things(now).items()),
        bytes_text(come) if come != _NOTHING else "",
        speed_text(now) if come.done else "",
        left_text(now),
        trouble_text(now),
    )
    return ", ".join(filter(None, parts))
