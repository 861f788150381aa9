"""What an sdist requires: its PKG-INFO, read out of the archive without unpacking it to disk."""

import gzip
import io
import re
import tarfile
import zlib
from functools import partial
from typing import BinaryIO

from packaging.utils import InvalidSdistFilename, parse_sdist_filename

from pypimirror import names
from pypimirror.metadata import MAX_MEMBERS, MAX_SIZE, from_zip, name_in
from pypimirror.model import NormalizedName
from pypimirror.requirements.required import is_reliable, requires_dist

MAX_UNPACKED = 1 << 28
"""Bytes of an archive that are looked through, unpacked: many sdists have PKG-INFO at their end."""
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)
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
    before its PKG-INFO. Raises OSError where the disk can't read it.
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
        with gzip.GzipFile(fileobj=sdist) as unpacked:
            return _found(unpacked)
    # What is raised for what is no such archive, is cut, or lies about itself.
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError):
        return None


def _found(unpacked: gzip.GzipFile) -> bytes | None:
    """Go from header to header. Headers that only add to the next one are passed over like members.

    A TarFile reads those, too, and up to Python 3.11.9 that takes the square of their length.
    """
    at = 0
    for _ in range(MAX_MEMBERS):
        info = tarfile.TarInfo.frombuf(unpacked.read(tarfile.BLOCKSIZE), "utf-8", "surrogateescape")
        at += tarfile.BLOCKSIZE + info.size
        if info.size < 0 or at > MAX_UNPACKED or info.type == tarfile.GNUTYPE_SPARSE:
            return None
        if info.type in _REGULAR and _PKG_INFO.fullmatch(info.name):
            content = unpacked.read(info.size) if info.size <= MAX_SIZE else b""
            return content if len(content) == info.size else None
        unpacked.seek(-(-info.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE, io.SEEK_CUR)
    return None
