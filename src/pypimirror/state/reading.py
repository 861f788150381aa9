"""The state as `--status` reads it: without a lock, while a run may be writing, quickly at any size."""

import sqlite3
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

from pypimirror.errors import StateError
from pypimirror.model import NormalizedName
from pypimirror.state import State, why_unusable
from pypimirror.state.rows import Failure, Total, typed
from pypimirror.state.schema import FORMAT

_PATIENCE_S = 5.0
_FETCHES = ("update-fetch", "initial-fetch")


class PastRun(NamedTuple):
    """A run as it was recorded; one that is going on, or was killed, has no end."""

    mode: str
    started: float
    ended: float | None
    status: int | None
    requests: int | None
    bytes: int | None
    stored: int | None
    adopted: int | None
    removed: int | None
    vanished_projects: int | None
    vanished_files: int | None
    deselected_projects: int | None
    deselected_files: int | None
    failed: int | None
    summary: str | None


class Reading(State):
    """A state that is only read."""

    @classmethod
    def open_read_only(cls, path: Path) -> Self:
        """Open the state for reading; raise StateError where there is none, or none of this format."""
        if not path.exists():
            raise StateError(path, "there is no state yet; --update-fetch makes it")
        try:
            try:
                return cls._opened(path, "ro")
            except sqlite3.OperationalError:
                # A run that was killed left a journal, which only one who may write can roll back.
                return cls._opened(path, "rw")
        except sqlite3.Error as error:
            raise why_unusable(path, error, is_writer=False) from error

    @classmethod
    def _opened(cls, path: Path, mode: str) -> Self:
        address = f"file:{quote(str(path))}?mode={mode}"
        reading = cls(path, sqlite3.connect(address, uri=True, timeout=_PATIENCE_S), is_dry=True)
        (version,) = reading._db.execute("PRAGMA user_version").fetchone()
        if version < FORMAT:
            raise StateError(path, f"has format {version}, and this version reads {FORMAT}")
        reading.check_format(version)
        return reading

    def last_run(self) -> PastRun | None:
        """Return the last run that fetched, whether it came to its end or not."""
        return self._run("")

    def going_on_since(self) -> float | None:
        """Return when the last run of any mode began, if it has no end yet."""
        row = self._db.execute("SELECT started, ended FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        return row[0] if row and row[1] is None else None

    def last_ended_run(self) -> PastRun | None:
        """Return the last run that fetched and came to an end."""
        return self._run("AND ended IS NOT NULL")

    def last_good_run(self) -> PastRun | None:
        """Return the last run that ended with status 0."""
        return self._run("AND status = 0")

    def _run(self, condition: str) -> PastRun | None:
        query = f"SELECT {', '.join(PastRun._fields)} FROM runs WHERE mode IN (?, ?) {condition}"  # noqa: S608
        row = self._db.execute(f"{query} ORDER BY id DESC LIMIT 1", _FETCHES).fetchone()
        return None if row is None else typed(PastRun, row)

    def failing(self, limit: int) -> tuple[list[Failure], int]:
        """Return the first of what failed and was not mended since, and how much that is in all."""
        rows = self._db.execute(
            "SELECT name, NULL, error, error_since FROM projects WHERE error IS NOT NULL"
            " UNION ALL SELECT project, filename, error, error_since FROM files WHERE error IS NOT NULL"
            " LIMIT ?",
            (limit,),
        )
        projects = self._count("projects WHERE error IS NOT NULL")
        return [typed(Failure, row) for row in rows], projects + self._count("files WHERE error IS NOT NULL")

    def waiting(self, limit: int) -> tuple[list[tuple[NormalizedName, float]], int]:
        """Return the first of the projects that wait for upstream's page, since when, and their number."""
        rows = self._db.execute(
            "SELECT name, pending_since FROM projects WHERE pending_since IS NOT NULL LIMIT ?", (limit,)
        )
        return [typed(tuple[NormalizedName, float], row) for row in rows], self._count(
            "projects WHERE pending_since IS NOT NULL"
        )

    def vanished(self) -> tuple[int, int]:
        """Return how many listed projects, and how many files of others, upstream no longer has."""
        projects = self._count("projects WHERE vanished_since IS NOT NULL")
        return projects, self._count("files WHERE vanished_since IS NOT NULL")

    def in_grace(self) -> tuple[Total, float | None]:
        """Return what left the pages and is still in the tree, and since when the first of it has."""
        (first,) = self._db.execute(
            "SELECT min(doomed_since) FROM files WHERE status = 'doomed' AND doomed_since > 0"
        ).fetchone()
        return self.total("doomed"), first

    def _count(self, rows: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])  # noqa: S608
