"""Files on their way in."""

import contextlib
import hashlib
import io
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_LARGE = 1 << 20


class TemporaryFile(io.FileIO):
    """An unbuffered file that takes all of what is written, where a plain one may take less."""

    is_placed = False
    """It was renamed into its place, and is no temporary one any more."""
    _has_begun = False
    """Something was written to it: most files come in one block."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of `content`; return its length in bytes.

        Raises InterruptedError where more of it comes and it has no name any more: it was abandoned.
        """
        view = memoryview(content)
        if self._has_begun and not os.fstat(self.fileno()).st_nlink:
            raise InterruptedError
        self._has_begun = True
        written = 0
        while written < len(view):
            written += super().write(view[written:])
        return written

    def begin_write_back(self) -> None:
        """Let the kernel begin to write a large file to the disk, so that the sync at the end waits less."""
        size = os.fstat(self.fileno()).st_size
        if size >= _LARGE and hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):  # it is no more than a hint
                # Pages that are not on the disk yet are written by this, and stay in memory.
                os.posix_fadvise(self.fileno(), 0, size, os.POSIX_FADV_DONTNEED)


def partial_key(project: str, filename: str) -> str:
    """Return the name under which what came of a file is kept for the next run."""
    return hashlib.sha256(f"{project}/{filename}".encode()).hexdigest()[:32]


class Temporary(NamedTuple):
    """A file on its way in: open for writing and reading, unbuffered, in the private folder."""

    path: str
    file: TemporaryFile
