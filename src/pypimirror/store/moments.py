"""A moment that is kept without the state: as the time of an empty file in the private folder."""

import contextlib
import os
import stat
from pathlib import Path


def note_moment(path: Path, now: float, *, after: float) -> bool:
    """Keep `now` (POSIX seconds), and return True; False where a moment between `after` and `now` is kept."""
    with contextlib.suppress(OSError):
        kept = path.lstat()
        if stat.S_ISREG(kept.st_mode) and after <= kept.st_mtime <= now + 1:
            return False
    with contextlib.suppress(OSError):  # then it is told each time
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            os.utime(descriptor, (now, now))
        finally:
            os.close(descriptor)
    return True
