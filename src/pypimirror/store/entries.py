"""What an entry of the tree is now, before another one takes its place."""

import errno
import os
import stat
import time

from pypimirror.errors import TreeError
from pypimirror.store.opened import in_the_way


def status_of(path: str) -> os.stat_result | None:
    """Return what a page is now; raise TreeError for what is no page. A link gives way to the page."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # a link that leads to itself
        if error.errno == errno.ELOOP:
            return None
        raise
    kind = in_the_way(found.st_mode)
    if kind and not os.path.islink(path):
        raise TreeError(path, f"something else is in the way ({kind}); remove it")
    return found


def size_before(present: os.stat_result | None) -> int:
    """Return the bytes of what was there; 0 where nothing was."""
    return present.st_size if present else 0


def time_after(present: os.stat_result | None, size: int) -> float | None:
    """Return the time for what takes a file's place, where a server could take one for the other.

    The ETag of nginx and Apache is a file's size with its time, nginx's in full seconds.
    """
    if present and present.st_size == size and int(present.st_mtime) >= int(time.time()):
        return int(present.st_mtime) + 1.0
    return None


def size_of(entry: os.DirEntry[str]) -> int | None:
    """Return the size of a file in bytes; None where it is none."""
    try:
        return entry.stat().st_size if entry.is_file() else None
    except OSError:  # a link that leads nowhere, or in a circle
        return None


def size_now(path: str) -> int:
    """Return the bytes of a file that is on its way in; 0 where none came yet."""
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def is_file(path: str) -> bool:
    """Tell whether a regular file is there; a link to one is none."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except FileNotFoundError:
        return False
