"""What tells a state that is damaged from a bug of ours: a look at all of it, after something went wrong."""

import contextlib
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from pypimirror import names
from pypimirror.state import blobs
from pypimirror.state.rows import LARGEST, LATEST
from pypimirror.state.schema import FINGERPRINT, FORMAT

_STATUSES = "('arriving', 'held', 'failed', 'delisted')"
_NO_FILE = (
    f"SELECT 1 FROM files WHERE status NOT IN {_STATUSES}"
    " OR (status = 'held' AND (sha256 IS NULL OR size IS NULL))"
    " OR length(sha256) NOT IN (0, 64) OR length(metadata) != 64"
)
_BLOBS: dict[tuple[str, str], Callable[[bytes], object]] = {
    ("files", "listed"): blobs.file,
    ("files", "provenance"): blobs.provenance,
    ("files", "served"): blobs.served,
    ("wanted", "asked"): blobs.asked,
    ("requires", "requires"): blobs.requires,
    ("left_out", "names"): blobs.unpacked,
}
"""Those of external links, whose tables are there only where they are followed, are read no further."""
_COUNTED = (
    "SELECT 'listed', count(*), 0 FROM projects WHERE is_listed"
    " UNION ALL SELECT status, count(*), coalesce(sum(size), 0) FROM files GROUP BY status"
)
_COLUMNS = (
    "SELECT tables.name, columns.name, columns.type FROM sqlite_schema tables"
    " JOIN pragma_table_info(tables.name) columns WHERE tables.type = 'table'"
)


def fingerprint(connection: sqlite3.Connection) -> str:
    """Return what tells the tables, indexes and triggers of a state from others, whatever their comments."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'"
        " AND tbl_name NOT LIKE 'external!_%' ESCAPE '!' ORDER BY name"
    )
    text = "".join(re.sub(r"--[^\n]*|\s+", "", sql or "") + ";" for (sql,) in rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def found(path: Path) -> str | None:
    """Return what is damaged in a state; None where it is sound, or can't be opened."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return next(_damages(connection), None)
    except sqlite3.OperationalError as error:
        is_other_trouble = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN)
        return None if is_other_trouble else str(error)
    except (sqlite3.Error, UnicodeError) as error:  # also of a message with noise in it
        return str(error)
    except MemoryError:  # the machine's
        return None


def _damages(connection: sqlite3.Connection) -> Iterator[str]:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != FORMAT or fingerprint(connection) != FINGERPRINT:
        yield f"it has not the tables of format {FORMAT}"
    for (line,) in connection.execute("PRAGMA integrity_check(1)"):
        if line != "ok":
            yield str(line)
    yield from _wrong_values(connection)
    counted = dict.fromkeys(("listed", "arriving", "held", "failed", "delisted"), (0, 0))
    counted |= {status: (number, size) for status, number, size in connection.execute(_COUNTED)}
    totals = {row[0]: row[1:] for row in connection.execute("SELECT status, number, bytes FROM totals")}
    if totals != counted:
        yield "its totals are not those of its rows"


def _wrong_values(connection: sqlite3.Connection) -> Iterator[str]:
    columns = connection.execute(_COLUMNS).fetchall()
    for table, column, kind in columns:
        wrong = f"{column} IS NOT NULL AND NOT ({_right(column, kind)})"
        if connection.execute(f"SELECT 1 FROM {table} WHERE {wrong} LIMIT 1").fetchone():
            yield f"something wrong lies in {table}.{column}"
    if connection.execute(_NO_FILE).fetchone():
        yield "files are in a status that there is not"
    for table, column, kind in columns:
        if kind == "BLOB":
            yield from _wrong_blobs(connection, table, column)
        elif column == "project" or (table, column) == ("projects", "name"):
            yield from _wrong_names(connection, table, column)


def _right(column: str, kind: str) -> str:
    """Say in SQL that what lies in a column is of its type, and that a number can be."""
    right = f"typeof({column}) = '{kind.lower()}'"
    most = {"INTEGER": LARGEST, "REAL": LATEST}.get(kind)
    return right if most is None else f"{right} AND {column} BETWEEN 0 AND {most}"


def _wrong_blobs(connection: sqlite3.Connection, table: str, column: str) -> Iterator[str]:
    decoded = _BLOBS.get((table, column), blobs.unsealed)
    for (blob,) in connection.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
        try:
            decoded(blob)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever noise makes of it)
            yield f"something wrong lies in {table}.{column} ({error})"


def _wrong_names(connection: sqlite3.Connection, table: str, column: str) -> Iterator[str]:
    for (name,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}"):
        if not names.is_normalized(name):
            yield f"{name!r} in {table}.{column} is no project's name"
