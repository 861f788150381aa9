"""Core metadata out of a wheel (PEP 658: exactly the METADATA file of its .dist-info folder)."""

import io
import lzma
import re
import zipfile
import zlib
from typing import BinaryIO

from pypimirror import names

MAX_SIZE = 1 << 24
"""Bytes; METADATA holds the project's README, and no more has to be believed."""

_PLAIN_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that every installer reads, and that unpack by the piece."""

_SMALL = 1 << 20

_NAME = re.compile(rb"^Name:[ \t]*(\S+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_METADATA = re.compile(r"(?P<name>[^/]+?)-(?P<version>[^/-]+)\.dist-info/METADATA")


def from_wheel(wheel: BinaryIO, filename: str) -> bytes | None:
    """Return the METADATA of a wheel, open at its start; None if it is damaged or has none of its own."""
    try:
        # Most wheels are small: read at once they take one system call, and not two dozen.
        head = wheel.read(_SMALL)
        with zipfile.ZipFile(io.BytesIO(head) if len(head) < _SMALL else wheel) as archive:
            member = _member([info.filename for info in archive.infolist()], filename)
            if member is None or archive.getinfo(member).compress_type not in _PLAIN_PACKINGS:
                return None
            with archive.open(member) as content:
                # Not what the archive says of its size: that may be a lie, and gigabytes behind it.
                text = content.read(MAX_SIZE + 1)
            return text if len(text) <= MAX_SIZE else None
    # What zipfile raises for bytes that are no zip file, are cut, encrypted, or packed in an unknown way.
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ):
        return None


def name_in(text: bytes) -> str | None:
    """Return the `Name` that core metadata gives; None where it gives none that is a project's name."""
    match = _NAME.search(text.partition(b"\n\n")[0])
    name = match[1].decode("ascii", "replace") if match else ""
    return name if names.is_valid(name) else None


def _member(members: list[str], filename: str) -> str | None:
    project, version = [*filename.split("-"), ""][:2]
    found = [m for m in map(_METADATA.fullmatch, members) if m and _is_same(m["name"], project)]
    if len(found) > 1:
        found = [match for match in found if match["version"] == version]
    return found[0][0] if len(found) == 1 else None


def _is_same(one: str, other: str) -> bool:
    return names.is_valid(one) and names.is_valid(other) and names.normalize(one) == names.normalize(other)
