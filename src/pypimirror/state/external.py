"""What lies elsewhere than on the index: links to it, files that came from there, what does not answer."""

from collections.abc import Iterable, Iterator

from pypimirror.model import External, File, NormalizedName
from pypimirror.state import blobs
from pypimirror.state.blobs import ExternalLinks, sealed
from pypimirror.state.database import Database
from pypimirror.state.rows import ExternalRow, Failure
from pypimirror.state.transitions import delist


class ExternalTables:
    """The part of the state that tells of other hosts than the index's."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    # -- links ---------------------------------------------------------------------------

    def external_links(self, name: NormalizedName) -> ExternalLinks:
        """Return where else there may be files of a project."""
        row = self._db.execute("SELECT external_links FROM projects WHERE name = ?", (name,)).fetchone()
        return ExternalLinks() if row is None or row[0] is None else blobs.links(row[0])

    def record_external_links(self, name: NormalizedName, links: ExternalLinks) -> None:
        """Record links off a good page; they are read by the next look."""
        self._db.execute(
            "UPDATE projects SET external_links = ?, external_unread = 1 WHERE name = ?",
            (sealed(links), name),
        )

    def record_external_looked(
        self, name: NormalizedName, links: ExternalLinks, next_look: float | None
    ) -> None:
        """Record that links were looked at, and when they shall be again."""
        self._db.execute(
            "UPDATE projects SET external_links = ?, external_next = ?, external_unread = NULL"
            " WHERE name = ?",
            (sealed(links), next_look, name),
        )

    def external_due(self, now: float, longest_s: float) -> list[tuple[NormalizedName, bool]]:
        """Return the listed projects whose links are to be looked at; and whether at all of them again.

        A moment that is further away than `longest_s` is that of a wrong clock.
        """
        rows = self._db.execute(
            "SELECT name, max(is_old) FROM ("
            " SELECT name, 1 AS is_old, external_next AS next FROM projects"
            " WHERE external_next NOT BETWEEN ? AND ? AND is_listed"
            " UNION ALL SELECT name, 0, 0 FROM projects WHERE external_unread AND is_listed"
            ") GROUP BY name ORDER BY min(next), name",
            (now, now + longest_s),
        )
        return [(NormalizedName(name), bool(is_old)) for name, is_old in rows]

    def next_external_look(self, name: NormalizedName) -> float | None:
        """Return when a project's links shall be looked at again."""
        row = self._db.execute("SELECT external_next FROM projects WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def externally_linked(self) -> list[NormalizedName]:
        """Return the listed projects of which there are links or unread pages."""
        rows = self._db.execute(
            "SELECT name FROM projects WHERE (external_next IS NOT NULL OR external_unread) AND is_listed"
            " ORDER BY name"
        )
        return [NormalizedName(name) for (name,) in rows]

    def record_external_due(self) -> None:
        """Let every link be looked at, and every host be asked."""
        self._db.execute("UPDATE projects SET external_next = 0 WHERE external_next IS NOT NULL")
        self._db.execute("DELETE FROM dead_hosts")

    def forget_external_links(self) -> None:
        """Forget all links, and what was wrong with them."""
        self._db.execute(
            "UPDATE projects SET external_links = NULL, external_next = NULL, external_unread = NULL"
            " WHERE external_links IS NOT NULL OR external_unread"
        )
        self._db.execute("DELETE FROM dead_links")
        self._db.execute("DELETE FROM dead_hosts")

    # -- files ---------------------------------------------------------------------------

    def externals(self, name: NormalizedName) -> dict[str, ExternalRow]:
        """Return what is known of a project's files that lie elsewhere, delisted ones included."""
        rows = self._db.execute(
            "SELECT filename, status, listed, external, coalesce(external_checked, 0),"
            " coalesce(delisted_since, 0) FROM files WHERE project = ? AND external IS NOT NULL",
            (name,),
        )
        return {
            filename: ExternalRow(status, blobs.file(listed), blobs.external(external), checked, since)
            for filename, status, listed, external, checked, since in rows
        }

    def own_names(self, name: NormalizedName) -> set[str]:
        """Return the names of a project's files that are the index's own, or were."""
        rows = self._db.execute("SELECT filename FROM files WHERE project = ? AND external IS NULL", (name,))
        return {filename for (filename,) in rows}

    def record_external(
        self, name: NormalizedName, file: File, external: External, *, checked: float = 0.0
    ) -> None:
        """Record how a file came that lies elsewhere, and when that was looked at."""
        self._db.execute(
            "UPDATE files SET listed = ?, external = ?, external_checked = ?, vanished_since = NULL"
            " WHERE project = ? AND filename = ?",
            (sealed(file), sealed(external), checked, name, file.filename),
        )

    def record_own(self, name: NormalizedName, filename: str) -> None:
        """Record that the index has a file itself that came from elsewhere."""
        self._db.execute(
            "UPDATE files SET external = NULL WHERE project = ? AND filename = ?", (name, filename)
        )

    def record_external_refused(self, name: NormalizedName, filename: str, reason: str, now: float) -> None:
        """Record that other bytes lie elsewhere than those that were accepted, which stay."""
        self._db.execute(
            "UPDATE files SET error = ?, error_since = coalesce(error_since, ?)"
            " WHERE project = ? AND filename = ?",
            (reason, now, name, filename),
        )

    def forgive_external(self, name: NormalizedName, filename: str) -> None:
        """Drop what was wrong with a held file that lies elsewhere."""
        self._db.execute(
            "UPDATE files SET error = NULL, error_since = NULL"
            " WHERE project = ? AND filename = ? AND status = 'held'",
            (name, filename),
        )

    def record_external_vanished(self, name: NormalizedName, filenames: Iterable[str], now: float) -> None:
        """Record to which of a project's files elsewhere no link leads any more; to all others one does."""
        self._db.execute(
            "UPDATE files SET vanished_since = NULL WHERE project = ? AND external IS NOT NULL", (name,)
        )
        self._db.executemany(
            "UPDATE files SET vanished_since = ? WHERE project = ? AND filename = ? AND status = 'held'",
            [(now, name, filename) for filename in filenames],
        )

    def delist_unfinished_externals(
        self, name: NormalizedName, filenames: Iterable[str], *, are_gone: bool = False
    ) -> None:
        """Let go of files elsewhere that did not come; of those that were lost only where they `are_gone`."""
        unfinished = "('arriving', 'failed')" if are_gone else "('arriving')"
        for filename in filenames:
            delist(self._db, f"status IN {unfinished} AND project = ? AND filename = ?", 0.0, name, filename)

    def delist_external_again(self, name: NormalizedName, filename: str, since: float) -> None:
        """Record that a file that was in its grace did not come back, so that the grace goes on."""
        delist(self._db, "status = 'arriving' AND project = ? AND filename = ?", since, name, filename)

    def all_externals(self) -> Iterator[tuple[NormalizedName, str, External]]:
        """Yield every file that lies elsewhere and is held, lost or to come."""
        rows = self._db.execute(
            "SELECT project, filename, external FROM files"
            " WHERE external IS NOT NULL AND status != 'delisted'"
        ).fetchall()
        for project, filename, external in rows:
            yield NormalizedName(project), filename, blobs.external(external)

    # -- what does not answer ------------------------------------------------------------

    def record_dead_link(  # noqa: PLR0913 (what is told of a link)
        self, name: NormalizedName, url: str, reason: str, *, is_asked: bool, now: float, quiet_s: float
    ) -> bool:
        """Record that a link could not be followed; tell whether that is news: not told in `quiet_s`."""
        self._db.execute(
            "INSERT INTO dead_links VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT (project, url) DO UPDATE SET"
            " reason = excluded.reason, asked = max(asked, excluded.asked)",
            (name, url, reason, now, is_asked),
        )
        (told,) = self._db.execute(
            "SELECT told FROM dead_links WHERE project = ? AND url = ?", (name, url)
        ).fetchone()
        return not 0 <= now - told < quiet_s

    def untold_links(self) -> list[tuple[NormalizedName, str, str, float]]:
        """Return the links that can't be followed and that no run ended with a word of."""
        rows = self._db.execute("SELECT project, url, reason, since FROM dead_links WHERE told = 0")
        return [(NormalizedName(project), url, reason, since) for project, url, reason, since in rows]

    def record_told(self, found: Iterable[tuple[NormalizedName, str]], now: float) -> None:
        """Record that a run ends with a word of these links."""
        self._db.executemany(
            "UPDATE dead_links SET told = ? WHERE project = ? AND url = ?",
            [(now, name, url) for name, url in found],
        )

    def forget_dead_link(self, name: NormalizedName, url: str) -> None:
        """Record that a link can be followed."""
        self._db.execute("DELETE FROM dead_links WHERE project = ? AND url = ?", (name, url))

    def dead_links_of(self, name: NormalizedName) -> dict[str, bool]:
        """Return the links of a project that can't be followed, and whether they were asked for at all."""
        rows = self._db.execute("SELECT url, asked FROM dead_links WHERE project = ?", (name,))
        return {url: bool(asked) for url, asked in rows}

    def dead_links(self, limit: int) -> tuple[list[Failure], int]:
        """Return the first links that can't be followed, each in a filename's place, and their number."""
        rows = self._db.execute("SELECT project, url, reason, since FROM dead_links LIMIT ?", (limit,))
        (number,) = self._db.execute("SELECT count(*) FROM dead_links").fetchone()
        return [Failure(*row) for row in rows], number

    def dead_hosts(self, now: float, longest_s: float) -> set[str]:
        """Return the hosts that are not to be asked now; a moment too far away is a wrong clock's."""
        rows = self._db.execute(
            "SELECT host FROM dead_hosts WHERE next_try BETWEEN ? AND ?", (now, now + longest_s)
        )
        return {host for (host,) in rows}

    def record_dead_host(self, host: str, *, now: float, first_s: float, longest_s: float) -> None:
        """Record that a host does not answer: it is asked again after pauses that grow."""
        row = self._db.execute("SELECT failures FROM dead_hosts WHERE host = ?", (host,)).fetchone()
        failures = (row[0] if row else 0) + 1
        pause = min(first_s * 2 ** min(failures - 1, 30), longest_s)
        self._db.execute("INSERT OR REPLACE INTO dead_hosts VALUES (?, ?, ?)", (host, failures, now + pause))

    def forget_dead_host(self, host: str) -> None:
        """Record that a host answers."""
        self._db.execute("DELETE FROM dead_hosts WHERE host = ?", (host,))
