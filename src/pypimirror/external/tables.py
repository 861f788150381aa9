"""The tables of external links: where else files may be, and how those that came from there did.

They are made when links are first followed, and dropped when nothing is left of them.
"""

from collections.abc import Iterable, Iterator

import msgspec

from pypimirror.external.model import Known, LinkOrigin, Links
from pypimirror.model import File, NormalizedName
from pypimirror.state import State, blobs
from pypimirror.state.rows import UNPUBLISHED
from pypimirror.state.transitions import delist

_TABLES = {
    "external_projects": """
        project TEXT PRIMARY KEY,
        links BLOB,         -- Links
        next REAL,          -- when these are looked at again; NULL: there are none
        unread INTEGER      -- 1: a good page was seen since they were looked at
    """,
    "external_files": """
        project TEXT NOT NULL, filename TEXT NOT NULL,
        origin BLOB NOT NULL,   -- LinkOrigin
        checked REAL NOT NULL,  -- when that was last looked at
        PRIMARY KEY (project, filename)
    """,
}
_FILES = "external_files"

_links = msgspec.msgpack.Decoder(Links).decode
_origin = msgspec.msgpack.Decoder(LinkOrigin).decode


class Tables:
    """What the state of a mirror has of other hosts than the index's."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._db = state.connection
        if not state.had_table(_FILES):
            state.begin()
            for name, columns in _TABLES.items():
                self._db.execute(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")

    def drop(self) -> None:
        """Remove the tables, and what is told of links."""
        self._state.begin()
        for name in _TABLES:
            self._db.execute(f"DROP TABLE {name}")
        self._state.failures.forget_all()

    def sweep(self) -> None:
        """Forget what left the mirror: projects that are not listed, and files that are unknown by now."""
        self._db.execute(
            "DELETE FROM external_projects WHERE NOT EXISTS"
            " (SELECT 1 FROM projects WHERE name = project AND is_listed)"
        )
        self._db.execute(
            "DELETE FROM external_files WHERE NOT EXISTS (SELECT 1 FROM files WHERE"
            " files.project = external_files.project AND files.filename = external_files.filename)"
        )

    def has_files(self) -> bool:
        """Tell whether anything is known of any external file."""
        return self._db.execute("SELECT 1 FROM external_files LIMIT 1").fetchone() is not None

    # -- links ---------------------------------------------------------------------------

    def links(self, name: NormalizedName) -> Links:
        """Return where else there may be files of a project."""
        row = self._db.execute("SELECT links FROM external_projects WHERE project = ?", (name,)).fetchone()
        return Links() if row is None or row[0] is None else _links(blobs.unsealed(row[0]))

    def record_links(self, name: NormalizedName, links: Links) -> None:
        """Record links off a good page; they are read by the next look."""
        self._db.execute(
            "INSERT INTO external_projects (project, links, unread) VALUES (?, ?, 1)"
            " ON CONFLICT (project) DO UPDATE SET links = excluded.links, unread = 1",
            (name, blobs.sealed(links)),
        )

    def record_looked(self, name: NormalizedName, links: Links, next_look: float | None) -> None:
        """Record that links were looked at, and when they shall be again."""
        self._db.execute(
            "INSERT OR REPLACE INTO external_projects VALUES (?, ?, ?, NULL)",
            (name, blobs.sealed(links), next_look),
        )

    def due(self, now: float, longest_s: float) -> list[tuple[NormalizedName, bool]]:
        """Return the listed projects whose links are to be looked at; and whether at all of them again.

        A moment that is further away than `longest_s` is that of a wrong clock.
        """
        rows = self._db.execute(
            "SELECT project, next NOT BETWEEN ?1 AND ?2"
            " FROM external_projects JOIN projects ON project = name"
            " WHERE is_listed AND (unread OR next NOT BETWEEN ?1 AND ?2)"
            " ORDER BY iif(unread, 0, next), project",
            (now, now + longest_s),
        )
        return [(NormalizedName(name), bool(is_old)) for name, is_old in rows]

    def next_look(self, name: NormalizedName) -> float | None:
        """Return when a project's links shall be looked at again."""
        row = self._db.execute("SELECT next FROM external_projects WHERE project = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def linked(self) -> list[NormalizedName]:
        """Return the listed projects of which there are links or unread pages."""
        rows = self._db.execute(
            "SELECT project FROM external_projects JOIN projects ON project = name"
            " WHERE is_listed AND (next IS NOT NULL OR unread) ORDER BY project"
        )
        return [NormalizedName(name) for (name,) in rows]

    def record_all_due(self) -> None:
        """Let every link be looked at."""
        self._db.execute("UPDATE external_projects SET next = 0 WHERE next IS NOT NULL")

    def forget_links(self) -> None:
        """Forget all links, and what was wrong with them."""
        self._db.execute("DELETE FROM external_projects")
        self._state.failures.forget_all()

    # -- files ---------------------------------------------------------------------------

    def files(self, name: NormalizedName) -> dict[str, Known]:
        """Return what is known of a project's external files, delisted ones included."""
        rows = self._db.execute(
            "SELECT filename, status, listed, origin, checked, coalesce(delisted_since, ?)"
            " FROM external_files JOIN files USING (project, filename) WHERE project = ?",
            (UNPUBLISHED, name),
        )
        return {
            filename: Known(status, blobs.file(listed), _origin(blobs.unsealed(origin)), checked, since)
            for filename, status, listed, origin, checked, since in rows
        }

    def owned(self, name: NormalizedName) -> frozenset[str]:
        """Return the names of a project's external files."""
        rows = self._db.execute("SELECT filename FROM external_files WHERE project = ?", (name,))
        return frozenset(filename for (filename,) in rows)

    def record(self, name: NormalizedName, file: File, origin: LinkOrigin, *, checked: float = 0.0) -> None:
        """Record how an external file came, and when that was looked at."""
        self._db.execute(
            "UPDATE files SET listed = ?, vanished_since = NULL WHERE project = ? AND filename = ?",
            (blobs.sealed(file), name, file.filename),
        )
        self._db.execute(
            "INSERT OR REPLACE INTO external_files VALUES (?, ?, ?, ?)",
            (name, file.filename, blobs.sealed(origin), checked),
        )

    def forget_files(self, name: NormalizedName, filenames: Iterable[str]) -> None:
        """Forget that files are external."""
        self._db.executemany(
            "DELETE FROM external_files WHERE project = ? AND filename = ?",
            [(name, filename) for filename in filenames],
        )

    def record_wrong(self, name: NormalizedName, filename: str, reason: str | None, now: float) -> None:
        """Record what is wrong with an external file that stays as it is; None: it is right again."""
        self._db.execute(
            "UPDATE files SET error = ?1, error_since = iif(?1 IS NULL, NULL, coalesce(error_since, ?2))"
            " WHERE project = ?3 AND filename = ?4",
            (reason, now, name, filename),
        )

    def record_vanished(self, name: NormalizedName, filenames: Iterable[str], now: float) -> None:
        """Record to which of a project's external files no link leads any more; to all others one does."""
        self._db.executemany(
            "UPDATE files SET vanished_since = NULL WHERE project = ? AND filename = ?",
            [(name, filename) for filename in self.owned(name)],
        )
        self._db.executemany(
            "UPDATE files SET vanished_since = ? WHERE project = ? AND filename = ? AND status = 'held'",
            [(now, name, filename) for filename in filenames],
        )

    def delist_unfinished(
        self,
        name: NormalizedName,
        filenames: Iterable[str],
        *,
        are_gone: bool = False,
        since: float = UNPUBLISHED,
    ) -> None:
        """Let go of external files that did not come; of those that were lost only where they `are_gone`.

        The grace of one that was delisted `since` a moment goes on.
        """
        unfinished = "('arriving', 'failed')" if are_gone else "('arriving')"
        for filename in filenames:
            delist(
                self._db, f"status IN {unfinished} AND project = ? AND filename = ?", since, name, filename
            )

    def every_file(self) -> Iterator[tuple[NormalizedName, str, LinkOrigin]]:
        """Yield every external file that is held, lost or to come."""
        rows = self._db.execute(
            "SELECT project, filename, origin FROM external_files JOIN files USING (project, filename)"
            " WHERE status != 'delisted'"
        ).fetchall()
        for project, filename, origin in rows:
            yield NormalizedName(project), filename, _origin(blobs.unsealed(origin))
