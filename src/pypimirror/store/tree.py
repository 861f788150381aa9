"""The tree on disk.

Files are written in `.pypimirror/new` and renamed into place when they are whole, so that nothing half-made
ever lies where it is served.
"""

import contextlib
import errno
import logging
import os
import re
import stat
import uuid
from collections.abc import Callable, Container, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, ParamSpec

from pypimirror.disk import FreeSpace
from pypimirror.errors import StateError, TreeError
from pypimirror.model import NormalizedName
from pypimirror.store import steps
from pypimirror.store.changes import Changes
from pypimirror.store.entries import is_file, size_before, size_of, status_of, time_after
from pypimirror.store.layout import PRIVATE
from pypimirror.store.modes import FILE_MODE, FOLDER_MODE
from pypimirror.store.opened import entries_if_any, open_file, passing_over, read_id, read_regular
from pypimirror.store.spelling import Spelling, ignores_case, ignores_form
from pypimirror.store.temporary import Temporary

_P = ParamSpec("_P")

_log = logging.getLogger(__name__)

_READABLE_BY_ALL = 0o004
_READABLE_BY_GROUP = 0o040

# What is wrong with one place in the tree; anything else is wrong with the machine, and ends the run.
_LOCAL_ERRORS = frozenset(
    {
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENOTEMPTY,
        errno.ENAMETOOLONG,
        errno.ELOOP,
        errno.EXDEV,
    }
)
_DENIED = frozenset({errno.EACCES, errno.EPERM})
"""Wrong with one project's folder, where the root can be written to."""
_STAYS = _LOCAL_ERRORS | _DENIED | {errno.EBUSY}
"""Why a folder is not removed: something is in it, or it is none, or not ours."""

_MANY, _FOLDERS = 64, 4
"""From so many temporary files on they lie in so many folders."""
_OURS = re.compile(r"/[0-9]+-[0-9]+-\Z")
_KEPT = re.compile(r"/[0-9]+-[0-9]+\.([0-9a-z]+)\Z")
"""How the path of a file ends that was begun with what was kept under a key."""

_BLOCK = 1 << 18
_LOOK_EVERY = 1 << 18
"""Bytes of pages after which the free space is looked at again."""


