"""What tells a state that is damaged from a bug of ours: a look at all of it, after something went wrong."""

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from pypimirror import names
from pypimirror.state import blobs
from pypimirror.state.schema import FINGERPRINT, FORMAT

_LARGEST = 1 << 60
_LATEST = 1e11
"""No moment is later, in POSIX seconds: that is in the fifty-second century."""
_STATUSES = "('arriving', 'held', 'failed', 'delisted')"
_BLOBS: dict[tuple[str, str], Callable[[bytes], object]] = {
    ("files", "listed"): blobs.file,
    ("files", "provenance"): blobs.provenance,
    ("files", "served"): blobs.served,
    ("wanted", "asked"): blobs.asked,
    ("requires", "requires"): blobs.requires,
}
_COUNTED = (
    "SELECT 'listed', count(*), 0 FROM projects WHERE is_listed"
    " UNION ALL SELECT status, count(*), coalesce(sum(size), 0) FROM files GROUP BY status"
)
_NAMES = (
    ("projects", "name"),
    *((table, "project") for table in ("files", "failures", "wanted", "requires", "left_out")),
)
_TABLES = (
    *("meta", "projects", "files", "failures", "removed"),
    *("wanted", "requires", "left_out", "runs", "sizes", "totals"),
)
_MORE_TABLES = "SELECT DISTINCT tbl_name FROM sqlite_schema WHERE tbl_name LIKE 'external!_%' ESCAPE '!'"
"""Tables that are there only where links to other hosts are followed."""


def fingerprint(connection: sqlite3.Connection) -> str:
    """Return what tells the tables, indexes and triggers of a state from others, whatever their comments."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"
        " AND tbl_name NOT LIKE 'external!_%' ESCAPE '!' ORDER BY name"
    )
    text = "".join(re.sub(r"--[^\n]*|\s+", "", sql or "") + ";" for (sql,) in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def found(path: Path) -> str | None:
    """Return what is damaged in a state; None for one that is sound, or can't be looked at."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return next(_damages(connection), None)
    except sqlite3.OperationalError as error:
        is_other_trouble = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)
        return None if is_other_trouble else str(error)
    except (sqlite3.Error, MemoryError, UnicodeError) as error:  # also of a message with noise in it
        return str(error)


def _damages(connection: sqlite3.Connection) -> Iterator[str]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT or fingerprint(connection) != FINGERPRINT:
        yield f"it has not the tables of format {FORMAT}"
    for (line,) in connection.execute("PRAGMA integrity_check(1)"):
        if line != "ok":
            yield str(line)
    more = [name for (name,) in connection.execute(_MORE_TABLES)]
    for table in (*_TABLES, *more):
        yield from _wrong_values(connection, table)
    yield from _wrong_blobs(connection, more)
    yield from _wrong_names(connection, [*_NAMES, *((table, "project") for table in more)])
    counted = dict.fromkeys(("listed", "arriving", "held", "failed", "delisted"), (0, 0))
    counted |= {status: (number, size) for status, number, size in connection.execute(_COUNTED)}
    totals = {row[0]: row[1:] for row in connection.execute("SELECT status, number, bytes FROM totals")}
    if totals != counted:
        yield "its totals are not those of its rows"


def _wrong_values(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """Yield the columns in which something of another type lies, or a number that can't be."""
    for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        right = f"typeof({column}) = '{kind.lower()}'"
        if kind == "INTEGER":
            right += f" AND {column} BETWEEN 0 AND {_LARGEST}"
        elif kind == "REAL":
            right += f" AND {column} BETWEEN 0 AND {_LATEST}"
        query = f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL AND NOT ({right}) LIMIT 1"
        if connection.execute(query).fetchone():
            yield f"something wrong lies in {table}.{column}"
    if (
        table == "files"
        and connection.execute(
            f"SELECT 1 FROM files WHERE status NOT IN {_STATUSES}"
            " OR (status = 'held' AND (sha256 IS NULL OR size IS NULL))"
            " OR length(sha256) NOT IN (0, 64) OR length(metadata) != 64"
        ).fetchone()
    ):
        yield "files are in a status that there is not"


def _wrong_blobs(connection: sqlite3.Connection, more: list[str]) -> Iterator[str]:
    others = {
        (table, column): blobs.unsealed
        for table in more
        for _, column, kind, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()
        if kind == "BLOB"
    }
    for (table, column), decoded in (_BLOBS | others).items():
        for (blob,) in connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
            try:
                decoded(blob)
            except Exception as error:  # noqa: BLE001 (whatever noise makes of it)
                yield f"something wrong lies in {table}.{column} ({error})"


def _wrong_names(connection: sqlite3.Connection, columns: Iterable[tuple[str, str]]) -> Iterator[str]:
    for table, column in columns:
        for (name,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}"):
            if not names.is_spelling(name, name):
                yield f"{name!r} in {table}.{column} is no project's name"
