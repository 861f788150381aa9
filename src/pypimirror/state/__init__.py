"""The state: what is held, what upstream said of it, what comes and what goes. The only user of SQLite.

Nothing is written before `commit`; the main thread alone calls anything here.
"""

from collections.abc import Iterable, Iterator

import msgspec

from pypimirror.errors import DamagedStateError
from pypimirror.model import (
    File,
    HeldFile,
    Listed,
    ListEntry,
    NormalizedName,
    Provenance,
    Served,
    Validators,
)
from pypimirror.state import blobs
from pypimirror.state.blobs import ExternalLinks, sealed
from pypimirror.state.inventory import Kept, Stocked
from pypimirror.state.outside import Outside
from pypimirror.state.rows import Doomed, ExternalRow, Failure, ProjectRow, Total, typed
from pypimirror.state.trouble import damage_told, move_aside, why_unusable

__all__ = [
    "Doomed",
    "ExternalLinks",
    "ExternalRow",
    "Failure",
    "Kept",
    "ProjectRow",
    "State",
    "Stocked",
    "Total",
    "damage_told",
    "move_aside",
    "why_unusable",
]


_LARGEST = 1 << 60


def _held(file: HeldFile) -> HeldFile:
    """Return what was read; raise msgspec.DecodeError for what was never written so."""
    size, metadata = file.size, file.metadata
    is_digest = type(file.sha256) is str and len(file.sha256) in (0, 64)
    if (
        is_digest
        and type(size) is int
        and 0 <= size <= _LARGEST
        and (metadata is None or (type(metadata) is str and len(metadata) == 64))
    ):
        return file
    raise msgspec.DecodeError(f"{file.file.filename} has no digest, or no size")


