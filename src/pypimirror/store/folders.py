"""Folders under other names: of trees that others laid out, links under names as shown, quarantine."""

import contextlib
import errno
import logging
import os
import shutil
import stat
from collections.abc import Container

from pypimirror import names
from pypimirror.model import NormalizedName
from pypimirror.store import steps
from pypimirror.store.layout import PRIVATE
from pypimirror.store.modes import missing
from pypimirror.store.opened import entries_if_any
from pypimirror.store.tree import FileStore

_log = logging.getLogger(__name__)

_ASIDE = "aside"
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})


class Store(FileStore):
    """The tree below one folder, with what lies in it under other names."""

    # -- trees that were laid out by others ---------------------------------------------------

    def project_folders(self) -> list[NormalizedName]:
        """Return the folders with normalized names, sorted."""
        return sorted(name for name, folders in self.named_folders(".").items() if name in folders)

    def raw_folders(self) -> dict[NormalizedName, list[str]]:
        """Return the folders whose names are a project's in another spelling than the normalized one."""
        named = self.named_folders(".").items()
        return {name: raw for name, folders in named if (raw := [f for f in folders if f != name])}

    def named_folders(self, root: str) -> dict[NormalizedName, list[str]]:
        """Return the folders in a folder whose names are a project's in any spelling."""
        found: dict[NormalizedName, list[str]] = {}
        with os.scandir(self._folder(root)) as entries:
            for entry in entries:
                if names.is_valid(entry.name) and entry.is_dir(follow_symlinks=False):
                    found.setdefault(names.normalize(entry.name), []).append(entry.name)
        return found

    def link_from(self, folder: str, project: NormalizedName, name: str) -> None:
        """Give a file of another folder its place in the project's; its mode and mtime stay as they are."""
        source, target = os.path.realpath(f"{self._folder(folder)}/{name}"), self._path(project, name)
        with self.local_errors(target):
            self._make_folder(project)
            self.changing(target)
            self._step(target, self._link_or_copy, source, target)

    def _link_or_copy(self, source: str, target: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)
        try:
            os.link(source, target)
        except OSError:  # another file system, one without hard links, or somebody else's file
            temporary = self.new_temporary()
            temporary.open().close()
            shutil.copy2(source, temporary.path)
            os.replace(temporary.path, target)

    def is_same(self, folder: str, project: NormalizedName) -> bool:
        """Tell whether two names are one folder, as on a file system that ignores case."""
        try:
            return os.path.samefile(f"{self._root}/{folder}", f"{self._root}/{project}")
        except FileNotFoundError:
            return False

    def rename_folder(self, folder: str, project: NormalizedName) -> None:
        """Give a folder its normalized name where only the case differs."""
        target = f"{self._root}/{project}"
        for name in entries_if_any(f"{self._root}/{folder}") if self.changes else ():
            self.changing(f"{target}/{name}")
        self._step(target, steps.rename, f"{self._root}/{folder}", target)

    def size(self, folder: str, name: str) -> int | None:
        """Return a regular file's size in bytes; None where there is none."""
        try:
            found = os.stat(f"{self._folder(folder)}/{name}")
        except OSError:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    # -- links under names as shown -----------------------------------------------------------

    def link_target(self, name: str) -> str | None:
        """Return where a link in the root leads to: empty for what is no link, None for nothing at all."""
        try:
            return os.readlink(f"{self._root}/{name}")
        except FileNotFoundError:
            return None
        except OSError:  # EINVAL: it is no link
            return ""

    def make_link(self, name: str, project: NormalizedName) -> bool:
        """Make a relative link to a project's folder; tell whether the file system takes links."""
        path = f"{self._root}/{name}"
        self.changing(path)
        try:
            self._step(path, os.symlink, project, path)
        except OSError as error:
            if error.errno in _NO_LINKS:
                return False
            raise
        return True

    def remove_link(self, name: str, project: NormalizedName) -> None:
        """Remove a link to a project's folder; what is something else stays."""
        if self.link_target(name) == project:
            path = f"{self._root}/{name}"
            self.changing(path)
            with contextlib.suppress(FileNotFoundError):
                self._step(path, os.unlink, path)

    # -- modes --------------------------------------------------------------------------------

    def lacks_mode(self, folder: str, name: str = "") -> bool:
        """Tell whether a file or a folder is closed to others, though the umask opens it."""
        with contextlib.suppress(OSError):
            return bool(missing(os.lstat(f"{self._root}/{folder}/{name}"), self._umask))
        return False

    def entry_lacks_mode(self, entry: os.DirEntry[str]) -> bool:
        """Tell the same of an entry of a folder."""
        try:
            return bool(missing(entry.stat(follow_symlinks=False), self._umask))
        except OSError:
            return False

    def make_readable(self, folder: str, name: str = "") -> bool:
        """Let others read a file or a folder as far as the umask allows; tell whether that worked."""
        path = f"{self._root}/{folder}/{name}"
        try:
            found = os.lstat(path)
            self._step(path, os.chmod, path, stat.S_IMODE(found.st_mode) | missing(found, self._umask))
        except OSError as error:
            _log.warning("%s can't be made readable for the web server (%s)", path, error.strerror)
            return False
        return True

    # -- quarantine ---------------------------------------------------------------------------

    def set_aside(self, project: NormalizedName, name: str) -> None:
        """Put a file out of reach, if it is there."""
        source, folder = self._path(project, name), f"{self._root}/{aside_folder(project)}"
        with self.local_errors(source), contextlib.suppress(FileNotFoundError):
            if os.path.lexists(source):
                self.changing(source)
            self._step(source, steps.set_aside, source, folder, name)

    def sweep_aside(self, wanted: Container[tuple[str, str]]) -> None:
        """Remove what was put out of reach, but for what is wanted: project and filename."""
        root = f"{self._root}/{PRIVATE}/{_ASIDE}"
        with contextlib.suppress(FileNotFoundError):
            for project in entries_if_any(root):
                for name in entries_if_any(f"{root}/{project}"):
                    if (project, name) not in wanted:
                        self.remove(aside_folder(NormalizedName(project)), name)
                self.remove_folder(aside_folder(NormalizedName(project)))


def aside_folder(project: NormalizedName) -> str:
    """Return the folder, relative to the root, for what a quarantine put out of reach."""
    return f"{PRIVATE}/{_ASIDE}/{project}"
