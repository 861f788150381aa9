"""Where tests keep what they write: in memory where there is room, as each run waits for its disk.

What walks at random, or is about disks, is on a real one (the marker `disk`), and so is all with --basetemp.
"""

import os
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH = 4 << 30


def quick_disk() -> str | None:
    """Return a folder on a disk that is fast, or None for the one of all temporary files."""
    if not (_MEMORY.is_mount() and os.access(_MEMORY, os.W_OK | os.X_OK)):
        return None
    there = os.statvfs(_MEMORY)
    runs_programs = not there.f_flag & os.ST_NOEXEC  # as hooks are
    return str(_MEMORY) if runs_programs and there.f_bavail * there.f_frsize > _ENOUGH else None
