"""One SQLite file: opened or made, committed, closed."""

import contextlib
import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Self

from pypimirror.errors import DamagedStateError, StateError
from pypimirror.state import damage
from pypimirror.state.schema import FINGERPRINT, FORMAT, SCHEMA
from pypimirror.state.trouble import why_unusable


class Database:
    """A connection to the state of one mirror. `path` is for messages."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, is_dry: bool) -> None:
        self.path = path
        self.connection = connection
        self._is_dry = is_dry
        self.tables: Collection[str] = ()
        """What there was, by its names, when it was opened."""

    @classmethod
    def open(cls, path: Path, *, is_dry: bool = False) -> Self:
        """Open the state, or make a new one; raise StateError for one that is not ours to use.

        With `is_dry` nothing is ever written: all changes stay in memory until they are dropped.
        """
        if path.exists() and path.stat().st_uid != os.geteuid():
            raise StateError(path, "belongs to another user; run pypimirror always as the user who owns it")
        source = ":memory:" if is_dry and not (path.exists() and path.stat().st_size) else path
        try:
            connection = sqlite3.connect(source, isolation_level="IMMEDIATE", cached_statements=256)
            state = cls(path, connection, is_dry=is_dry)
        except sqlite3.Error as error:
            raise why_unusable(path, error) from error
        with contextlib.ExitStack() as opened:
            opened.callback(state.connection.close)
            state._prepare()
            opened.pop_all()
        return state

    def _prepare(self) -> None:
        try:
            (version,) = self.connection.execute("PRAGMA user_version").fetchone()
            self.tables = {name for (name,) in self.connection.execute("SELECT name FROM sqlite_schema")}
            if version or self.tables:
                self.check_format(version)
            self.connection.execute("PRAGMA synchronous = FULL")
            if self._is_dry:
                self.connection.execute("PRAGMA journal_mode = MEMORY")
                self.connection.execute("PRAGMA cache_spill = OFF")
            if version == 0:
                # One transaction: a state that dies here is an empty file, and made again.
                self.connection.executescript(
                    f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
                )
        except sqlite3.DatabaseError as error:
            raise why_unusable(self.path, error) from error

    def check_format(self, version: int) -> None:
        """Raise StateError for another format, DamagedStateError for what only says that it is this one."""
        is_ours = damage.fingerprint(self.connection) == FINGERPRINT
        if version > FORMAT:
            raise StateError(self.path, f"has format {version}, newer than {FORMAT}; upgrade pypimirror")
        if version != FORMAT:
            raise DamagedStateError(self.path, f"has format {version}, and {FORMAT} is needed")
        if not is_ours:
            raise DamagedStateError(self.path, f"is damaged (it has not the tables of format {FORMAT})")

    def commit(self) -> None:
        """Make everything recorded so far durable; in a dry state, do nothing."""
        if not self._is_dry:
            self.connection.commit()

    def close(self) -> None:
        """Commit, and let go of the database."""
        try:
            self.commit()
        finally:
            self.connection.close()
