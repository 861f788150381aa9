"""One SQLite file: opened or made, committed, with notes, totals and runs in it."""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from pypimirror.errors import DamagedStateError, StateError
from pypimirror.model import NormalizedName
from pypimirror.state import damage
from pypimirror.state.rows import Total, typed
from pypimirror.state.schema import FINGERPRINT, FORMAT, SCHEMA
from pypimirror.state.trouble import why_unusable

_RUNS_KEPT = 1000

_T = TypeVar("_T")


class Database:
    """The database of one mirror. `path` is for messages."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, is_dry: bool) -> None:
        self.path = path
        self._db = connection
        self._is_dry = is_dry

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
            opened.callback(state._db.close)
            state._prepare()
            opened.pop_all()
        return state

    def _prepare(self) -> None:
        try:
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if version or tables:
                self.check_format(version)
            self._db.execute("PRAGMA synchronous = FULL")
            if self._is_dry:
                self._db.execute("PRAGMA journal_mode = MEMORY")
                self._db.execute("PRAGMA cache_spill = OFF")
            if version == 0:
                # One transaction: a state that dies here is an empty file, and made again.
                self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.DatabaseError as error:
            raise why_unusable(self.path, error) from error

    def check_format(self, version: int) -> None:
        """Raise StateError for another format, DamagedStateError for what only says that it is this one."""
        is_ours = damage.fingerprint(self._db) == FINGERPRINT
        if version > FORMAT:
            raise StateError(self.path, f"has format {version}, newer than {FORMAT}; upgrade pypimirror")
        if version != FORMAT:
            raise DamagedStateError(self.path, f"has format {version}, and {FORMAT} is needed")
        if not is_ours:
            raise DamagedStateError(self.path, f"is damaged (it has not the tables of format {FORMAT})")

    def commit(self) -> None:
        """Make everything recorded so far durable; in a dry state, do nothing."""
        if not self._is_dry:
            self._db.commit()

    def close(self) -> None:
        """Commit, and let go of the database."""
        try:
            self.commit()
        finally:
            self._db.close()

    # -- notes about the whole mirror ------------------------------------------------

    def note(self, key: str) -> str | None:
        """Return a note; None where there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def hint(self, key: str, kind: type[_T]) -> _T | None:
        """Return a note that is JSON and no more than a hint; None where there is none that can be read."""
        try:
            return msgspec.json.decode(self.note(key) or "null", type=kind | None)
        except (msgspec.DecodeError, UnicodeError):
            return None

    def set_note(self, key: str, value: str | None) -> None:
        """Set a note, or remove it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def total(self, status: str) -> Total:
        """Return how many files have a status, with their bytes; `listed` are projects on the root page."""
        row = self._db.execute("SELECT number, bytes FROM totals WHERE status = ?", (status,)).fetchone()
        return typed(Total, row)

    # -- runs ----------------------------------------------------------------------------

    def begin_run(self, mode: str, now: float) -> int:
        """Record that a run began, forget all but the last 1,000, and return its number."""
        cursor = self._db.execute("INSERT INTO runs (mode, started) VALUES (?, ?)", (mode, now))
        number = cursor.lastrowid
        assert number is not None
        self._db.execute("DELETE FROM runs WHERE id <= ?", (number - _RUNS_KEPT,))
        return number

    def end_run(self, number: int, **values: float | str | None) -> None:
        """Record how a run ended; the keywords are the columns."""
        columns = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE runs SET {columns} WHERE id = ?", (*values.values(), number))  # noqa: S608

    def names_where(self, where: str, *values: str) -> list[NormalizedName]:
        """Return the names of the projects for which an SQL expression of our own is true, sorted."""
        rows = self._db.execute(f"SELECT name FROM projects WHERE {where} ORDER BY name", values)  # noqa: S608
        return [NormalizedName(name) for (name,) in rows]
