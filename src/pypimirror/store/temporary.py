"""Files on their way in."""

import contextlib
import hashlib
import io
import os
from typing import TYPE_CHECKING, NamedTuple

from pypimirror.store.modes import FILE_MODE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_LARGE = 1 << 20


class TemporaryFile(io.FileIO):
    """An unbuffered file that takes all of what is written, where a plain one may take less."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of `content`; return its length in bytes."""
        view = memoryview(content)
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
    """A file on its way in, in the private folder."""

    path: str
    is_begun: bool = False
    """Something of it came in an earlier run."""
    key: str | None = None
    """Under which that was kept."""

    def open(self) -> TemporaryFile:
        """Open it for writing and reading, unbuffered; a new one is made. Raises OSError."""
        if self.is_begun:
            return TemporaryFile(self.path, "r+")
        return TemporaryFile(self.path, "x+", opener=_made)


def _made(path: str, flags: int) -> int:
    """Open a new file with the mode that it is to be served with, less the umask."""
    return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)
