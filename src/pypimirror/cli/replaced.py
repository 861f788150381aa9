"""Files for others to read: there as a whole, the old one or the new one, whenever somebody looks."""

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path

_MODE = 0o644
_PATIENCE_S = 2.0
_LOOK_S = 0.005


def replace(path: Path, chunks: Iterable[bytes]) -> None:
    """Put a file in the place of what is at `path`, when it is on the disk; raise OSError.

    A link gives way to the file. A run that is killed leaves a file beside it, which the next one uses.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        own = "" if _is_locked(folder) else f"{os.getpid()}."
        _write(path.with_name(f".{path.name}.{own}new"), path, chunks)
        with contextlib.suppress(OSError):  # not every file system can do so
            os.fsync(folder)
    finally:
        os.close(folder)


def _is_locked(folder: int) -> bool:
    """Lock a folder, as one who finds the mirror's lock held writes metrics, too; tell whether that worked.

    It is not waited for long: whoever runs this command may hold that lock, as flock(1) does.
    """
    deadline = time.monotonic() + _PATIENCE_S
    with contextlib.suppress(OSError):  # NFS locks no folders
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            time.sleep(_LOOK_S)
    return False


def _write(beside: Path, path: Path, chunks: Iterable[bytes]) -> None:
    descriptor = os.open(
        beside, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, _MODE
    )
    with os.fdopen(descriptor, "wb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "something else is in the way; remove it", str(beside))
        try:
            _take_mode_of(path, descriptor)
            file.truncate(0)
            file.writelines(chunks)
            file.flush()
            os.fsync(descriptor)
            beside.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise


def _take_mode_of(path: Path, descriptor: int) -> None:
    """Let the new file be readable to whom the old one is."""
    with contextlib.suppress(FileNotFoundError):
        old = path.lstat().st_mode
        if stat.S_ISREG(old):
            os.fchmod(descriptor, stat.S_IMODE(old))
