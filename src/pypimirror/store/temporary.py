"""Files on their way in."""

import hashlib
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class TemporaryFile(io.FileIO):
    """An unbuffered file that takes all of what is written, where a plain one may take less."""

    _is_abandoned = False

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of `content`; return its length in bytes."""
        view = memoryview(content)
        written = 0
        while written < len(view):
            if self._is_abandoned:
                raise InterruptedError
            written += super().write(view[written:])
        return written

    def abandon(self) -> None:
        """Give back the space, and let another thread that writes here end. It stays open for that one.

        Closed under its hands, the descriptor might be another file's by the time that it writes.
        """
        self._is_abandoned = True
        self.truncate(0)


def partial_key(project: str, filename: str) -> str:
    """Return the name under which what came of a file is kept for the next run."""
    return hashlib.sha256(f"{project}/{filename}".encode()).hexdigest()[:32]


class Temporary(NamedTuple):
    """A file on its way in: open for writing and reading, unbuffered, in the private folder."""

    path: str
    file: TemporaryFile
