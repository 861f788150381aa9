"""Files on their way in: what room they still need, and how far they came."""

from pypimirror.model import File
from pypimirror.run import InFlight
from pypimirror.store import Store
from pypimirror.store.entries import size_now
from pypimirror.store.temporary import Temporary

BIG = 1 << 20
"""Files from so many bytes on are looked at one by one for the space that they need."""


class Arrivals:
    """The files that workers fetch."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[Temporary, InFlight] = {}

    def __bool__(self) -> bool:
        return bool(self._files)

    def add(self, temporary: Temporary, file: File, *, is_there: bool = False) -> None:
        """Note that a file is on its way; something that may be it `is_there` in the tree already."""
        self._files[temporary] = InFlight(file.filename, temporary.path, file.size, is_there)

    def end(self, temporary: Temporary) -> None:
        """Remove what a file came in, where it has no place."""
        del self._files[temporary]
        self._store.discard(temporary)

    def still_to_come(self) -> int:
        """Return the bytes that big files still need; what is there already takes no more space."""
        big = [file for file in self._files.values() if (file.size or 0) >= BIG and not file.is_there]
        return sum(max(0, (file.size or 0) - size_now(file.path)) for file in big)

    def shown(self) -> list[InFlight]:
        """Return what can be shown of each."""
        return list(self._files.values())

    def abandon(self) -> None:
        """Remove the temporary files of all, to which nobody writes any more."""
        for temporary in self._files:
            self._store.give_up(temporary)
        self._files.clear()
