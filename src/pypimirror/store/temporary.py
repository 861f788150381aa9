"""Files on their way in."""

import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class TemporaryFile(io.FileIO):
    """An unbuffered file that takes all of what is written, where a plain one may take less."""

    def write(self, content: "ReadableBuffer", /) -> int:
        """Write all of `content`; return its length in bytes."""
        view = memoryview(content)
        written = super().write(view)
        while written < len(view):
            written += super().write(view[written:])
        return written


class Temporary(NamedTuple):
    """A file on its way in: open for writing and reading, unbuffered, in the private folder."""

    path: str
    file: TemporaryFile
