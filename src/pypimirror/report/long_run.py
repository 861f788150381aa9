"""A run that has been at work for longer than a mirror may be old."""

import contextlib
import fcntl
import os
import stat
import time
from pathlib import Path

from pypimirror.amounts import HOUR_S
from pypimirror.config import Config
from pypimirror.errors import MirrorError
from pypimirror.report.words import moment
from pypimirror.state.reading import Reading
from pypimirror.store.layout import PRIVATE
from pypimirror.store.opened import check_state

_PROBES = 3
_PROBE_PAUSE_S = 0.3


def why_not_good(config: Config, began: float, ended: float | None) -> str | None:
    """Say of the last run, as `--status` does, that it goes on for too long; None where it does not."""
    if ended is not None or time.time() - began <= config.status_max_age_hours * HOUR_S:
        return None
    return sentence(config, began) if _is_held(config.mirror_file_path / PRIVATE / "lock") else None


def sentence(config: Config, began: float) -> str:
    """Say since when a run goes on, and that this is too long."""
    return (
        f"a run has been at work since {moment(began)}, for more than"
        f" status_max_age_hours = {config.status_max_age_hours:g}"
    )


def began(config: Config) -> float | None:
    """Return since when the last run goes on; None where nothing tells."""
    path = config.state_path
    try:
        check_state(path)
        with contextlib.closing(Reading.open_read_only(path)) as state:
            return state.going_on_since()
    except (MirrorError, OSError):
        return None


def _is_held(lock: Path) -> bool:
    """Tell whether a lock is held: each of some looks finds it so, as another look may hold it a moment."""
    for _ in range(_PROBES - 1):
        if not _is_held_now(lock):
            return False
        time.sleep(_PROBE_PAUSE_S)
    return _is_held_now(lock)


def _is_held_now(lock: Path) -> bool:
    try:
        with os.fdopen(os.open(lock, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                # Shared: two that look don't see each other. One that begins waits for that long.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
