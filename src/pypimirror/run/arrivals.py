"""Files on their way in: what room they still need, and how far they came."""

from typing import Protocol

from pypimirror.adopt import Candidate
from pypimirror.model import File
from pypimirror.run import InFlight
from pypimirror.store import Store, Temporary, size_now

BIG = 1 << 20
"""Files from so many bytes on are looked at one by one for the space that they need."""


class Arriving(Protocol):
    """A task of the workers that brings a file."""

    @property
    def file(self) -> File:
        """What comes."""

    @property
    def temporary(self) -> Temporary:
        """Where it comes to."""

    @property
    def candidate(self) -> Candidate | None:
        """What in the tree may stand for it."""


class Arrivals:
    """The files that workers fetch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: dict[str, Arriving] = {}

    def __bool__(self) -> bool:
        return bool(self._tasks)

    def add(self, task: Arriving) -> None:
        """Note that a file is on its way."""
        self._tasks[task.temporary.path] = task

    def end(self, task: Arriving) -> None:
        """Remove what a file came in, where it has no place."""
        del self._tasks[task.temporary.path]
        self._store.discard(task.temporary)

    def still_to_come(self) -> int:
        """Return the bytes that big files still need; what is there already takes no more space."""
        big = [t for t in self._tasks.values() if (t.file.size or 0) >= BIG and t.candidate is None]
        return sum(max(0, (task.file.size or 0) - size_now(task.temporary.path)) for task in big)

    def shown(self) -> list[InFlight]:
        """Return what can be shown of each."""
        return [
            InFlight(task.file.filename, task.temporary.path, task.file.size) for task in self._tasks.values()
        ]

    def abandon(self) -> None:
        """Remove the temporary files of all."""
        for task in self._tasks.values():
            self._store.discard(task.temporary)
        self._tasks.clear()
