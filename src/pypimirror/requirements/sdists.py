"""What an sdist requires: its PKG-INFO, read out of the archive without unpacking it to disk."""

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Callable
from functools import partial
from typing import BinaryIO

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from pypimirror import names
from pypimirror.metadata import MAX_MEMBERS, from_zip, name_in, read_bounded
from pypimirror.model import NormalizedName
from pypimirror.requirements.required import is_reliable, requires_dist

MAX_UNPACKED = 1 << 28
"""Bytes of an archive that are looked through, unpacked: many sdists have PKG-INFO at their end."""
MAX_READ = 1 << 16
"""Bytes that are read at once; headers of a tar file that claim more are believed nothing."""

_PKG_INFO = re.compile(r"(?:\./)?[^/]+/PKG-INFO")


def sdist_requires(sdist: BinaryIO, filename: str) -> tuple[str, ...] | None:
    """Return the distinct requirements of an sdist, open at its start; None where they are not known.

    They are known where its PKG-INFO says what its wheel will require (PEP 643), and can be read.
    """
    pkg_info = from_sdist(sdist, filename)
    return requires_dist(pkg_info) if pkg_info is not None and is_reliable(pkg_info) else None


def from_sdist(sdist: BinaryIO, filename: str) -> bytes | None:
    """Return the PKG-INFO of an sdist (.tar.gz or .zip), open at its start; None if it has none of its own.

    That is so, too, of what is damaged, and of what has more than MAX_MEMBERS members, or MAX_UNPACKED bytes
    before its PKG-INFO.
    """
    try:
        project = NormalizedName(parse_sdist_filename(filename)[0])
    except InvalidSdistFilename:
        return None
    read = partial(from_zip, choose=_member) if filename.lower().endswith(".zip") else _from_tar
    pkg_info: bytes | None = read(sdist)
    name = name_in(pkg_info) if pkg_info is not None else None
    return pkg_info if name is not None and names.normalize(name) == project else None


def _member(members: list[str]) -> str | None:
    found = list(filter(_PKG_INFO.fullmatch, members))
    return found[0] if len(found) == 1 else None


def _from_tar(sdist: BinaryIO) -> bytes | None:
    try:
        with (
            gzip.GzipFile(fileobj=sdist) as unpacked,
            tarfile.TarFile(fileobj=_Bounded(unpacked.read), mode="r") as archive,
        ):
            return _found(archive)
    # What the two raise for what is no such archive, is cut, or lies about itself.
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, OverflowError, RecursionError):
        return None


def _found(archive: tarfile.TarFile) -> bytes | None:
    for number, member in enumerate(archive):
        if number >= MAX_MEMBERS:
            return None
        if member.isreg() and not member.issparse() and _PKG_INFO.fullmatch(member.name):
            content = archive.extractfile(member)
            return None if content is None else read_bounded(content)
    return None


class _Bounded(io.RawIOBase):
    """The unpacked bytes of an archive, which goes forward alone and is read by the piece."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._at = 0

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset < self._at:
            raise OSError("only forward")
        while self._at < offset and self.read(min(offset - self._at, MAX_READ)):
            pass
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= MAX_READ:
            raise OSError(f"more than {MAX_READ} bytes at once")
        if self._at + size > MAX_UNPACKED:
            raise OSError(f"more than {MAX_UNPACKED} bytes, unpacked")
        content = self._read(size)
        self._at += len(content)
        return content
