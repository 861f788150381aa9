"""How fast work goes, and when it ends: smoothed, so that one fast or slow second changes little. Pure."""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

_WINDOW_S = 45.0
"""What was seen longer ago counts no more."""
_SHORTEST_S = 1.0
"""Before that nothing can be said."""


class Track(NamedTuple):
    """How much of something is done, and how much there is; None where nobody knows."""

    done: float
    total: float | None


class Speed:
    """The speed of one kind of work, in units per second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        """Moments, and how much was done then."""

    def see(self, now: float, done: float) -> None:
        """Take in how much is done at a moment, in seconds of any clock that never goes back."""
        self._seen.append((now, max(done, self._seen[-1][1]) if self._seen else done))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        """The speed now; None while it was not watched for long enough."""
        (began, before), (now, done) = (self._seen[0], self._seen[-1]) if self._seen else ((0, 0), (0, 0))
        return (done - before) / (now - began) if now - began >= _SHORTEST_S else None


class Estimate:
    """When a run ends: with the slowest of what it does, each as fast as it goes now.

    What does not move tells nothing: the one project of a run is done when its last file is.
    """

    def __init__(self) -> None:
        self._speeds: dict[str, Speed] = {}
        self._tracks: Mapping[str, Track] = {}

    def see(self, now: float, tracks: Mapping[str, Track]) -> None:
        """Take in how far each kind of work is at a moment."""
        self._tracks = tracks
        for kind, track in tracks.items():
            self._speeds.setdefault(kind, Speed()).see(now, track.done)

    def speed(self, kind: str) -> float | None:
        """Return how fast one kind of work goes, in units per second; None where that is not known."""
        return self._speeds[kind].per_second if kind in self._speeds else None

    @property
    def seconds_left(self) -> float | None:
        """How long the run still takes; None where nobody knows."""
        times = (
            (track.total - track.done) / per_second
            for kind, track in self._tracks.items()
            if track.total is not None and track.done < track.total and (per_second := self.speed(kind))
        )
        return max(times, default=None)
