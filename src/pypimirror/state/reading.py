"""The state as `--status` reads it: without a lock, while a run may be writing, quickly at any size."""

import sqlite3
from pathlib import Path
from typing import Self
from urllib.parse import quote

import msgspec

from pypimirror.errors import StateError
from pypimirror.model import NormalizedName
from pypimirror.state.choices import Choices
from pypimirror.state.database import check_format
from pypimirror.state.files import Files
from pypimirror.state.notes import Notes, Totals
from pypimirror.state.projects import FAILURES, Projects
from pypimirror.state.revalidation import Revalidation
from pypimirror.state.rows import UNPUBLISHED, Failure, Total, typed
from pypimirror.state.runs import Runs
from pypimirror.state.schema import FORMAT
from pypimirror.state.trouble import why_unusable

_PATIENCE_S = 5.0
_ENDINGS = (".whl", ".tar.gz", ".zip", ".egg", ".tar.bz2", ".tgz", ".exe", ".msi", ".rpm", ".deb")
"""Of files, as they are told apart; the state knows no more of a file's type than its name."""


class Part(msgspec.Struct, frozen=True):
    """Files of a type, or of a project."""

    name: str
    files: int
    bytes: int


class Reading:
    """A state that is only read."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db
        self.close = db.close
        runs, choices, files = Runs(db), Choices(db), Files(db, path)
        self.asked, self.asked_of, self.requires_of = choices.asked, choices.asked_of, choices.requires_of
        self.every_requires = choices.every_requires
        self.left_out, self.left_out_of = choices.left_out, choices.left_out_of
        projects = Projects(db)
        self.project, self.listed = projects.get, projects.listed
        self.held, self.delisted_of, self.lacking = files.held, files.delisted_of, files.lacking
        notes = Notes(db)
        self.note, self.hint = notes.get, notes.hint
        self.total = Totals(db).of
        self.held_back = Revalidation(db).held_back
        self.last_run, self.last_ended_run, self.last_good_run = runs.last, runs.last_ended, runs.last_good
        self.going_on_since = runs.going_on_since
        self.latest_runs, self.sizes = runs.latest, runs.sizes

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
        db = sqlite3.connect(address, uri=True, timeout=_PATIENCE_S)
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version < FORMAT:
            raise StateError(path, f"has format {version}, and this version reads {FORMAT}")
        check_format(path, db, version)
        return cls(path, db)

    def failing(self, limit: int) -> tuple[list[Failure], int]:
        """Return the first of what failed and was not mended since, and how much that is in all."""
        rows = self._db.execute(f"{FAILURES} LIMIT ?", (limit,))
        return [typed(Failure, row) for row in rows], self._count(f"({FAILURES})")

    def waiting(self, limit: int) -> tuple[list[tuple[NormalizedName, float]], int]:
        """Return the first of the projects that wait for upstream's page, since when, and their number."""
        rows = self._db.execute(
            "SELECT name, pending_since FROM projects WHERE pending_since IS NOT NULL LIMIT ?", (limit,)
        )
        number = self._count("projects WHERE pending_since IS NOT NULL")
        return [typed(tuple[NormalizedName, float], row) for row in rows], number

    def vanished(self) -> tuple[int, int]:
        """Return how many listed projects, and how many files of others, upstream no longer has."""
        projects = self._count("projects WHERE vanished_since IS NOT NULL")
        return projects, self._count("files WHERE vanished_since IS NOT NULL")

    def in_grace(self) -> tuple[Total, float | None]:
        """Return what left the pages and is still in the tree, and since when the first of it has."""
        (first,) = self._db.execute(
            "SELECT min(delisted_since) FROM files WHERE status = 'delisted' AND delisted_since > ?",
            (UNPUBLISHED,),
        ).fetchone()
        return self.total("delisted"), first

    def by_type(self) -> list[Part]:
        """Return the held files by their endings; this reads all of them.

        The largest come first; an empty ending stands for all others.
        """
        when = " ".join(f"WHEN filename LIKE '%{ending}' THEN '{ending}'" for ending in _ENDINGS)
        rows = self._db.execute(
            f"SELECT CASE {when} ELSE '' END, count(*), coalesce(sum(size), 0) FROM files"
            " WHERE status = 'held' GROUP BY 1 ORDER BY 3 DESC, 1"
        )
        return [typed(Part, row) for row in rows]

    def largest(self, limit: int) -> list[Part]:
        """Return the projects with the most bytes; this reads all files."""
        rows = self._db.execute(
            "SELECT project, count(*), coalesce(sum(size), 0) FROM files WHERE status = 'held'"
            " GROUP BY project ORDER BY 3 DESC, 1 LIMIT ?",
            (limit,),
        )
        return [typed(Part, row) for row in rows]

    def _count(self, rows: str) -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {rows}").fetchone()[0])
