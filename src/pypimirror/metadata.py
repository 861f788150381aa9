"""Core metadata out of a wheel (PEP 658: exactly the METADATA file of its .dist-info folder)."""

import errno
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from pypimirror import names

MAX_SIZE = 1 << 24
"""Bytes; METADATA holds the project's README, and no more has to be believed."""

_PLAIN_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that every installer reads, and that unpack by the piece."""

MAX_MEMBERS = 65_535
"""As many as a zip file has without the zip64 extension."""
MAX_DIRECTORY = 1 << 23
"""Bytes in which a zip file names its members: 128 for each of so many."""

_MEMBER_SIGN = b"PK\x01\x02"
_BLOCK = 1 << 16
_SMALL = 1 << 20

_NAME = re.compile(rb"^Name:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_METADATA = re.compile(r"(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info/METADATA")


def from_wheel(wheel: BinaryIO, filename: str) -> bytes | None:
    """Return the METADATA of a wheel, open at its start; None if it is missing, unreadable or another's.

    That is so of a wheel that is damaged, and of one with more than MAX_MEMBERS members, or MAX_DIRECTORY
    bytes that name them. Raises OSError where the disk can't read it.
    """
    return from_zip(wheel, partial(_member, filename=filename))


def from_zip(archive: BinaryIO, choose: Callable[[list[str]], str | None]) -> bytes | None:
    """Return the member of a zip file, open at its start, that `choose` finds; None as `from_wheel` does.

    Raises OSError where the disk can't read it.
    """
    # Most wheels are small: read at once they take one system call, and not two dozen. A large buffer for
    # each would be memory that the system has to give each time.
    head = archive.read(_BLOCK)
    if len(head) == _BLOCK:
        head += archive.read(_SMALL - _BLOCK)
    try:
        with zipfile.ZipFile(io.BytesIO(head) if len(head) < _SMALL else _Bounded(archive)) as opened:
            member = choose([info.filename for info in opened.infolist()])
            if member is None or opened.getinfo(member).compress_type not in _PLAIN_PACKINGS:
                return None
            with opened.open(member) as content:
                # What the archive says of its size may be a lie.
                found = content.read(MAX_SIZE + 1)
                return found if len(found) <= MAX_SIZE else None
    except _UnreadableError as error:
        raise error.reason from error
    # What zipfile raises for bytes that are no zip file, are cut, encrypted, or packed in an unknown way.
    except (
        zipfile.BadZipFile,
        struct.error,
        OverflowError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,  # of a place that no file can have
    ):
        return None


class _UnreadableError(Exception):
    """What the disk says: an OSError itself is told as damage by zipfile."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


class _Bounded(io.BufferedIOBase):
    """A zip file whose directory is not read where it is too large: zipfile reads all of it at once."""

    def __init__(self, wheel: BinaryIO) -> None:
        self._wheel = wheel

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return self._wheel.seek(offset, whence)
        except OSError as error:
            if error.errno == errno.EINVAL:  # a place that no file can have
                raise
            raise _UnreadableError(error) from error

    def tell(self) -> int:
        return self.seek(0, io.SEEK_CUR)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_DIRECTORY:
            raise zipfile.BadZipFile(f"its directory has more than {MAX_DIRECTORY:,} bytes")
        try:
            content = self._wheel.read(-1 if size is None else size)
        except OSError as error:
            raise _UnreadableError(error) from error
        # What the end of a zip file says of their number may be a lie, and each becomes an object.
        if content.count(_MEMBER_SIGN) > MAX_MEMBERS:
            raise zipfile.BadZipFile(f"it has more than {MAX_MEMBERS:,} members")
        return content


def name_in(text: bytes) -> str | None:
    """Return the `Name` that core metadata gives; None where that is missing, or no project's name."""
    match = _NAME.search(text.partition(b"\n\n")[0])
    name = match[1].decode("ascii", "replace") if match else ""
    return name if names.is_valid(name) else None


def _member(members: list[str], filename: str) -> str | None:
    project, version = [*filename.split("-"), ""][:2]
    found = [m for m in map(_METADATA.fullmatch, members) if m and names.are_same(m["name"], project)]
    if len(found) > 1:
        found = [match for match in found if match["version"] == version]
    return found[0][0] if len(found) == 1 else None