class FileStore:
    """The tree below one folder: its files. Names handed in are normalized names and safe file names."""

    on_step: Callable[[str], None] = staticmethod(lambda _path: None)
    """Called with the path before anything is made, renamed or removed: where tests let it fail or die."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.space = FreeSpace(str(root), 0)
        """What shall stay free when a page, or what lies beside a file, is written."""
        self.changes: Changes | None = None
        """Where somebody wants to know what this run changes."""
        self._root = str(root)
        self._temporary = f"{self._root}/{PRIVATE}/new"
        self._partial = f"{self._root}/{PRIVATE}/partial"
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._count = 0
        self._spread: list[str] = []
        """Folders for temporary files, where there are many."""
        self._unlooked = _LOOK_EVERY
        self._folders: set[str] = set()
        self._is_dirty = False
        self._spelling: Spelling | None = None

    # -- the folder itself --------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the mirror's folder and its private folder."""
        self.root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        private = self.root / PRIVATE
        # mkdir, not chmod: a setgid bit that the folder inherits has to stay.
        private.mkdir(mode=0o700, exist_ok=True)
        (private / "new").mkdir(mode=0o700, exist_ok=True)

    def sweep(self) -> int:
        """Remove all temporary files, and return how many there were. Call it under the lock.

        Those that a run went on with are kept for the next one to go on with.
        """
        with os.scandir(self._temporary) as entries:
            found = {entry.path: entry.is_dir(follow_symlinks=False) for entry in entries}
        folders = [path for path, is_folder in found.items() if is_folder and _OURS.search(path)]
        left = [path for path in found if path not in folders]
        left += [f"{folder}/{name}" for folder in folders for name in os.listdir(folder)]
        for path in left:
            if (kept := _KEPT.search(path)) and is_file(path):
                self._step(path, steps.keep, path, self._partial, kept[1])
            else:
                self._step(path, steps.unlink, path)
        for path in folders:
            self._step(path, steps.remove_folder, path)
        self._count, self._spread = 0, []
        return len(left)

    def sync(self) -> None:
        """Return when everything that was done so far is on the disk, as far as the disk tells."""
        if not self._is_dirty:
            return
        self._step(self._root, steps.sync, self._root)
        self._is_dirty = False

    def _step(self, path: str, change: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Make, rename or remove something at a place: all changes but new temporary files come this way."""
        self._note_step(path)
        change(*args, **kwargs)

    def _note_step(self, path: str) -> None:
        self._is_dirty = True
        self.on_step(path)

    def changing(self, path: str) -> None:
        """Note that something that is served is about to be another one, or gone."""
        if self.changes is not None:
            self.changes.note(path)

    def warn_of_umask(self) -> None:
        """Warn where files will be unreadable to a web server of another user."""
        mode = self.root.stat().st_mode
        readable = _READABLE_BY_GROUP if mode & stat.S_ISGID else _READABLE_BY_ALL
        if not FILE_MODE & ~self._umask & readable:
            _log.warning(
                "the umask %03o leaves files unreadable to other users, such as the web server", self._umask
            )

    def tree_id(self, *, is_state_new: bool, state_id: str | None, state_path: Path) -> str:
        """Return the tree's identity, which its state carries too; raise StateError where they differ."""
        path = self.root / PRIVATE / "id"
        found = read_id(path)
        if (
            state_id is not None
            and found != state_id
            and (found is not None or not state_path.is_relative_to(self.root))
        ):
            reason = f"belongs to another tree than {self.root} (is its disk mounted?)"
            raise StateError(state_path, reason)
        if found is None:
            if state_id is None:
                _log.info("there is no mirror in %s yet: a new one is made", self.root)
            found = state_id or uuid.uuid4().hex
            self._write_private(path, found)
        elif is_state_new:
            _log.warning("the state of %s is gone; the tree is adopted", self.root)
        return found

    def _write_private(self, path: Path, text: str) -> None:
        temporary = self.new_temporary()
        with temporary.open() as file:
            file.write(text.encode())
        self._step(str(path), os.replace, temporary.path, path)

    def spelling(self) -> Spelling:
        """Return which names are one file here; looked up once."""
        if self._spelling is None:
            self._spelling = Spelling(ignores_case(self._root), ignores_form(self._temporary))
        return self._spelling

    # -- files ------------------------------------------------------------------------------

    def new_temporary(self, key: str | None = None, /) -> Temporary:
        """Return a new place for a file in the private folder, or for one that was kept under a key."""
        self._count += 1
        if self._count == _MANY:
            self._spread = [f"{self._temporary}/{os.getpid()}-{number}-" for number in range(_FOLDERS)]
            self._step(self._temporary, steps.spread, self._temporary, self._spread)
        folder = self._spread[self._count % _FOLDERS] if self._spread else self._temporary
        path = f"{folder}/{os.getpid()}-{self._count}"
        self._note_step(path)
        if key is not None and is_file(f"{self._partial}/{key}"):
            os.replace(f"{self._partial}/{key}", f"{path}.{key}")
            return Temporary(f"{path}.{key}", is_begun=True, key=key)
        return Temporary(path)

    def keep_partial(self, temporary: Temporary, key: str) -> None:
        """Keep what came of a file for the next run."""
        self._step(temporary.path, steps.move_into, temporary.path, self._partial, key)

    def give_up(self, temporary: Temporary) -> None:
        """Remove a temporary file that nobody writes to any more, but keep what came in an earlier run."""
        if temporary.key is not None and os.path.lexists(temporary.path):
            with contextlib.suppress(OSError):  # it is not worth the end of a run
                self.keep_partial(temporary, temporary.key)
        self.discard(temporary)

    def sweep_partial(self, wanted: Container[str]) -> None:
        """Remove what was kept for later, but for the keys that are wanted."""
        for name in entries_if_any(self._partial):
            if name not in wanted:
                self._step(f"{self._partial}/{name}", steps.unlink, f"{self._partial}/{name}")

    def discard(self, temporary: Temporary) -> None:
        """Remove a temporary file, if it is there."""
        if os.path.lexists(temporary.path):
            self._step(temporary.path, os.unlink, temporary.path)

    @contextlib.contextmanager
    def _new_temporary(self) -> Iterator[Temporary]:
        """Return a place for a file, which is removed where anything goes wrong."""
        temporary = self.new_temporary()
        try:
            yield temporary
        except BaseException:
            self.discard(temporary)
            raise

    def place(
        self, temporary: Temporary, project: NormalizedName | None, name: str, *, mtime: float | None = None
    ) -> None:
        """Rename a temporary file into a project's folder, or into the root; `mtime` is in POSIX seconds.

        Raises TreeError where something foreign is in the way.
        """
        target = self._path(project, name)
        with self.local_errors(target):
            self._make_folder(project)
            self.changing(target)
            self._step(target, steps.place, temporary.path, target, mtime)

    def write(self, project: NormalizedName | None, name: str, content: bytes) -> bool:
        """Write a page, or a file beside a file, unless it has these bytes; tell whether it was written."""
        target = self._path(project, name)
        with self.local_errors(target):
            present = status_of(target)
            if present and present.st_size == len(content) and self.has_bytes(project, name, [content]):
                return False
        self._check_growth(len(content) - size_before(present))
        with self._new_temporary() as temporary:
            with temporary.open() as file:
                file.write(content)
            self.place(temporary, project, name, mtime=time_after(present, len(content)))
        return True

    def _check_growth(self, growth: int, *, is_written: bool = False) -> None:
        """Raise DiskFullError where files that get longer leave too little free; looked at now and then.

        What gets no longer always has its turn: that is how room is made.
        """
        if growth <= 0:
            return
        self._unlooked += growth
        if self._unlooked > _LOOK_EVERY:
            self.space.check(0 if is_written else growth)
            self._unlooked = 0

    def write_stream(self, project: NormalizedName | None, name: str, chunks: Iterable[bytes]) -> bool:
        """Do the same with a page that is too long to be held in memory."""
        with self._new_temporary() as temporary:
            target = self._path(project, name)
            with self.local_errors(target):
                present = status_of(target)
            with temporary.open() as file:
                for chunk in chunks:
                    file.write(chunk)
                    self._check_growth(min(len(chunk), file.tell() - size_before(present)), is_written=True)
                size = file.tell()
                file.seek(0)
                with self.local_errors(target):
                    is_same = bool(present and present.st_size == size) and self.has_bytes(
                        project, name, iter(partial(file.read, _BLOCK), b"")
                    )
            if is_same:
                self.discard(temporary)
            else:
                self.place(temporary, project, name, mtime=time_after(present, size))
            return not is_same

    def has_bytes(self, project: NormalizedName | None, name: str, chunks: Iterable[bytes]) -> bool:
        """Tell whether a page, or a file beside a file, is there and has these bytes."""
        opened = self.open_existing(project or ".", name)
        if opened is None:
            return False
        with opened:
            return all(opened.read(len(chunk)) == chunk for chunk in chunks) and not opened.read(1)

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the regular files in a folder, with their sizes in bytes; a relative one is the root's."""
        entries = self.entries(folder).items()
        return {name: size for name, entry in entries if (size := size_of(entry)) is not None}

    def entries(self, folder: str) -> "dict[str, os.DirEntry[str]]":
        """Return everything in a folder."""
        with passing_over(), os.scandir(self._folder(folder)) as entries:
            return {entry.name: entry for entry in entries}
        return {}

    def root_entries(self) -> Iterator[str]:
        """Yield the names of everything in the root."""
        with os.scandir(self._root) as entries:
            yield from (entry.name for entry in entries)

    def read(self, folder: str, name: str) -> bytes | None:
        """Return a page, or a file beside a file; None where it is not there."""
        with passing_over():
            return read_regular(f"{self._folder(folder)}/{name}")
        return None

    def path(self, folder: str, name: str) -> str:
        """Return where a file lies, for workers that read it."""
        return f"{self._folder(folder)}/{name}"

    def open_existing(self, folder: str, name: str) -> BinaryIO | None:
        """Open a file for reading; None where it is not there, or not ours to read."""
        with passing_over():
            return open_file(f"{self._folder(folder)}/{name}")
        return None

    @contextlib.contextmanager
    def local_errors(self, path: str) -> Iterator[None]:
        """Turn what is wrong with one place in the tree into a TreeError."""
        try:
            yield
        except OSError as error:
            if error.errno in _LOCAL_ERRORS:
                raise TreeError(path, f"something else is in the way ({error.strerror})") from error
            if error.errno in _DENIED and self._is_in_writable(path):
                reason = f"{error.strerror}; it belongs to somebody else, or may not be changed"
                raise TreeError(path, reason, is_denied=True) from error
            raise

    def _is_in_writable(self, path: str) -> bool:
        """Tell whether a place lies in a folder below a root that can be written to."""
        is_below = os.path.dirname(os.path.normpath(path)) != self._root
        return is_below and os.access(self._root, os.W_OK | os.X_OK)

    def _folder(self, folder: str) -> str:
        return folder if folder.startswith("/") else f"{self._root}/{folder}"

    def _path(self, project: NormalizedName | None, name: str) -> str:
        return f"{self._root}/{name}" if project is None else f"{self._root}/{project}/{name}"

    def _make_folder(self, project: NormalizedName | None) -> None:
        if project is None or project in self._folders:
            return
        with contextlib.suppress(FileExistsError):
            self._step(f"{self._root}/{project}", os.mkdir, f"{self._root}/{project}", FOLDER_MODE)
        self._folders.add(project)

    def remove(self, folder: str, name: str) -> None:
        """Remove one file, if it is there; `.` is the root. Raises TreeError where it is no file."""
        path = f"{self._root}/{folder}/{name}"
        with self.local_errors(path), contextlib.suppress(FileNotFoundError):
            if self.changes is not None and os.path.lexists(path):
                self.changing(os.path.normpath(path))
            self._step(path, os.unlink, path)

    def remove_folder(self, folder: str) -> bool:
        """Remove a folder if nothing is left in it; tell whether it is gone. Raises OSError of the disk."""
        self._folders.discard(folder)
        path = f"{self._root}/{folder}"
        try:
            self._step(path, os.rmdir, path)
        except OSError as error:
            if error.errno not in _STAYS:
                raise
            return False
        self.changing(f"{path}/")
        return True
