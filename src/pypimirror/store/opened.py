"""Opening what lies in a tree: regular files alone, and without waiting, whatever lies in their place."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pypimirror.errors import StateError

_LARGEST = 1 << 28
"""Bytes of a page, or of what lies beside a file; a larger file is somebody else's."""
_BLOCK = 1 << 16
_NOT_OURS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ELOOP})
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link that leads to no file",
}


@contextlib.contextmanager
def passing_over() -> Iterator[None]:
    """Pass over what is not there, or not ours to look at; raise OSError of the disk."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise


def open_regular(path: str) -> int | None:
    """Open a regular file for reading; None for what is something else. Raises OSError.

    A FIFO would keep us waiting for one who writes to it, and some devices do something when they are opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, or a device that is not there
            return None
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def open_file(path: str) -> BinaryIO | None:
    """Do the same, for a buffered file."""
    descriptor = open_regular(path)
    return None if descriptor is None else os.fdopen(descriptor, "rb")


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO | None]:
    """Open a regular file for a while; None where it is not there, or not ours to read."""
    found = None
    with passing_over():
        found = open_file(path)
    with found or contextlib.nullcontext():
        yield found


def read_regular(path: str) -> bytes | None:
    """Return what is in a regular file that is no larger than ours are; None for anything else."""
    descriptor = open_regular(path)
    if descriptor is None:
        return None
    try:
        if os.fstat(descriptor).st_size > _LARGEST:
            return None
        blocks, left = [], _LARGEST
        while left > 0 and (block := os.read(descriptor, _BLOCK)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)
    finally:
        os.close(descriptor)


def in_the_way(mode: int) -> str | None:
    """Return what a mode says that lies there, where that is no regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")


def check_state_file(path: Path) -> None:
    """Raise StateError where something that is no regular file has the place of a private file."""
    with contextlib.suppress(FileNotFoundError):
        if kind := in_the_way(os.stat(path).st_mode):
            raise StateError(path, f"is {kind}, and no file; remove it")


def check_state(path: Path) -> None:
    """Raise StateError where the state, or the journal beside it, is something else than a file.

    SQLite would wait for ever for one who writes to a FIFO.
    """
    for each in (path, path.with_name(f"{path.name}-journal")):
        check_state_file(each)


def read_id(path: Path) -> str | None:
    """Return the tree's identity; None where it is missing or no such text. Raises StateError, OSError."""
    check_state_file(path)
    try:
        content = read_regular(str(path))
    except FileNotFoundError:
        return None
    text = (content or b"").decode("ascii", "replace").strip()
    return text if text.isalnum() and text.isascii() else None


def entries_if_any(folder: str) -> Iterator[str]:
    """Yield the names in a folder; none where it is no folder."""
    try:
        yield from os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
