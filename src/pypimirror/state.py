"""The state: what is held, what upstream said of it, what is on the way. The only user of SQLite.

Nothing is written before `commit`; the main thread alone calls anything here.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from pypimirror.errors import StateError
from pypimirror.model import File, HeldFile, ListEntry, NormalizedName, Validators

FORMAT = 1

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE projects (
    name TEXT PRIMARY KEY,         -- normalized
    shown TEXT NOT NULL,           -- as the root page spells it
    is_listed INTEGER NOT NULL,    -- a good page of it was seen: it has a page, and stands on the root page
    is_current INTEGER NOT NULL DEFAULT 0, -- all that upstream's page said when last seen is done
    serial TEXT,                   -- the project list's, when it was last asked about
    page_serial TEXT,              -- the page's own
    etag TEXT, last_modified TEXT, -- the page's validators
    selection TEXT,                -- fingerprint of what selected its files
    status TEXT, status_reason TEXT,
    pages TEXT,                    -- fingerprint of the renderer that wrote its pages; NULL: they are due
    error TEXT, error_since REAL
) WITHOUT ROWID;
CREATE TABLE files (
    project TEXT NOT NULL,
    filename TEXT NOT NULL,
    status TEXT NOT NULL,          -- arriving, held or failed
    listed BLOB NOT NULL,          -- what upstream said of it: a File
    sha256 TEXT, size INTEGER,
    metadata TEXT,                 -- sha256 of <filename>.metadata in the tree
    error TEXT, error_since REAL,  -- what is wrong with it, and since when
    PRIMARY KEY (project, filename)
) WITHOUT ROWID;
CREATE INDEX unsettled_projects ON projects (name) WHERE NOT is_current;
CREATE INDEX wrong_projects ON projects (name) WHERE error IS NOT NULL;
CREATE INDEX wrong_files ON files (project) WHERE error IS NOT NULL;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, mode TEXT NOT NULL, started REAL NOT NULL, ended REAL, status INTEGER,
    requests INTEGER, stored INTEGER, adopted INTEGER, bytes INTEGER, failed INTEGER
);
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(File).decode


class ProjectRow(NamedTuple):
    """What is known of a project."""

    name: NormalizedName
    shown: str
    is_listed: bool
    is_current: bool
    serial: str | None
    page_serial: str | None
    validators: Validators
    selection: str | None
    status: str | None
    status_reason: str | None
    pages: str | None
    error: str | None


class Failure(NamedTuple):
    """What failed and will be tried again: a project's page, or one of its files."""

    project: NormalizedName
    filename: str | None
    reason: str
    since: float


