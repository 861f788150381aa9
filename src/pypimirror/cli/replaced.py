"""Files for others to read: there as a whole, the old one or the new one, whenever somebody looks."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_MODE = 0o644


def replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Put a file in the place of what is at `path`, when it is on the disk; raise OSError.

    A link gives way to the file. A run that is killed leaves a file beside it, which the next one uses.
    """
    beside = path.with_name(f".{path.name}.new")
    descriptor = _opened(beside)
    try:
        _take_mode_of(path, descriptor)
        os.ftruncate(descriptor, 0)
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.writelines(chunks)
        os.fsync(descriptor)
        beside.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    finally:
        os.close(descriptor)


def _take_mode_of(path: Path, descriptor: int) -> None:
    """Let the new file be readable to whom the old one is."""
    with contextlib.suppress(FileNotFoundError):
        old = path.lstat().st_mode
        if stat.S_ISREG(old):
            os.fchmod(descriptor, stat.S_IMODE(old))


def _opened(beside: Path) -> int:
    """Open the file beside another, alone: one who finds the lock held writes metrics, too."""
    while True:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(beside, flags, _MODE)
        try:
            _check(beside, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_there(beside, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _check(beside: Path, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(0, "something else is in the way; remove it", str(beside))


def _is_there(beside: Path, descriptor: int) -> bool:
    """Tell whether an open file still has its name, which another one may have taken while we waited."""
    try:
        return os.path.samestat(beside.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):  # not every file system can do so
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
