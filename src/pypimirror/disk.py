"""What there is on a disk, and what an error says of it."""

import errno
import os
from pathlib import Path
from typing import NamedTuple

from pypimirror.errors import DiskFullError, TooBigError

_FEW_INODES, _SOME_BYTES = 32, 1 << 20
_NOTES_BYTES = 1 << 14
"""What a run without news has to write into the state, at least."""


def is_full(error: BaseException) -> bool:
    """Tell whether an error means that there is no space left, on the disk or for this user."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return isinstance(error, DiskFullError)


def why_failed(error: OSError) -> str:
    """Return what an error of the machine says, and of what."""
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def full_or_itself(error: OSError) -> OSError | DiskFullError:
    """Return what to raise for an error of the machine."""
    if not is_full(error):
        return error
    path = error.filename2 or error.filename
    place = f"{path}: " if path else ""
    what = "no free inodes" if path and has_no_inodes(path) else error.strerror
    return DiskFullError(f"{place}{what}; make room, and the next run goes on")


def has_no_inodes(path: str | Path) -> bool:
    """Tell whether a path's disk has bytes left, and no room for one more file."""
    try:
        disk = os.statvfs(Path(os.fsdecode(path)).parent)
    except OSError:
        return False
    # What the run gave back since then does not count.
    return disk.f_files > 0 and disk.f_favail < _FEW_INODES and disk.f_bavail * disk.f_frsize > _SOME_BYTES


class FreeSpace(NamedTuple):
    """What shall stay free on the disk of a folder, in bytes; 0 is no limit."""

    folder: str
    limit: int

    def check(self, needed: int) -> None:
        """Raise DiskFullError where less would be free, for users like us, after so many bytes more."""
        if not self.limit:
            return
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize
        if free - needed < self.limit:
            more = f", {needed >> 20:,} MiB more were to come" if needed >> 20 else ""
            raise DiskFullError(
                f"only {free >> 20:,} MiB are free below {self.folder}{more}, and min_free_space ="
                f" {self.limit >> 20} MiB shall stay free; make room, and the next run goes on"
            )

    def check_fits(self, files: int, needed: int) -> None:
        """Raise DiskFullError where so many files, of so many bytes in all, don't fit, limit or not."""
        if not files:
            return
        self.check(needed)
        disk = os.statvfs(self.folder)
        free = disk.f_bavail * disk.f_frsize
        if disk.f_blocks and free < needed:
            raise DiskFullError(
                f"only {free >> 20:,} MiB are free below {self.folder}, and {needed >> 20:,} MiB are to come;"
                " make room, or select less"
            )
        if disk.f_files and disk.f_favail < files:
            raise DiskFullError(
                f"the disk of {self.folder} takes {disk.f_favail:,} files more (inodes), and {files:,} are to"
                " come; make room, or select less"
            )

    def check_notes(self) -> None:
        """Raise DiskFullError where what a run without news has to note does not fit."""
        try:
            disk = os.statvfs(self.folder)
        except FileNotFoundError:  # it is made when it is needed
            return
        # Root may take what is reserved.
        blocks = disk.f_bavail if os.geteuid() else disk.f_bfree
        if disk.f_blocks and blocks * disk.f_frsize < _NOTES_BYTES:
            raise DiskFullError(f"the disk of {self.folder} is full; make room, and the next run goes on")

    def why_full(self) -> str | None:
        """Say why nothing more can be stored; None where something can."""
        try:
            self.check(0)
            disk = os.statvfs(self.folder)
        except DiskFullError as full:
            return str(full)
        except OSError:
            return None
        if disk.f_blocks and disk.f_bavail * disk.f_frsize < _SOME_BYTES:
            return f"the disk of {self.folder} is full; make room, and the next run goes on"
        if has_no_inodes(f"{self.folder}/x"):
            return f"the disk of {self.folder} has no free inodes; make room, and the next run goes on"
        return None

    def check_file(self, size: int) -> None:
        """Raise TooBigError for a file that could never fit, DiskFullError for one that does not fit now."""
        if reason := self.why_never(size):
            raise TooBigError(reason)
        self.check(size)

    def why_never(self, size: int) -> str | None:
        """Say why a file of so many bytes could not even be stored on an empty disk; None where it could."""
        disk = os.statvfs(self.folder)
        room = disk.f_blocks * disk.f_frsize - self.limit
        # Where nothing at all would fit, it is min_free_space that is to be told.
        if not disk.f_blocks or room <= 0 or size <= room:
            return None
        return (
            f"it is said to have {size >> 20:,} MiB, and the disk of {self.folder} has {room >> 20:,} MiB"
            " at most, less min_free_space; filename_excludes can leave it out"
        )
