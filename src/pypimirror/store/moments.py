"""Moments that are kept without the state: as the times of empty files, which a full disk can keep, too."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "trouble-"


def note_moment(path: Path, now: float, *, after: float) -> bool:
    """Keep `now` (POSIX seconds), and return True; False where a moment between `after` and `now` is kept."""
    if _is_kept(path, now, after=after):
        return False
    _keep(path, now)  # where that fails it is told each time
    return True


def _is_kept(path: Path, now: float, *, after: float) -> bool:
    with contextlib.suppress(OSError):
        kept = path.lstat()
        return stat.S_ISREG(kept.st_mode) and after <= kept.st_mtime <= now + 1
    return False


def _keep(path: Path, now: float) -> bool:
    """Keep a moment; tell whether that could be done."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
        try:
            os.utime(descriptor, (now, now))
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


class ToldTrouble:
    """Which trouble was told last, and when: kept beside the state, else in a folder that is made for it."""

    def __init__(self, beside: Path | None, own: Path | None) -> None:
        self._own = own
        self._folders = [folder for folder in (beside, own) if folder is not None]

    def note(self, key: str, now: float, *, after: float) -> bool:
        """Keep that this trouble is told `now`, and return True; False where it was told since `after`."""
        name = _PREFIX + hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        if any(_is_kept(folder / name, now, after=after) for folder in self._folders):
            return False
        self.forget()
        for folder in self._folders:
            if folder == self._own:
                with contextlib.suppress(OSError):
                    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _keep(folder / name, now):
                break
        return True

    def forget(self) -> bool:
        """Forget all trouble; tell whether there was any."""
        found = list(self._found())
        for path in found:
            with contextlib.suppress(OSError):
                path.unlink()
        if self._own is not None:
            with contextlib.suppress(OSError):
                self._own.rmdir()
        return bool(found)

    def _found(self) -> Iterator[Path]:
        for folder in self._folders:
            with contextlib.suppress(OSError):
                yield from [folder / name for name in os.listdir(folder) if name.startswith(_PREFIX)]
