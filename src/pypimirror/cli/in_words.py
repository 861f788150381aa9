"""What a run has done and has to do, as a value and in words."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pypimirror.amounts import duration_text, size_text
from pypimirror.cli.estimate import Estimate, Track
from pypimirror.mirror import Counts

_DIGITS = 3
"""Of a size, so that it is seen growing."""
_NOTHING = Track(0, None)


class FileProgress(NamedTuple):
    """A file on its way in: how many bytes have come, and how many it has, if anybody knows."""

    filename: str
    done: int
    total: int | None


class Seen(NamedTuple):
    """What a run has done at a moment, what it has to do, and how fast that goes."""

    tracks: Mapping[str, Track]
    """Of projects, files, bytes, and pages: those are written when all else is done."""
    transfers: Sequence[FileProgress]
    retries: int
    failures: int
    speed: float | None
    """Bytes per second, where that is known."""
    seconds_left: float | None


def seen(now: float, counts: Counts, transfers: Sequence[FileProgress], estimate: Estimate) -> Seen:
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


def of_things(now: Seen) -> dict[str, Track]:
    """Return what is counted one by one, as far as a run has any; projects where nothing is known."""
    found = {kind: track for kind, track in now.tracks.items() if kind != "bytes" and track != _NOTHING}
    return found or {"projects": now.tracks["projects"]}


def number_text(track: Track, of: str = " of ") -> str:
    """Return a number of things, and how many there are."""
    return f"{track.done:,.0f}" + ("" if track.total is None else f"{of}{track.total:,.0f}")


def bytes_text(track: Track | FileProgress) -> str:
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
