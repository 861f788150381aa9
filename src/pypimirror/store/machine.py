"""What is asked of the operating system beyond files."""

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path

_GET_FLAGS, _SET_FLAGS, _TOP = 0x80086601, 0x40086602, 0x00020000
"""FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, and what `chattr +T` sets (ioctl_iflags(2))."""


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


def may_be_open(path: str) -> bool:
    """Tell whether some process may have a file open: a lease is given where none has (fcntl(2))."""
    if not sys.platform.startswith("linux"):
        return True
    import fcntl

    try:
        with open(path, "r+b") as file:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:  # so it is, or the file system can't tell
        return True
    return False


def spread_folders(folder: str) -> None:
    """Let folders that are made in this one lie far from each other on the disk, where it is ext4.

    Else new files look for their inodes where others were just removed, which ext4 passes over one by one:
    then making a file takes three times as long.
    """
    if not sys.platform.startswith("linux"):
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        flags = bytearray(struct.calcsize("l"))
        with contextlib.suppress(OSError):  # another file system
            fcntl.ioctl(descriptor, _GET_FLAGS, flags)
            (before,) = struct.unpack("l", flags)
            fcntl.ioctl(descriptor, _SET_FLAGS, struct.pack("l", before | _TOP))
    finally:
        os.close(descriptor)
