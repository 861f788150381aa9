"""What single steps do on the disk; `Tree` alone takes them, and a dry run takes none."""

import contextlib
import logging
import os
import shutil

from pypimirror.store.machine import may_be_open, spread_folders, sync_file_system

_log = logging.getLogger(__name__)


def sync(root: str) -> None:
    """Wait until all that was done is on the disk."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        sync_file_system(descriptor)
    finally:
        os.close(descriptor)


def spread(folder: str, folders: list[str]) -> None:
    """Make folders in a private one, far from each other."""
    spread_folders(folder)
    for each in folders:
        os.mkdir(each, 0o700)


def place(path: str, target: str, mtime: float | None) -> None:
    """Give a file its place, and the time of its last change in POSIX seconds."""
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    os.replace(path, target)


def move_into(path: str, folder: str, name: str) -> None:
    """Move a file into a private folder, which need not be there."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    os.replace(path, f"{folder}/{name}")


def keep(path: str, folder: str, name: str) -> None:
    """Move what a run wrote that is gone into a private folder, or remove it, where that can't be.

    Where a process of that run may still write to it, a copy takes its place.
    """
    kept = f"{folder}/{name}"
    try:
        move_into(path, folder, name)
        if may_be_open(kept):
            shutil.copy(kept, f"{kept}.new")
            os.replace(f"{kept}.new", kept)
    except OSError:
        for each in (path, kept, f"{kept}.new"):
            with contextlib.suppress(OSError):
                os.unlink(each)


def unlink(path: str) -> None:
    """Remove what was left; a folder that is not ours stays."""
    try:
        os.unlink(path)
    except OSError as error:
        if not os.path.isdir(path):
            raise
        _log.warning("%s: something else is in the way (%s); remove it", path, error.strerror)


def remove_folder(path: str) -> None:
    """Remove a folder of ours; one in which something else lies stays."""
    try:
        os.rmdir(path)
    except OSError as error:
        _log.warning("%s: something else is in the way (%s); remove it", path, error.strerror)


def rename(folder: str, target: str) -> None:
    """Give a folder another name."""
    if os.path.islink(target):  # a name in another spelling, that somebody made for the raw folder
        os.unlink(target)
    os.rename(folder, target)


def set_aside(path: str, folder: str, name: str) -> None:
    """Move a file out of reach."""
    move_into(path, folder, name)
    os.unlink(path)  # there still where both were one file: then a rename does nothing
