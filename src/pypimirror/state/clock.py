"""Moments that have not come yet: a clock that was wrong recorded them, and they count as now."""

import sqlite3
from pathlib import Path

from pypimirror.errors import DamagedStateError
from pypimirror.state.rows import Gateway

_MOMENTS = (
    ("files", "delisted_since", "status = 'delisted'"),
    ("files", "vanished_since", "vanished_since IS NOT NULL"),
    ("files", "error_since", "error IS NOT NULL"),
    ("projects", "vanished_since", "vanished_since IS NOT NULL"),
    ("projects", "pending_since", "pending_since IS NOT NULL"),
    ("projects", "error_since", "error IS NOT NULL"),
    ("failures", "since", "TRUE"),
    ("removed", "moment", "TRUE"),
)
"""Each with what SQLite finds the few rows by that have one."""
_PAUSED = "NOT is_current AND next_try > ?"


class Clock(Gateway):
    """The part of the state that knows what time it is."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        super().__init__(db)
        self._path = path

    def end_future(self, now: float, longest_pause_s: float) -> None:
        """Let what is recorded as later than now count as now, and end pauses that are longer than any.

        Raises DamagedStateError for what is no moment at all: SQLite takes texts and blobs for later.
        """
        if not self._is_any_later(now, longest_pause_s):
            return
        for table, column, where in _MOMENTS:
            query = f"SELECT 1 FROM {table} WHERE {where} AND typeof({column}) IN ('text', 'blob')"
            if self._db.execute(query).fetchone():
                raise DamagedStateError(self._path, f"is damaged ({table}.{column} is no moment)")
            self._db.execute(
                f"UPDATE {table} SET {column} = ? WHERE {where} AND {column} > ?",
                (now, now),
            )
        self._db.execute(f"UPDATE projects SET next_try = NULL WHERE {_PAUSED}", (now + longest_pause_s,))

    def _is_any_later(self, now: float, longest_pause_s: float) -> bool:
        looks = [
            f"EXISTS (SELECT 1 FROM {table} WHERE {where} AND {column} > ?1)"
            for table, column, where in _MOMENTS
        ]
        looks.append(f"EXISTS (SELECT 1 FROM projects WHERE {_PAUSED.replace('?', '?2')})")
        query = f"SELECT {' OR '.join(looks)}"
        return bool(self._db.execute(query, (now, now + longest_pause_s)).fetchone()[0])
