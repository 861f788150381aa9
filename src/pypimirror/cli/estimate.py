"""How fast work goes, and when it ends: smoothed, so that one fast or slow second changes little. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

_HALF_LIFE_S = 15.0
"""What was seen so long ago counts half as much as what is seen now."""
_SHORTEST_S = 1.0
"""Before that nothing can be said."""


class Track(NamedTuple):
    """How much of something is done, and how much there is; None where nobody knows."""

    done: float
    total: float | None


class Speed:
    """The speed of one kind of work, in units per second."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._seen = 0.0
        self._done = 0.0
        self._average = 0.0
        self._weight = 0.0

    def see(self, now: float, done: float) -> None:
        """Take in how much is done at a moment, in seconds of any clock that never goes back."""
        if self._began is None:
            self._began, self._seen, self._done = now, now, done
            return
        elapsed = now - self._seen
        if elapsed <= 0:
            return
        share = 1 - 0.5 ** (elapsed / _HALF_LIFE_S)
        self._average += share * (max(0.0, done - self._done) / elapsed - self._average)
        self._weight += share * (1 - self._weight)
        self._seen, self._done = now, done

    @property
    def per_second(self) -> float | None:
        """The speed now; None while it was not watched for long enough."""
        if self._began is None or self._seen - self._began < _SHORTEST_S:
            return None
        return self._average / self._weight


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
