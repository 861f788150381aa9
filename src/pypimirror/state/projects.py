"""Projects: what upstream said of each, what is published of it, and when it is asked about again."""

import sqlite3
from collections.abc import Iterable, Iterator

from pypimirror.model import Listed, ListEntry, NormalizedName, Validators
from pypimirror.state.rows import NO_TROUBLE, Failure, Gateway, ProjectRow, typed

FAILURES = (
    "SELECT name, NULL, error, error_since FROM projects WHERE error IS NOT NULL"
    " UNION ALL SELECT project, filename, error, error_since FROM files WHERE error IS NOT NULL"
    " UNION ALL SELECT project, NULL, reason, since FROM failures"
)
"""Everything that failed and was not mended since, each as a Failure."""


class Projects(Gateway):
    """The table of projects."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._last: tuple[NormalizedName, int, ProjectRow | None] | None = None
        """What was returned last, and how many rows had been changed until then."""

    def is_empty(self) -> bool:
        """Tell whether no project was ever recorded."""
        return self._db.execute("SELECT 1 FROM projects LIMIT 1").fetchone() is None

    def get(self, name: NormalizedName) -> ProjectRow | None:
        """Return what is known of a project; many steps ask for the same one."""
        changes = self._db.total_changes
        if self._last is None or self._last[:2] != (name, changes):
            self._last = name, changes, self._get(name)
        return self._last[2]

    def _get(self, name: NormalizedName) -> ProjectRow | None:
        row = self._db.execute(
            "SELECT name, shown, is_listed, is_current, serial, page_serial, etag, last_modified, selection,"
            " status, status_reason, spelled, link, digest, pages, failures, next_try, error, url,"
            " speaks_json, revalidate_at, held_back FROM projects WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        name, display_name, is_listed, is_current, serial, page_serial, etag, last_modified, *rest = row
        head = (name, display_name, bool(is_listed), bool(is_current), serial, page_serial)
        return typed(ProjectRow, (*head, (etag, last_modified), *rest))

    def names(self, after: str = "") -> Iterator[NormalizedName]:
        """Yield every project that anything is known of, sorted; the state may be changed meanwhile."""
        query = "SELECT name FROM projects WHERE name > ? ORDER BY name LIMIT 1000"
        while found := self._projects(query, after):
            yield from found
            after = found[-1]

    def serials(self) -> dict[NormalizedName, str | None]:
        """Return every project that upstream had; with its serial if it is all there."""
        return dict(
            self._db.execute(
                "SELECT name, iif(is_current, serial, NULL) FROM projects WHERE is_listed OR NOT is_current"
            )
        )

    def selections(self) -> list[tuple[NormalizedName, str | None]]:
        """Return the projects that are all there, each with what selected its files then."""
        rows = self._db.execute("SELECT name, selection FROM projects WHERE is_current AND is_listed")
        return [(NormalizedName(name), selection) for name, selection in rows]

    def mark_stale(self, names: Iterable[NormalizedName]) -> None:
        """Record that the pages of projects have to be asked for again, whatever upstream's hints say."""
        self._db.executemany(
            "UPDATE projects SET is_current = 0, selection = NULL WHERE name = ?", [(name,) for name in names]
        )

    def record_selection(self, name: NormalizedName, selection: str) -> None:
        """Record that what is held of a project is what this selection selects."""
        self._db.execute("UPDATE projects SET selection = ? WHERE name = ? AND is_current", (selection, name))

    def forget_selection(self, names: Iterable[NormalizedName]) -> None:
        """Record that what is held of projects may not be what any selection selects."""
        self._db.executemany("UPDATE projects SET selection = NULL WHERE name = ?", [(n,) for n in names])

    def has_page_serial(self, serial: str, *, but: NormalizedName) -> bool:
        """Tell whether the page of another project had this serial."""
        query = "SELECT 1 FROM projects WHERE page_serial = ? AND name != ? LIMIT 1"
        return self._db.execute(query, (serial, but)).fetchone() is not None

    def stale(self) -> list[NormalizedName]:
        """Return the projects that an update has to look at again whatever upstream's list says."""
        return self._where("NOT is_current")

    def list_entry(self, name: NormalizedName) -> ListEntry | None:
        """Return what a list with serials said of a project; None where it does not name it."""
        row = self._db.execute(
            "SELECT shown, serial, url FROM projects WHERE name = ? AND serial IS NOT NULL", (name,)
        ).fetchone()
        return None if row is None else ListEntry(*row)

    def record_listed(self, name: NormalizedName, serial: str | None, url: str | None) -> None:
        """Record what the project list says of a project, if it has serials, and where its link leads."""
        query = "UPDATE projects SET serial = coalesce(?, serial), url = ? WHERE name = ?"
        self._db.execute(query, (serial, url, name))

    def record_speaks_json(self, name: NormalizedName, *, speaks_json: bool) -> None:
        """Record whether a project's address gave JSON."""
        self._db.execute("UPDATE projects SET speaks_json = ? WHERE name = ?", (speaks_json, name))

    def forget_learned(self) -> None:
        """Forget what was learned of the addresses of projects' pages: they are another index's."""
        self._db.execute("UPDATE projects SET url = NULL, speaks_json = NULL")

    def listed(self) -> Iterator[Listed]:
        """Yield the projects that stand on the root page, sorted by name."""
        rows = self._db.execute("SELECT name, shown, digest FROM projects WHERE is_listed ORDER BY name")
        yield from map(Listed._make, rows)

    def pages_due(self, fingerprint: str) -> list[NormalizedName]:
        """Return the listed projects whose pages were not written by this renderer with these options."""
        return self._where(
            "is_listed AND (pages IS NULL OR pages < ? OR pages > ?)", fingerprint, fingerprint
        )

    def mark_all_pages_dirty(self) -> None:
        """Record that the pages of all listed projects are due."""
        self._db.execute("UPDATE projects SET pages = NULL WHERE is_listed")

    def pages_to_remove(self) -> list[NormalizedName]:
        """Return the projects that are not listed any more and whose pages may still be there."""
        return self._where("NOT is_listed AND pages IS NULL")

    def record_page(
        self, name: NormalizedName, display_name: str, status: str | None, status_reason: str | None
    ) -> None:
        """Record that a good page was seen, and that the mirror's own pages of the project are due."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, status, status_reason) VALUES (?, ?, 1, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET shown = excluded.shown, is_listed = 1,"
            " status = excluded.status, status_reason = excluded.status_reason, pages = NULL, is_current = 0",
            (name, display_name, status, status_reason),
        )

    def record_pages_written(
        self, name: NormalizedName, fingerprint: str, *, digest: str | None, html_digest: str | None
    ) -> None:
        """Record that the project's pages show what is held; an empty fingerprint: that they are removed.

        The digests are those of its JSON page and of its HTML page.
        """
        self._db.execute(
            "UPDATE projects SET pages = ?, digest = ?, html_digest = ?, unsynced = 1 WHERE name = ?",
            (fingerprint, digest, html_digest, name),
        )

    def record_spelled(self, name: NormalizedName, spelled: str, display_name: str) -> None:
        """Record how a project's files spell its name, and how it is shown from now on: also on its page."""
        self._db.execute(
            "UPDATE projects SET spelled = ?, shown = ?,"
            " pages = iif(is_listed AND shown != ?, NULL, pages) WHERE name = ?",
            (spelled, display_name, display_name, name),
        )

    def record_link(self, name: NormalizedName, link: str | None) -> None:
        """Record the link under the name as shown: to be committed before it is made, or after it is gone."""
        self._db.execute("UPDATE projects SET link = ? WHERE name = ?", (link, name))

    def links(self) -> dict[str, NormalizedName]:
        """Return all links under names as shown, with the folders that they lead to."""
        return dict(self._db.execute("SELECT link, name FROM projects WHERE link IS NOT NULL"))

    def mark_current(
        self,
        name: NormalizedName,
        *,
        serial: str | None,
        page_serial: str | None,
        validators: Validators,
        selection: str,
    ) -> None:
        """Record that the project is wholly what upstream's page with these validators says."""
        self._db.execute(
            "UPDATE projects SET is_current = 1, serial = ?, page_serial = ?, etag = ?, last_modified = ?,"
            f" selection = ?, {NO_TROUBLE} WHERE name = ?",
            (serial, page_serial, *validators, selection, name),
        )

    def record_unproven(self, name: NormalizedName) -> None:
        """Record that a page was seen that tells nothing of its project for sure: it is asked for again."""
        self._db.execute(
            "UPDATE projects SET is_current = 0, serial = NULL, etag = NULL, last_modified = NULL,"
            f" {NO_TROUBLE} WHERE name = ?",
            (name,),
        )

    def record_pending(
        self, name: NormalizedName, display_name: str, page_serial: str | None, now: float
    ) -> float:
        """Record that upstream's page is not yet the one that its list speaks of; return since when."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, pages, pending_since) VALUES (?, ?, 0, '', ?)"
            " ON CONFLICT (name) DO UPDATE SET is_current = 0, error = NULL,"
            " pending_since = coalesce(pending_since, excluded.pending_since)",
            (name, display_name, now),
        )
        self._db.execute("UPDATE projects SET page_serial = ? WHERE name = ?", (page_serial, name))
        row = self._db.execute("SELECT pending_since FROM projects WHERE name = ?", (name,)).fetchone()
        return float(row[0])

    def record_error(self, name: NormalizedName, display_name: str, reason: str, since: float) -> None:
        """Record that the project could not be brought up to date; its last good state stays."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, pages, error, error_since)"
            " VALUES (?, ?, 0, '', ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET error = excluded.error, is_current = 0,"
            " error_since = coalesce(error_since, excluded.error_since)",
            (name, display_name, reason, since),
        )

    def record_try(self, name: NormalizedName, failures: int, next_try: float) -> None:
        """Record how many tries failed in a row, and that there shall be none before a moment."""
        self._db.execute(
            "UPDATE projects SET is_current = 0, failures = ?, next_try = ? WHERE name = ?",
            (failures, next_try, name),
        )

    def end_pauses(self) -> None:
        """Let everything that failed be tried at once."""
        self._db.execute("UPDATE projects SET next_try = NULL WHERE NOT is_current AND next_try IS NOT NULL")

    def paused(self, now: float) -> list[tuple[NormalizedName, float]]:
        """Return the projects that are not tried again at a moment, with when they are, in that order."""
        rows = self._db.execute(
            "SELECT name, next_try FROM projects WHERE NOT is_current AND next_try > ?"
            " ORDER BY next_try, name",
            (now,),
        )
        return [(NormalizedName(name), moment) for name, moment in rows]

    def failures(self) -> list[Failure]:
        """Return everything that failed and was not mended since."""
        rows = self._db.execute(f"{FAILURES} ORDER BY 1, 2")
        return [typed(Failure, row) for row in rows]

    def vanished_projects(self) -> list[NormalizedName]:
        """Return the listed projects that upstream no longer has."""
        return self._where("vanished_since IS NOT NULL AND is_listed")

    def _where(self, where: str, *values: str) -> list[NormalizedName]:
        """Return the names for which an SQL expression of our own is true, sorted."""
        return self._projects(f"SELECT name FROM projects WHERE {where} ORDER BY name", *values)