class State:
    """The database of one mirror. `path` is for messages."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._db = connection

    @classmethod
    def open(cls, path: Path) -> "State":
        """Open the state, or make a new one; raise StateError for one that is not ours to use."""
        if path.exists() and path.stat().st_uid != os.geteuid():
            raise StateError(path, "belongs to another user; run pypimirror always as the user who owns it")
        try:
            state = cls(path, sqlite3.connect(path, isolation_level="IMMEDIATE", cached_statements=256))
        except sqlite3.Error as error:
            raise StateError(path, f"can't be opened ({error})") from error
        with contextlib.ExitStack() as opened:
            opened.callback(state._db.close)
            state._prepare()
            opened.pop_all()
        return state

    def _prepare(self) -> None:
        try:
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > FORMAT:
                raise StateError(self.path, f"has format {version}, newer than {FORMAT}; upgrade pypimirror")
            self._db.execute("PRAGMA synchronous = FULL")
            if version == 0:
                # One transaction: a state that dies here is an empty file, and made again.
                self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.DatabaseError as error:
            reason = f"can't be used ({error}); move it aside, and the tree is adopted"
            raise StateError(self.path, reason) from error

    def commit(self) -> None:
        """Make everything recorded so far durable."""
        self._db.commit()

    def close(self) -> None:
        """Commit, and let go of the database."""
        self._db.commit()
        self._db.close()

    # -- notes about the whole mirror ------------------------------------------------

    def note(self, key: str) -> str | None:
        """Return a note; None where there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def set_note(self, key: str, value: str | None) -> None:
        """Set a note, or remove it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    # -- projects ------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Tell whether no project was ever recorded."""
        return self._db.execute("SELECT 1 FROM projects LIMIT 1").fetchone() is None

    def project(self, name: NormalizedName) -> ProjectRow | None:
        """Return what is known of a project."""
        row = self._db.execute(
            "SELECT name, shown, is_listed, is_current, serial, page_serial, etag, last_modified, selection,"
            " status, status_reason, pages, error FROM projects WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        name, shown, is_listed, is_current, serial, page_serial, etag, last_modified, *rest = row
        validators = Validators(etag, last_modified)
        return ProjectRow(
            name, shown, bool(is_listed), bool(is_current), serial, page_serial, validators, *rest
        )

    def serials(self, selection: str) -> dict[str, str]:
        """Return the serials of all projects that are wholly there under this selection."""
        return dict(
            self._db.execute(
                "SELECT name, serial FROM projects WHERE is_current AND serial IS NOT NULL AND selection = ?",
                (selection,),
            )
        )

    def unsettled(self) -> list[NormalizedName]:
        """Return the projects that an update has to look at again whatever upstream's list says."""
        rows = self._db.execute("SELECT name FROM projects WHERE NOT is_current ORDER BY name")
        return [NormalizedName(name) for (name,) in rows]

    def list_entry(self, name: NormalizedName) -> ListEntry | None:
        """Return what the project list said of a project when it was last asked about."""
        row = self._db.execute("SELECT shown, serial FROM projects WHERE name = ?", (name,)).fetchone()
        return None if row is None else ListEntry(*row)

    def record_list_serial(self, name: NormalizedName, serial: str) -> None:
        """Record what the project list says, whatever came of asking for the project's page."""
        self._db.execute("UPDATE projects SET serial = ? WHERE name = ?", (serial, name))

    def listed(self) -> Iterator[tuple[NormalizedName, str]]:
        """Yield the projects that stand on the root page, sorted by name, with how they are shown."""
        rows = self._db.execute("SELECT name, shown FROM projects WHERE is_listed ORDER BY name")
        yield from ((NormalizedName(name), shown) for name, shown in rows)

    def listed_count(self) -> int:
        """Return how many projects stand on the root page."""
        return int(self._db.execute("SELECT count(*) FROM projects WHERE is_listed").fetchone()[0])

    def pages_due(self, fingerprint: str) -> list[NormalizedName]:
        """Return the listed projects whose pages were not written by this renderer with these options."""
        rows = self._db.execute(
            "SELECT name FROM projects WHERE is_listed AND (pages IS NULL OR pages != ?) ORDER BY name",
            (fingerprint,),
        )
        return [NormalizedName(name) for (name,) in rows]

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

    def record_pages_written(self, name: NormalizedName, fingerprint: str) -> None:
        """Record that the project's pages show what is held."""
        self._db.execute("UPDATE projects SET pages = ? WHERE name = ?", (fingerprint, name))

    def record_current(
        self,
        name: NormalizedName,
        *,
        serial: str | None,
        page_serial: str | None,
        validators: Validators,
        selection: str,
    ) -> None:
        """Record that the project is wholly what upstream's page with these validators says.

        A page of another serial than the project list's is not the one that the list speaks of: then the
        project is not current, and asked for again.
        """
        is_current = serial is None or page_serial in (None, serial)
        self._db.execute(
            "UPDATE projects SET is_current = ?, serial = ?, page_serial = ?, etag = ?,"
            " last_modified = ?, selection = ?, error = NULL, error_since = NULL WHERE name = ?",
            (is_current, serial, page_serial, *validators, selection, name),
        )

    def record_error(self, name: NormalizedName, shown: str, reason: str, now: float) -> None:
        """Record that the project could not be brought up to date; its last good state stays."""
        self._db.execute(
            "INSERT INTO projects (name, shown, is_listed, error, error_since) VALUES (?, ?, 0, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET error = excluded.error, is_current = 0,"
            " error_since = coalesce(error_since, excluded.error_since)",
            (name, shown, reason, now),
        )

    def failures(self) -> list[Failure]:
        """Return everything that failed and was not mended since."""
        rows = self._db.execute(
            "SELECT name, NULL, error, error_since FROM projects WHERE error IS NOT NULL"
            " UNION ALL SELECT project, filename, error, error_since FROM files WHERE error IS NOT NULL"
            " ORDER BY 1, 2"
        )
        return [Failure(*row) for row in rows]

    # -- files ---------------------------------------------------------------------------

    def held(self, name: NormalizedName) -> dict[str, HeldFile]:
        """Return what is held of a project."""
        rows = self._db.execute(
            "SELECT filename, listed, sha256, size, metadata FROM files"
            " WHERE project = ? AND status = 'held'",
            (name,),
        )
        return {
            filename: HeldFile(file=_decode(listed), sha256=sha256, size=size, metadata=metadata)
            for filename, listed, sha256, size, metadata in rows
        }

    def record_arriving(self, name: NormalizedName, files: Iterable[File]) -> None:
        """Record the intent to store files: to be committed before the first of them is."""
        self._db.executemany(
            "INSERT INTO files (project, filename, status, listed) VALUES (?, ?, 'arriving', ?)"
            " ON CONFLICT (project, filename) DO UPDATE SET status = 'arriving', listed = excluded.listed",
            [(name, file.filename, _encode(file)) for file in files],
        )

    def record_held(self, name: NormalizedName, files: Iterable[HeldFile]) -> None:
        """Record that files are whole, verified and in their place, and what upstream says of them."""
        self._db.executemany(
            "INSERT OR REPLACE INTO files (project, filename, status, listed, sha256, size, metadata)"
            " VALUES (?, ?, 'held', ?, ?, ?, ?)",
            [(name, h.file.filename, _encode(h.file), h.sha256, h.size, h.metadata) for h in files],
        )

    def record_file_failed(self, name: NormalizedName, filename: str, reason: str, now: float) -> None:
        """Record what is wrong with a file: it could not be had, or is held but not as upstream has it."""
        self._db.execute(
            "UPDATE files SET status = iif(status = 'held', 'held', 'failed'), error = ?,"
            " error_since = coalesce(error_since, ?) WHERE project = ? AND filename = ?",
            (reason, now, name, filename),
        )
        self._db.execute("UPDATE projects SET is_current = 0 WHERE name = ?", (name,))

    def forgive(self, name: NormalizedName, wanted: Iterable[str]) -> None:
        """Drop what was wrong with a project, as a good page of it was seen; what still is, comes again.

        Files that never came and are no longer wanted are forgotten.
        """
        names = set(wanted)
        rows = self._db.execute("SELECT filename FROM files WHERE project = ? AND status = 'failed'", (name,))
        gone = [(name, filename) for (filename,) in rows if filename not in names]
        self._db.executemany("DELETE FROM files WHERE project = ? AND filename = ?", gone)
        # Since when it was wrong stays until it is right.
        self._db.execute("UPDATE projects SET error = NULL WHERE name = ? AND error IS NOT NULL", (name,))
        self._db.execute("UPDATE files SET error = NULL WHERE project = ? AND error IS NOT NULL", (name,))

    def forget_unfinished(self, names: Iterable[NormalizedName]) -> None:
        """Wait for nothing more from projects that upstream no longer has; what is held of them stays."""
        for name in names:
            self._db.execute("DELETE FROM files WHERE project = ? AND status != 'held'", (name,))
            self._db.execute("UPDATE files SET error = NULL, error_since = NULL WHERE project = ?", (name,))
            self._db.execute("DELETE FROM projects WHERE name = ? AND NOT is_listed", (name,))
            self._db.execute(
                "UPDATE projects SET is_current = 1, serial = NULL, selection = NULL, error = NULL,"
                " error_since = NULL WHERE name = ?",
                (name,),
            )

    def forget_held(self, name: NormalizedName, filenames: Iterable[str]) -> None:
        """Record that files are not in the tree any more, and that the project's pages are due."""
        gone = [(name, filename) for filename in filenames]
        self._db.executemany("DELETE FROM files WHERE project = ? AND filename = ?", gone)
        self._db.execute("UPDATE projects SET pages = NULL, is_current = 0 WHERE name = ?", (name,))

    # -- runs ----------------------------------------------------------------------------

    def record_run(self, **values: float | str | None) -> None:
        """Record a finished run; the keywords are the columns."""
        columns = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self._db.execute(f"INSERT INTO runs ({columns}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
