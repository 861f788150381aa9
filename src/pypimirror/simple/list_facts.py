"""What a project list says as a whole, of the entries that nobody chose, too."""

from collections.abc import Iterable


class ListFacts:
    """What was seen of a list so far: at its end of all of it, and never less than was yielded."""

    def __init__(self) -> None:
        self.entries = 0
        self.nameless = 0
        """Entries whose name can't be read: any project that seems absent may be one of them."""
        self.serials_differ = False
        """Whether two entries were seen with different serials."""
        self._serial: str | None = None
        self._is_repeated = False

    @property
    def serials_tell(self) -> bool:
        """Whether serials can say anything: a server that has none may send one and the same for all."""
        return self.serials_differ or not self._is_repeated

    def see(self, count: int, serials: Iterable[str | None]) -> None:
        """Count `count` entries; their serials are looked at until two differ, which is soon."""
        self.entries += count
        if self.serials_differ:
            return
        for serial in serials:
            if serial is None:
                continue
            if self._serial is None:
                self._serial = serial
            elif serial == self._serial:
                self._is_repeated = True
            else:
                self.serials_differ = True
                return
