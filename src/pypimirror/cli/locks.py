"""One writer: the locks of a mirror, and who holds them."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
from filelock import FileLock, Timeout

from pypimirror.config import Config
from pypimirror.errors import MirrorLockedError
from pypimirror.report import long_run
from pypimirror.report.words import moment
from pypimirror.store.layout import PRIVATE
from pypimirror.store.opened import check_state_file

_LOOK_S = 0.1
"""`--status` may hold a lock for a moment, to see whether it is held."""
_LONGEST_NOTE = 1000


class Holder(NamedTuple):
    """Who holds a lock, as its file tells."""

    pid: int
    mode: str
    since: float
    """POSIX seconds."""

    def __str__(self) -> str:
        return f"process {self.pid}, --{self.mode}, since {moment(self.since)}"


@contextlib.contextmanager
def locked(
    configuration: Config, mode: str, patience_s: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the configured lock, and the tree's own, so that two configurations can't write one tree.

    `on_wait` is told of whom one waits for.
    """
    own = configuration.mirror_file_path / PRIVATE / "lock"
    paths = sorted({path.parent.resolve() / path.name for path in (own, configuration.lock_file_name)})
    deadline = time.monotonic() + patience_s
    with contextlib.ExitStack() as held:
        for path in paths:
            check_state_file(path)
            noted = _noted(path)  # older versions of filelock empty the file when they open it
            if _is_taken(held, path, _LOOK_S):
                continue
            who = _who(noted, configuration)
            if patience_s:
                on_wait(f"another run holds the lock{who}")
            if not _is_taken(held, path, deadline - time.monotonic()):
                raise MirrorLockedError(path, who)
        for path in paths:
            with contextlib.suppress(OSError):  # the run goes on without it
                path.write_bytes(msgspec.json.encode(Holder(os.getpid(), mode, time.time())))
            held.callback(_forget, path)
        yield


def _is_taken(held: contextlib.ExitStack, path: Path, patience_s: float) -> bool:
    if patience_s <= 0:
        return False
    lock = FileLock(path, timeout=patience_s, poll_interval=_LOOK_S / 4, fallback_to_soft=False)
    try:
        held.enter_context(lock)
    except Timeout:
        return False
    return True


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.truncate(path, 0)


def _noted(path: Path) -> Holder | None:
    """Return who a lock file says that holds it; None where it says nothing."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_LONGEST_NOTE), type=Holder)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _who(noted: Holder | None, configuration: Config) -> str:
    """Say who holds a lock, or at least since when a run goes on, as the end of a sentence."""
    if noted is not None and _is_there(noted.pid):
        return f" ({noted})"
    began = long_run.began(configuration)
    return "" if began is None else f" (since {moment(began)})"


def _is_there(pid: int) -> bool:
    """Tell whether there is such a process: what one wrote that was killed speaks of nobody."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return pid > 0