class State(Outside):
    """The database of one mirror."""

    # -- projects ------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Tell whether no project was ever recorded."""
        return self._db.execute("SELECT 1 FROM projects LIMIT 1").fetchone() is None

    def project(self, name: NormalizedName) -> ProjectRow | None:
        """Return what is known of a project."""
        row = self._db.execute(
            "SELECT name, shown, is_listed, is_current, serial, page_serial, etag, last_modified, selection,"
            " status, status_reason, spelled, link, digest, pages, failures, next_try, error, url,"
            " speaks_json, revalidate_at, held_back FROM projects WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        name, shown, is_listed, is_current, serial, page_serial, etag, last_modified, *rest = row
        head = (name, shown, bool(is_listed), bool(is_current), serial, page_serial)
        return typed(ProjectRow, (*head, (etag, last_modified), *rest))

    def names(self, after: str = "") -> Iterator[NormalizedName]:
        """Yield every project that anything is known of, sorted; the state may be changed meanwhile."""
        name = after
        while rows := self._db.execute(
            "SELECT name FROM projects WHERE name > ? ORDER BY name LIMIT 1000", (name,)
        ).fetchall():
            yield from (NormalizedName(name) for (name,) in rows)
            (name,) = rows[-1]

    def serials(self, selection: str) -> dict[str, str | None]:
        """Return every project that upstream had; with its serial if it is all there by this selection."""
        return dict(
            self._db.execute(
                "SELECT name, iif(is_current AND selection = ?, serial, NULL) FROM projects"
                " WHERE is_listed OR NOT is_current",
                (selection,),
            )
        )

    def has_page_serial(self, serial: str, *, but: NormalizedName) -> bool:
        """Tell whether the page of another project had this serial."""
        query = "SELECT 1 FROM projects WHERE page_serial = ? AND name != ? LIMIT 1"
        return self._db.execute(query, (serial, but)).fetchone() is not None

    def unsettled(self) -> list[NormalizedName]:
        """Return the projects that an update has to look at again whatever upstream's list says."""
        return self.names_where("NOT is_current")

    def list_entry(self, name: NormalizedName) -> ListEntry | None:
        """Return what the project list said of a project when it was last asked about."""
        row = self._db.execute("SELECT shown, serial, url FROM projects WHERE name = ?", (name,)).fetchone()
        return None if row is None else ListEntry(*row)

    def record_list_serial(self, name: NormalizedName, serial: str) -> None:
        """Record what the project list says, whatever came of asking for the project's page."""
        self._db.execute("UPDATE projects SET serial = ? WHERE name = ?", (serial, name))

    def record_url(self, name: NormalizedName, url: str | None) -> None:
        """Record where the project list's own link leads."""
        self._db.execute("UPDATE projects SET url = ? WHERE name = ?", (url, name))

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
        return self.names_where(
            "is_listed AND (pages IS NULL OR pages < ? OR pages > ?)", fingerprint, fingerprint
        )

    def record_all_pages_due(self) -> None:
        """Record that the pages of all listed projects are due."""
        self._db.execute("UPDATE projects SET pages = NULL WHERE is_listed")

    def pages_to_remove(self) -> list[NormalizedName]:
        """Return the projects that are not listed any more and whose pages may still be there."""
        return self.names_where("NOT is_listed AND pages IS NULL")

    def record_page(
        self, name: NormalizedName, shown: str, status: str | None, status_reason: str | None
    ) -> None:
        """Record that a good page was seen, and that the mirror's own pages of the project are due."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, status, status_reason) VALUES (?, ?, 1, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET shown = excluded.shown, is_listed = 1,"
            " status = excluded.status, status_reason = excluded.status_reason, pages = NULL, is_current = 0",
            (name, shown, status, status_reason),
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

    def record_spelled(self, name: NormalizedName, spelled: str, shown: str) -> None:
        """Record how a project's files spell its name, and how it is shown from now on."""
        self._db.execute("UPDATE projects SET spelled = ?, shown = ? WHERE name = ?", (spelled, shown, name))

    def record_link(self, name: NormalizedName, link: str | None) -> None:
        """Record the link under the name as shown: to be committed before it is made, or after it is gone."""
        self._db.execute("UPDATE projects SET link = ? WHERE name = ?", (link, name))

    def links(self) -> dict[str, NormalizedName]:
        """Return all links under names as shown, with the folders that they lead to."""
        return dict(self._db.execute("SELECT link, name FROM projects WHERE link IS NOT NULL"))

    def record_current(
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
            " selection = ?, pending_since = NULL, failures = 0, next_try = NULL, error = NULL,"
            " error_since = NULL WHERE name = ?",
            (serial, page_serial, *validators, selection, name),
        )

    def record_unproven(self, name: NormalizedName) -> None:
        """Record that a page was seen that tells nothing of its project for sure: it is asked for again."""
        self._db.execute(
            "UPDATE projects SET is_current = 0, serial = NULL, etag = NULL, last_modified = NULL,"
            " pending_since = NULL, failures = 0, next_try = NULL, error = NULL, error_since = NULL"
            " WHERE name = ?",
            (name,),
        )

    def record_pending(self, name: NormalizedName, shown: str, page_serial: str | None, now: float) -> float:
        """Record that upstream's page is not yet the one that its list speaks of; return since when."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, pages, pending_since) VALUES (?, ?, 0, '', ?)"
            " ON CONFLICT (name) DO UPDATE SET is_current = 0, error = NULL,"
            " pending_since = coalesce(pending_since, excluded.pending_since)",
            (name, shown, now),
        )
        self._db.execute("UPDATE projects SET page_serial = ? WHERE name = ?", (page_serial, name))
        row = self._db.execute("SELECT pending_since FROM projects WHERE name = ?", (name,)).fetchone()
        return float(row[0])

    def record_error(self, name: NormalizedName, shown: str, reason: str, since: float) -> None:
        """Record that the project could not be brought up to date; its last good state stays."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, pages, error, error_since)"
            " VALUES (?, ?, 0, '', ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET error = excluded.error, is_current = 0,"
            " error_since = coalesce(error_since, excluded.error_since)",
            (name, shown, reason, since),
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

    def failures(self) -> list[Failure]:
        """Return everything that failed and was not mended since."""
        rows = self._db.execute(
            "SELECT name, NULL, error, error_since FROM projects WHERE error IS NOT NULL"
            " UNION ALL SELECT project, filename, error, error_since FROM files WHERE error IS NOT NULL"
            " ORDER BY 1, 2"
        )
        return [typed(Failure, row) for row in rows]

    def pending(self) -> list[tuple[NormalizedName, float]]:
        """Return the projects that wait for upstream's page, with since when."""
        rows = self._db.execute(
            "SELECT name, pending_since FROM projects WHERE pending_since IS NOT NULL ORDER BY name"
        )
        return [(NormalizedName(name), since) for name, since in rows]

    # -- files ---------------------------------------------------------------------------

    def held(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return what is held of a project."""
        return self._files(name, "held")

    def held_names(self, name: NormalizedName) -> list[str]:
        """Return the names of the files that are held of a project."""
        rows = self._db.execute("SELECT filename FROM files WHERE project = ? AND status = 'held'", (name,))
        return [filename for (filename,) in rows]

    def file_names(self, name: NormalizedName) -> set[str]:
        """Return the names of all files of a project that anything is known of."""
        rows = self._db.execute("SELECT filename FROM files WHERE project = ?", (name,))
        return {filename for (filename,) in rows}

    def held_total(self, name: NormalizedName) -> Total:
        """Return how many files are held of a project, with their bytes."""
        row = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM files WHERE project = ? AND status = 'held'",
            (name,),
        ).fetchone()
        return typed(Total, row)

    def doomed_of(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return what was held of a project and is still in the tree, for its grace."""
        return self._files(name, "doomed")

    def _files(self, name: NormalizedName, status: str) -> dict[str, HeldFile]:
        rows = self._db.execute(
            "SELECT filename, listed, sha256, size, metadata, provenance, external, served FROM files"
            " WHERE project = ? AND status = ? AND sha256 IS NOT NULL",
            (name, status),
        )
        try:
            return {
                filename: _held(
                    HeldFile(
                        file=blobs.file(listed),
                        sha256=sha256,
                        size=size,
                        metadata=metadata,
                        provenance=None if provenance is None else blobs.provenance(provenance),
                        external=None if external is None else blobs.external(external),
                        served=None if served is None else blobs.served(served),
                    )
                )
                for filename, listed, sha256, size, metadata, provenance, external, served in rows
            }
        except msgspec.DecodeError as error:
            raise DamagedStateError(self.path, f"is damaged ({name}: {error})") from error

    def record_arriving(self, name: NormalizedName, files: Iterable[File]) -> None:
        """Record the intent to store files: to be committed before the first of them is."""
        self._db.executemany(
            "INSERT INTO files (project, filename, status, listed) VALUES (?, ?, 'arriving', ?)"
            " ON CONFLICT (project, filename) DO UPDATE SET status = 'arriving', listed = excluded.listed,"
            " sha256 = NULL, size = NULL, metadata = NULL, provenance = NULL, external = NULL, served = NULL,"
            " doomed_since = NULL, vanished_since = NULL, aside = NULL",
            [(name, file.filename, sealed(file)) for file in files],
        )

    def record_held(self, name: NormalizedName, files: Iterable[HeldFile], *, is_new: bool = False) -> None:
        """Record that files are whole, verified and in their place, and what upstream says of them.

        Their provenance, and that they lie elsewhere, is recorded by itself. `is_new` files came in just now:
        a power cut can still lose their bytes.
        """
        self._db.executemany(
            "INSERT INTO files (project, filename, status, listed, sha256, size, metadata, unsynced)"
            " VALUES (?, ?, 'held', ?, ?, ?, ?, ?) ON CONFLICT (project, filename) DO UPDATE SET"
            " status = 'held', listed = excluded.listed, sha256 = excluded.sha256, size = excluded.size,"
            " metadata = excluded.metadata, unsynced = coalesce(excluded.unsynced, unsynced),"
            " doomed_since = NULL, error = NULL, error_since = NULL, partial = NULL, aside = NULL",
            [
                (name, h.file.filename, sealed(h.file), h.sha256, h.size, h.metadata, 1 if is_new else None)
                for h in files
            ],
        )

    def record_served(self, name: NormalizedName, filename: str, served: Served | None) -> None:
        """Record what upstream says of a file that it offers no digest of."""
        self._db.execute(
            "UPDATE files SET served = ? WHERE project = ? AND filename = ?",
            (None if served is None else sealed(served), name, filename),
        )

    def record_provenance(self, name: NormalizedName, filename: str, found: Provenance | None) -> None:
        """Record the document of provenance that lies beside a file."""
        self._db.execute(
            "UPDATE files SET provenance = ? WHERE project = ? AND filename = ?",
            (None if found is None else sealed(found), name, filename),
        )

    def record_file_failed(self, name: NormalizedName, filename: str, reason: str, now: float) -> None:
        """Record what is wrong with a file: it could not be had, or is held but not as upstream has it."""
        self._db.execute(
            "UPDATE files SET status = iif(status IN ('held', 'doomed'), status, 'failed'), error = ?,"
            " error_since = coalesce(error_since, ?), partial = NULL WHERE project = ? AND filename = ?",
            (reason, now, name, filename),
        )
        self._db.execute("UPDATE projects SET is_current = 0 WHERE name = ?", (name,))

    def record_partial(self, name: NormalizedName, filename: str, validator: str) -> None:
        """Record that what came of a file that failed is kept, and which file it is part of."""
        self._db.execute(
            "UPDATE files SET partial = ? WHERE project = ? AND filename = ?", (validator, name, filename)
        )

    def partials(self) -> dict[tuple[str, str], str]:
        """Return the files of which a part is kept, by project and filename, each with its validator."""
        rows = self._db.execute("SELECT project, filename, partial FROM files WHERE partial IS NOT NULL")
        return {(project, filename): typed(str, validator) for project, filename, validator in rows}

    def forgive(self, name: NormalizedName, wanted: Iterable[str]) -> None:
        """Drop what was wrong with a project, as a good page of it was seen; what still is, comes again.

        Files that never came and are no longer wanted are let go. What lies elsewhere is left as it is.
        """
        names = set(wanted)
        rows = self._db.execute(
            "SELECT filename FROM files WHERE project = ? AND status IN ('arriving', 'failed')"
            " AND external IS NULL",
            (name,),
        )
        for filename in [filename for (filename,) in rows if filename not in names]:
            self._doom("project = ? AND filename = ?", 0.0, name, filename)
        # Since when it was wrong stays until it is right.
        self._db.execute("UPDATE projects SET error = NULL WHERE name = ? AND error IS NOT NULL", (name,))
        self._db.execute(
            "UPDATE files SET error = NULL WHERE project = ? AND error IS NOT NULL AND external IS NULL",
            (name,),
        )

    def record_lost(self, name: NormalizedName, filenames: Iterable[str], now: float) -> None:
        """Record that held files are missing or damaged, and that the project's pages are due."""
        self._db.executemany(
            "UPDATE files SET status = 'failed', sha256 = NULL, size = NULL, metadata = NULL,"
            " provenance = NULL, vanished_since = NULL, error = 'it is missing or damaged in the tree',"
            " error_since = ? WHERE project = ? AND filename = ?",
            [(now, name, filename) for filename in filenames],
        )
        self.record_pages_lost(name)

    def record_pages_lost(self, name: NormalizedName) -> None:
        """Record that a listed project has to be asked about, and its pages to be written."""
        self._db.execute(
            "UPDATE projects SET pages = NULL, is_current = 0, next_try = NULL WHERE name = ? AND is_listed",
            (name,),
        )

    # -- sync points -----------------------------------------------------------------------

    def unsynced(self) -> list[NormalizedName]:
        """Return the projects of which anything was stored since the last sync point."""
        rows = self._db.execute(
            "SELECT name FROM projects WHERE unsynced UNION SELECT project FROM files WHERE unsynced"
        )
        return sorted(NormalizedName(name) for (name,) in rows)

    def unsynced_of(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return the held files of a project that were stored since the last sync point."""
        rows = self._db.execute("SELECT filename FROM files WHERE project = ? AND unsynced", (name,))
        held = self.held(name)
        return {filename: held[filename] for (filename,) in rows if filename in held}

    def record_pages_unsure(self, name: NormalizedName) -> None:
        """Record that a project's pages may not be what was written or removed, and are due again."""
        self._db.execute("UPDATE projects SET pages = NULL WHERE name = ?", (name,))

    def record_synced(self) -> None:
        """Record that all that was stored so far is on the disk."""
        self._db.execute("UPDATE projects SET unsynced = NULL WHERE unsynced")
        self._db.execute("UPDATE files SET unsynced = NULL WHERE unsynced")
