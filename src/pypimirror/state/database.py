"""One SQLite file, opened or made: a connection to a state of this format."""

import contextlib
import os
import sqlite3
from pathlib import Path

from pypimirror.errors import DamagedStateError, StateError
from pypimirror.state import damage
from pypimirror.state.schema import FINGERPRINT, FORMAT, SCHEMA
from pypimirror.state.trouble import why_unusable


def opened(path: Path, *, is_dry: bool) -> sqlite3.Connection:
    """Open the state, or make a new one; raise StateError for one that is not ours to use."""
    if path.exists() and path.stat().st_uid != os.geteuid():
        raise StateError(path, "belongs to another user; run pypimirror always as the user who owns it")
    source = ":memory:" if is_dry and not (path.exists() and path.stat().st_size) else path
    with contextlib.ExitStack() as undone:
        try:
            db = sqlite3.connect(source, isolation_level="IMMEDIATE", cached_statements=256)
            undone.callback(db.close)
            _prepare(path, db, is_dry=is_dry)
        except sqlite3.Error as error:
            raise why_unusable(path, error) from error
        undone.pop_all()
        return db


def _prepare(path: Path, db: sqlite3.Connection, *, is_dry: bool) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version or tables:
        check_format(path, db, version)
    db.execute("PRAGMA synchronous = FULL")
    if is_dry:
        db.execute("PRAGMA journal_mode = MEMORY")
        db.execute("PRAGMA cache_spill = OFF")
    if version == 0:
        # One transaction: a state that dies here is an empty file, and made again.
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")


def check_format(path: Path, db: sqlite3.Connection, version: int) -> None:
    """Raise StateError for another format, DamagedStateError for what only says that it is this one."""
    is_ours = damage.fingerprint(db) == FINGERPRINT
    if version > FORMAT:
        raise StateError(path, f"has format {version}, newer than {FORMAT}; upgrade pypimirror")
    if version != FORMAT:
        raise DamagedStateError(path, f"has format {version}, and {FORMAT} is needed")
    if not is_ours:
        raise DamagedStateError(path, f"is damaged (it has not the tables of format {FORMAT})")
