"""Which served paths a run changes: noted before each step, so that a run that is killed leaves its list."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from pypimirror.store.layout import PRIVATE

JOURNAL = "changed"
"""Its name in the private folder."""
_SORTED = 1 << 26
"""Bytes of a list that is sorted in memory, each path once; a longer one stays as it was written."""


class Changes:
    """The list of one run, and of those before it that did not get to hand theirs on."""

    def __init__(self, root: Path, *, is_listed: bool) -> None:
        self._path = f"{root}/{PRIVATE}/{JOURNAL}"
        self._root = f"{root}/"
        self._private = f"{root}/{PRIVATE}/"
        self._is_listed = is_listed
        """Somebody wants the paths, and not only to know whether there are any."""
        self.are_of_this_run = False
        """Whether this run noted any."""
        self._file: int | None = None
        self._last = ""

    def note(self, path: str) -> None:
        """Note that what is served at a path is about to change; raise OSError where that can't be."""
        if path == self._last or path.startswith(self._private) or "\n" in path:
            return
        self.are_of_this_run = True
        if not self._is_listed:
            return
        if self._file is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._file = os.open(self._path, flags, 0o600)
        line = os.fsencode(f"{path.removeprefix(self._root)}\n")
        written = os.write(self._file, line)
        if written != len(line):
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)  # a part of a name is another
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self._path)
        self._last = path

    def is_empty(self) -> bool:
        """Tell whether nothing changed."""
        return not os.path.exists(self._path) or os.path.getsize(self._path) == 0

    def lines(self) -> Iterator[bytes]:
        """Yield the paths, each with its line end: sorted and each once, unless they are very many."""
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as journal:
            if os.fstat(journal.fileno()).st_size <= _SORTED:
                yield from sorted({line for line in journal if line.endswith(b"\n")})
            else:
                yield from journal

    def forget(self) -> None:
        """Begin a new list, as this one was handed on."""
        if self._file is not None:
            os.close(self._file)
        self._file, self._last = None, ""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
