"""What becomes of a file, as upstream and the configuration drop it or have it again.

    (not known) --wanted--> arriving --placed--> held --dropped--> delisted --removed--> (forgotten)
                               |                  ^  |                |
                             failed --fetched-----+  +--changed--> arriving
                                                  +----comes back-----+

A held file that a good answer no longer lists is vanished first: it is delisted when the limit was counted.
What is delisted is on no page any more, and still in the tree. What a step has to say of a project and of its
files is in one transaction.
"""

import sqlite3
from collections.abc import Collection, Iterable

from pypimirror.model import NormalizedName
from pypimirror.state.rows import (
    AT_ONCE,
    BLOCKED_BYTES,
    LATEST,
    NO_TROUBLE,
    UNPUBLISHED,
    Delisted,
    Gateway,
    Total,
    typed,
)

_OVER = (
    f"is_current = 1, serial = NULL, selection = NULL, {NO_TROUBLE},"
    " revalidate_at = NULL, held_back = NULL, held_back_since = NULL"
)
"""Nothing more of a project is waited for."""


class Transitions(Gateway):
    """What becomes of projects and files as upstream and the configuration drop them, or have them again."""

    def record_vanished(self, name: NormalizedName, now: float) -> None:
        """Record that upstream no longer has a project, so that nothing more of it is waited for."""
        self._db.execute(
            f"UPDATE projects SET vanished_since = coalesce(vanished_since, ?), {_OVER} WHERE name = ?",
            (now, name),
        )
        self._db.execute(
            "UPDATE files SET error = NULL, error_since = NULL WHERE project = ? AND status = 'held'", (name,)
        )
        self._delist_unfinished(name)

    def record_returned(self, name: NormalizedName) -> None:
        """Record that upstream has a project again, if it had not."""
        self._db.execute(
            "UPDATE projects SET vanished_since = NULL, is_current = 0"
            " WHERE name = ? AND vanished_since IS NOT NULL",
            (name,),
        )

    def vanished_files(self) -> dict[NormalizedName, list[str]]:
        """Return the held files that are on no good page of upstream's any more, by project."""
        found: dict[NormalizedName, list[str]] = {}
        rows = self._db.execute(
            "SELECT project, filename, vanished_since FROM files WHERE vanished_since IS NOT NULL"
        )
        for project, filename, since in rows:
            if not 0 <= typed(float, since) < LATEST:  # noise would remove what it meets
                raise ValueError(f"{project}/{filename} vanished at {since}")
            found.setdefault(project, []).append(filename)
        return found

    def vanished_files_of(self, name: NormalizedName) -> set[str]:
        """Return the held files of a project that are on no good page of upstream's any more."""
        return set(self._names(name, "vanished_since IS NOT NULL"))

    def record_vanished_files(
        self,
        name: NormalizedName,
        filenames: Iterable[str],
        now: float,
        *,
        but: Collection[str] = frozenset(),
    ) -> None:
        """Record which of a project's held files are not on upstream's good page, and that all others are.

        `but` those of which a page does not tell.
        """
        gone = set(filenames)
        back = [(name, filename) for filename in self.vanished_files_of(name) - gone - set(but)]
        self._db.executemany(
            "UPDATE files SET vanished_since = NULL WHERE project = ? AND filename = ?", back
        )
        self._db.executemany(
            "UPDATE files SET vanished_since = ? WHERE project = ? AND filename = ?"
            " AND vanished_since IS NULL",
            [(now, name, filename) for filename in sorted(gone)],
        )

    def delist_project(self, name: NormalizedName, now: float) -> None:
        """Record that a project leaves the root page, that its pages go, and then its files."""
        self._db.execute(
            "UPDATE projects SET is_listed = 0, pages = iif(is_listed, NULL, pages), vanished_since = NULL,"
            f" {_OVER} WHERE name = ?",
            (name,),
        )
        self._db.execute("DELETE FROM failures WHERE project = ?", (name,))
        delist(self._db, "status = 'held' AND project = ?", now, name)
        self._delist_unfinished(name)

    def delist_files(
        self, name: NormalizedName, filenames: Iterable[str], now: float, *, keeps_error: bool = False
    ) -> None:
        """Record that files leave their project's pages, which are due, and then the tree.

        Where it `keeps_error`, what is wrong with them stays to be told.
        """
        where = "status = 'held' AND project = ? AND filename = ?"
        for filename in filenames:
            delist(self._db, where, now, name, filename, keeps_error=keeps_error)
        self._db.execute("UPDATE projects SET pages = NULL WHERE name = ? AND is_listed", (name,))

    def delist_at_once(self, name: NormalizedName, filenames: Iterable[str]) -> None:
        """Record that files leave their project's pages, and then the tree, without a grace."""
        for filename in filenames:
            delist(self._db, "project = ? AND filename = ?", AT_ONCE, name, filename)
        self._db.execute("UPDATE projects SET pages = NULL WHERE name = ? AND is_listed", (name,))

    def _delist_unfinished(self, name: NormalizedName) -> None:
        """Let go of what never was on a page; its bytes may be in the tree."""
        delist(self._db, "status IN ('arriving', 'failed') AND project = ?", UNPUBLISHED, name)

    def delisted(self, before: float) -> list[Delisted]:
        """Return the files that left the pages before a moment, of projects whose pages show that."""
        rows = self._db.execute(
            "SELECT project, filename, delisted_since, size, aside FROM files JOIN projects ON project = name"
            " WHERE files.status = 'delisted' AND delisted_since <= ? AND pages IS NOT NULL"
            " ORDER BY project, filename",
            (before,),
        )
        return [typed(Delisted, row) for row in rows]

    def record_quarantined(self, name: NormalizedName, now: float) -> None:
        """Record that all files of a project leave its pages, and are to be put out of reach."""
        self._db.execute("UPDATE files SET aside = coalesce(aside, 0) WHERE project = ?", (name,))
        delist(self._db, "status = 'held' AND project = ?", now, name)
        self._delist_unfinished(name)

    def reachable(self) -> list[tuple[NormalizedName, str]]:
        """Return what a quarantine has to put out of reach, of projects whose pages show that."""
        rows = self._db.execute(
            "SELECT project, filename FROM files JOIN projects ON project = name"
            " WHERE aside = 0 AND pages IS NOT NULL ORDER BY project, filename"
        )
        return [(NormalizedName(name), filename) for name, filename in rows]

    def record_aside(self, files: Iterable[tuple[NormalizedName, str]]) -> None:
        """Record that files are out of reach, without their companions."""
        self._db.executemany(
            "UPDATE files SET aside = 1, metadata = NULL, provenance = NULL"
            " WHERE project = ? AND filename = ?",
            files,
        )

    def record_reachable(self, name: NormalizedName) -> None:
        """Record that what was put out of reach may be back in its place."""
        self._db.execute("UPDATE files SET aside = 0 WHERE project = ? AND aside = 1", (name,))

    def aside(self) -> set[tuple[str, str]]:
        """Return what a quarantine put out of reach, or is about to: project and filename."""
        return set(self._db.execute("SELECT project, filename FROM files WHERE aside IS NOT NULL"))

    def delisted_by_project(self, since: float) -> dict[NormalizedName, Total]:
        """Return how many files left the pages since a moment, with their bytes, by project."""
        rows = self._db.execute(
            "SELECT project, count(*), sum(size) FROM files WHERE status = 'delisted' AND delisted_since >= ?"
            " AND size IS NOT NULL GROUP BY project",
            (since,),
        )
        return {NormalizedName(name): Total(number, size) for name, number, size in rows}

    def forget_delisted(self, files: Iterable[Delisted]) -> None:
        """Record that files left the tree, and forget the projects that have nothing left."""
        gone = [(file.project, file.filename) for file in files]
        # What was to come back and could not be is still missing.
        self._db.executemany(
            "UPDATE files SET status = 'failed', sha256 = NULL, size = NULL, metadata = NULL,"
            " provenance = NULL, delisted_since = NULL"
            " WHERE project = ? AND filename = ? AND status = 'delisted' AND error IS NOT NULL",
            gone,
        )
        self._db.executemany(
            "DELETE FROM files WHERE project = ? AND filename = ? AND status = 'delisted'", gone
        )
        self.forget_projects({NormalizedName(project) for project, _ in gone})

    def forget_projects(self, names: Iterable[NormalizedName]) -> None:
        """Forget those of these projects that are not listed, wait for nothing, and have no file or page.

        What was left out of them, or seen to be blocked, goes with them.
        """
        names = list(names)
        self._db.executemany(
            "DELETE FROM projects WHERE name = ? AND NOT is_listed AND pages = '' AND error IS NULL"
            " AND pending_since IS NULL AND NOT EXISTS (SELECT 1 FROM files WHERE project = projects.name)",
            [(name,) for name in names],
        )
        is_gone = "NOT EXISTS (SELECT 1 FROM projects WHERE name = ?1)"
        self._db.executemany(
            f"DELETE FROM left_out WHERE project = ?1 AND {is_gone}", [(name,) for name in names]
        )
        self._db.executemany(
            f"DELETE FROM meta WHERE key = ?2 AND {is_gone}", [(name, BLOCKED_BYTES + name) for name in names]
        )

    # -- what was removed lately -------------------------------------------------------------

    def record_removed(
        self, name: NormalizedName, filenames: Iterable[str], now: float, *, is_whole: bool = False
    ) -> None:
        """Record that upstream's changes removed files of a project; or all of it, where `is_whole`.

        So many small losses count as the large one that they are.
        """
        gone = [*filenames, *([""] if is_whole else [])]
        self._db.executemany(
            "INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", [(name, filename, now) for filename in gone]
        )

    def removed_since(self, moment: float) -> tuple[int, int]:
        """Return how many projects and files were removed since a moment, and did not come back.

        What was removed before it is forgotten.
        """
        self._db.execute("DELETE FROM removed WHERE moment <= ?", (moment,))
        (projects,) = self._db.execute(
            "SELECT count(*) FROM removed WHERE filename = '' AND NOT EXISTS"
            " (SELECT 1 FROM projects WHERE name = removed.project AND is_listed)"
        ).fetchone()
        (files,) = self._db.execute(
            "SELECT count(*) FROM removed WHERE filename != '' AND NOT EXISTS (SELECT 1 FROM files"
            " WHERE project = removed.project AND filename = removed.filename AND status = 'held')"
        ).fetchone()
        return projects, files


def delist(db: sqlite3.Connection, where: str, now: float, *values: str, keeps_error: bool = False) -> None:
    """Let the files for which an SQL expression of our own is true leave the pages, for their grace."""
    right = "" if keeps_error else ", error = NULL, error_since = NULL"
    delisted = f"status = 'delisted', delisted_since = ?, vanished_since = NULL, partial = NULL{right}"
    db.execute(f"UPDATE files SET {delisted} WHERE {where}", (now, *values))
