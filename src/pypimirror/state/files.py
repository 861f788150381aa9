"""The files of projects: what arrives, what is held, what is wrong with it, and what is on the disk."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from pypimirror.errors import DamagedStateError
from pypimirror.model import File, HeldFile, NormalizedName, Provenance, Served
from pypimirror.state import blobs
from pypimirror.state.blobs import sealed
from pypimirror.state.rows import LARGEST, UNPUBLISHED, Gateway, Total, typed
from pypimirror.state.transitions import delist


def _held(file: HeldFile) -> HeldFile:
    """Return what was read; raise msgspec.DecodeError for what was never written so."""
    size, metadata = file.size, file.metadata
    is_digest = type(file.sha256) is str and len(file.sha256) in (0, 64)
    if (
        is_digest
        and type(size) is int
        and 0 <= size <= LARGEST
        and (metadata is None or (type(metadata) is str and len(metadata) == 64))
    ):
        return file
    raise msgspec.DecodeError(f"{file.file.filename} has no digest, or no size")


class Files(Gateway):
    """The part of the state that tells of files."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        super().__init__(db)
        self._path = path

    def held(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return what is held of a project."""
        return self._files(name, "held")

    def held_names(self, name: NormalizedName) -> list[str]:
        """Return the names of the files that are held of a project."""
        return self._names(name, "status = 'held'")

    def mirrored_names(self, name: NormalizedName) -> set[str]:
        """Return the names of the files of a project that are held, or are to be: on their way, or lost."""
        return set(self._names(name, "status != 'delisted'"))

    def mirrored(self, name: NormalizedName) -> list[File]:
        """Return the files of a project that are held, or are to be: on their way, or lost."""
        rows = self._db.execute(
            "SELECT listed FROM files WHERE project = ? AND status != 'delisted'", (name,)
        )
        return [blobs.file(listed) for (listed,) in rows]

    def lacking(self, name: NormalizedName) -> dict[str, str]:
        """Return the files of a project that are to come and are not there, each with what is wrong."""
        rows = self._db.execute(
            "SELECT filename, coalesce(error, '') FROM files WHERE project = ?"
            " AND status IN ('arriving', 'failed')",
            (name,),
        )
        return {filename: typed(str, error) for filename, error in rows}

    def file_names(self, name: NormalizedName) -> set[str]:
        """Return the names of all files of a project that anything is known of."""
        return set(self._names(name, "TRUE"))

    def every_digest(self) -> Iterator[tuple[NormalizedName, File, str, int]]:
        """Yield every file that is in the tree, with the sha256 of its bytes and their number."""
        rows = self._db.execute(
            "SELECT project, listed, sha256, size FROM files WHERE sha256 IS NOT NULL ORDER BY project"
        )
        for name, listed, sha256, size in rows:
            yield NormalizedName(name), blobs.file(listed), sha256, size

    def held_total(self, name: NormalizedName) -> Total:
        """Return how many files are held of a project, with their bytes."""
        row = self._db.execute(
            "SELECT count(*), coalesce(sum(size), 0) FROM files WHERE project = ? AND status = 'held'",
            (name,),
        ).fetchone()
        return typed(Total, row)

    def delisted_of(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return what was held of a project and is still in the tree, for its grace."""
        return self._files(name, "delisted")

    def _files(self, name: NormalizedName, status: str) -> dict[str, HeldFile]:
        rows = self._db.execute(
            "SELECT filename, listed, sha256, size, metadata, provenance, served FROM files"
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
                        served=None if served is None else blobs.served(served),
                    )
                )
                for filename, listed, sha256, size, metadata, provenance, served in rows
            }
        except msgspec.DecodeError as error:
            raise DamagedStateError(self._path, f"is damaged ({name}: {error})") from error

    def record_arriving(self, name: NormalizedName, files: Iterable[File]) -> None:
        """Record the intent to store files: to be committed before the first of them is."""
        self._db.executemany(
            "INSERT INTO files (project, filename, status, listed) VALUES (?, ?, 'arriving', ?)"
            " ON CONFLICT (project, filename) DO UPDATE SET status = 'arriving', listed = excluded.listed,"
            " sha256 = NULL, size = NULL, metadata = NULL, provenance = NULL, served = NULL,"
            " delisted_since = NULL, vanished_since = NULL, aside = NULL",
            [(name, file.filename, sealed(file)) for file in files],
        )

    def record_held(self, name: NormalizedName, files: Iterable[HeldFile], *, is_new: bool = False) -> None:
        """Record that files are whole, verified and in their place, and what upstream says of them.

        Their provenance is recorded by itself. `is_new` files came in just now: a power cut can still lose
        their bytes.
        """
        self._db.executemany(
            "INSERT INTO files (project, filename, status, listed, sha256, size, metadata, unsynced)"
            " VALUES (?, ?, 'held', ?, ?, ?, ?, ?) ON CONFLICT (project, filename) DO UPDATE SET"
            " status = 'held', listed = excluded.listed, sha256 = excluded.sha256, size = excluded.size,"
            " metadata = excluded.metadata, unsynced = coalesce(excluded.unsynced, unsynced),"
            " delisted_since = NULL, error = NULL, error_since = NULL, partial = NULL, aside = NULL",
            [
                (name, h.file.filename, sealed(h.file), h.sha256, h.size, h.metadata, 1 if is_new else None)
                for h in files
            ],
        )

    def record_served(self, name: NormalizedName, filename: str, served: Served | None) -> None:
        """Record what upstream says of a file that it offers no digest of."""
        self._set(name, filename, "served", None if served is None else sealed(served))

    def record_provenance(self, name: NormalizedName, filename: str, found: Provenance | None) -> None:
        """Record the document of provenance that lies beside a file."""
        self._set(name, filename, "provenance", None if found is None else sealed(found))

    def record_file_failed(self, name: NormalizedName, filename: str, reason: str, now: float) -> None:
        """Record what is wrong with a file: it could not be had, or is held but not as upstream has it."""
        self._db.execute(
            "UPDATE files SET status = iif(status IN ('held', 'delisted'), status, 'failed'), error = ?,"
            " error_since = coalesce(error_since, ?), partial = NULL WHERE project = ? AND filename = ?",
            (reason, now, name, filename),
        )
        self._db.execute("UPDATE projects SET is_current = 0 WHERE name = ?", (name,))

    def record_partial(self, name: NormalizedName, filename: str, validator: str) -> None:
        """Record that what came of a file that failed is kept, and which file it is part of."""
        self._set(name, filename, "partial", validator)

    def _set(self, name: NormalizedName, filename: str, column: str, value: str | bytes | None) -> None:
        query = f"UPDATE files SET {column} = ? WHERE project = ? AND filename = ?"
        self._db.execute(query, (value, name, filename))

    def partials(self) -> dict[tuple[str, str], str]:
        """Return the files of which a part is kept, by project and filename, each with its validator."""
        rows = self._db.execute("SELECT project, filename, partial FROM files WHERE partial IS NOT NULL")
        return {(project, filename): typed(str, validator) for project, filename, validator in rows}

    def forgive(
        self, name: NormalizedName, wanted: Iterable[str], *, but: Collection[str] = frozenset()
    ) -> None:
        """Drop what was wrong with a project, as a good page of it was seen; what still is, comes again.

        Files that never came and are no longer wanted are let go; `but` those of which a page does not tell.
        """
        for filename in {*self._names(name, "status IN ('arriving', 'failed')")}.difference(wanted, but):
            delist(self._db, "project = ? AND filename = ?", UNPUBLISHED, name, filename)
        # Since when it was wrong stays until it is right.
        self._db.execute("UPDATE projects SET error = NULL WHERE name = ? AND error IS NOT NULL", (name,))
        for filename in {*self._names(name, "error IS NOT NULL")}.difference(but):
            self._set(name, filename, "error", None)

    def record_lost(self, name: NormalizedName, filenames: Iterable[str], now: float) -> None:
        """Record that held files are missing or damaged, and that the project's pages are due."""
        self._db.executemany(
            "UPDATE files SET status = 'failed', sha256 = NULL, size = NULL, metadata = NULL,"
            " provenance = NULL, vanished_since = NULL, error = 'it is missing or damaged in the tree',"
            " error_since = ? WHERE project = ? AND filename = ?",
            [(now, name, filename) for filename in filenames],
        )
        self.record_pages_lost(name)

    def record_companions_lost(
        self, name: NormalizedName, filename: str, *, metadata: bool, provenance: bool
    ) -> None:
        """Record that core metadata or a document of provenance is missing or damaged, and comes again."""
        for column, is_lost in (("metadata", metadata), ("provenance", provenance)):
            if is_lost:
                self._set(name, filename, column, None)
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
        return self._projects(
            "SELECT name FROM projects WHERE unsynced UNION SELECT project FROM files WHERE unsynced"
            " ORDER BY 1"
        )

    def mark_pages_dirty(self, name: NormalizedName) -> None:
        """Record that a project's pages may not be what was written or removed, and are due again."""
        self._db.execute("UPDATE projects SET pages = NULL WHERE name = ?", (name,))

    def record_synced(self) -> None:
        """Record that all that was stored so far is on the disk."""
        self._db.execute("UPDATE projects SET unsynced = NULL WHERE unsynced")
        self._db.execute("UPDATE files SET unsynced = NULL WHERE unsynced")
