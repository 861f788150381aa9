"""What SQLite says when something is wrong, as what is wrong: the state itself, or the machine.

Only a state that is damaged for certain is moved aside: one that is locked, or whose disk is full, failing or
read-only, stays in its place.
"""

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pypimirror.disk import has_no_inodes, is_full
from pypimirror.errors import DamagedStateError, DiskFullError, MirrorError, StateError
from pypimirror.state import damage

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT})
"""Constraints are met by what we write, as long as what is there is what we wrote."""
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_NOT_OURS = re.compile(
    "no such table|no such column|has no column named|malformed|unsupported file format"
    "|not decode|datatype mismatch|too big"
)
"""What SQLite says where a table is missing, or is another one, or holds no value of ours."""
_DAMAGED_KEPT = 3
_PROBE_BYTES = 1 << 16


def why_unusable(path: Path, error: sqlite3.Error, *, is_writer: bool = True) -> MirrorError | OSError:
    """Say what an error of SQLite means: damage, a full disk, or trouble of the machine.

    One who `is_writer` finds out by writing.
    """
    code_in_full = getattr(error, "sqlite_errorcode", 0)
    code = code_in_full & 0xFF
    if reason := _what_is_damaged(path, error, code):
        return DamagedStateError(path, f"is damaged ({reason})")
    if code in _BUSY:
        return StateError(path, "is in use by another program; end that first")
    system = _what_the_system_says(path) if is_writer else None
    is_without_inodes = has_no_inodes(path) and (system or code == sqlite3.SQLITE_CANTOPEN)
    if code == sqlite3.SQLITE_FULL or is_without_inodes or (system and is_full(system)):
        what = "no free inodes" if is_without_inodes else "the disk is full"
        return DiskFullError(f"{path}: {what}; make room, and the next run goes on")
    if system:
        return system
    if is_writer and code_in_full == sqlite3.SQLITE_READONLY:  # we may write: its own header says no
        return DamagedStateError(path, f"is damaged ({error})")
    return StateError(path, f"can't be used ({error}); are its disk and its permissions right?")


def _what_is_damaged(path: Path, error: sqlite3.Error, code: int) -> str | None:
    if code in _DAMAGED or _NOT_OURS.search(str(error)):
        return str(error)
    return damage.found(path) if code in (0, sqlite3.SQLITE_ERROR) else None


@contextlib.contextmanager
def damage_told(path: Path, *, is_writer: bool = True) -> Iterator[None]:
    """Raise DamagedStateError for whatever a damaged state led to, and any other error as what it means.

    What a flipped bit does to a value is seen far from here, as an error that looks like a bug. So all that
    is no error of a known kind is a question to the state first, which is read to its end for the answer.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise why_unusable(path, error, is_writer=is_writer) from error
    except (MirrorError, OSError):
        raise
    except Exception as error:
        if reason := damage.found(path):
            raise DamagedStateError(path, f"is damaged ({reason})") from error
        raise


def _what_the_system_says(path: Path) -> OSError | None:
    """Do what SQLite does beside a state: it tells less than the system of why it can't."""
    with contextlib.ExitStack() as opened:  # all at once, as SQLite has them: there may be too many files
        try:
            for each, flags in ((path, os.O_RDWR), (path.parent, os.O_RDONLY)):
                if each.exists():
                    opened.callback(os.close, os.open(each, flags))
            _try_to_write(path.with_name(f"{path.name}-probe"))
        except OSError as error:
            return OSError(error.errno, error.strerror, str(path))
    return None


def _try_to_write(probe: Path) -> None:
    descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, bytes(_PROBE_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink()


def move_aside(path: Path) -> Path:
    """Give a damaged state another name, and return it; of the older ones the last few are kept."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    # The journal first: beside a new state it would be taken for its own.
    for suffix in ("-journal", ""):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    older = [e for e in path.parent.glob(f"{path.name}.damaged-*") if not e.name.endswith("-journal")]
    for each in sorted(older)[:-_DAMAGED_KEPT]:
        for suffix in ("-journal", ""):
            each.with_name(each.name + suffix).unlink(missing_ok=True)
    return aside
