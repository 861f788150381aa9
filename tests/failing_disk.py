"""A file whose disk fails from some byte on."""

import errno
import io
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class FailingFile(io.RawIOBase):
    """These bytes, of which those at `bad` and behind it can't be read."""

    def __init__(self, content: bytes, bad: int) -> None:
        self._content = io.BytesIO(content)
        self._bad = bad

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        if self._content.tell() + memoryview(buffer).nbytes > self._bad:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self._content.readinto(buffer)
