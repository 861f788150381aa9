"""What is asked of the operating system beyond files."""

import ctypes
import os
import sys
from pathlib import Path


def boot_id() -> str:
    """Return what is another one after each start of the machine, where the system tells."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return "unknown"


def sync_file_system(descriptor: int) -> None:
    """Wait until all that was written to an open file's file system is on the disk."""
    if not sys.platform.startswith("linux"):
        os.sync()
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
