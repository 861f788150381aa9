"""What the state tells: rows as values."""

import sqlite3
from typing import NamedTuple, TypeVar

import msgspec

from pypimirror.model import NormalizedName, Validators

_T = TypeVar("_T")

AT_ONCE, UNPUBLISHED = 0.0, 1.0
"""Recorded as the moment when a file left the pages where it has no grace: it is blocked, or was on none."""
LARGEST = 1 << 60
"""No number is larger, and no file."""
LATEST = 1e11
"""No moment is later, in POSIX seconds: that is in the fifty-second century."""

TREE_NOTE = "tree"
"""The note of the identity of the tree whose state this is."""
BLOCKED_BYTES = "blocked bytes of "
"""How the key begins of the note of a project's blocked bytes; its name follows."""

NO_TROUBLE = "pending_since = NULL, failures = 0, next_try = NULL, error = NULL, error_since = NULL"
"""Of a project."""


def typed(kind: type[_T], row: object) -> _T:
    """Return a row of the database as a value; raise msgspec.ValidationError for what is none of ours."""
    if isinstance(row, tuple) and (fields := getattr(kind, "__struct_fields__", None)):
        row = dict(zip(fields, row, strict=True))
    return msgspec.convert(row, kind)


class Gateway:
    """One noun's way to the database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def _projects(self, query: str, *values: str | float) -> list[NormalizedName]:
        """Return the names of projects that a query finds, in its order."""
        return [NormalizedName(name) for (name,) in self._db.execute(query, values)]

    def _names(self, name: NormalizedName, where: str) -> list[str]:
        """Return the names of a project's files for which an SQL expression of our own is true."""
        rows = self._db.execute(f"SELECT filename FROM files WHERE project = ? AND {where}", (name,))
        return [filename for (filename,) in rows]


class ProjectRow(NamedTuple):
    """What is known of a project."""

    name: NormalizedName
    display_name: str
    is_listed: bool
    is_current: bool
    serial: str | None
    page_serial: str | None
    validators: Validators
    selection: str | None
    status: str | None
    status_reason: str | None
    spelled: str | None
    link: str | None
    digest: str | None
    pages: str | None
    failures: int
    next_try: float | None
    error: str | None
    url: str | None
    """Where the project list's own link leads, if not to the normalized address."""
    speaks_json: int | None
    revalidate_at: float | None
    held_back: str | None

    @property
    def is_gone(self) -> bool:
        """Whether upstream's page was read without trouble, and nothing of it is published."""
        return not self.is_listed and self.is_current and not self.failures


class Failure(msgspec.Struct, frozen=True):
    """What failed and will be tried again: a project's page, or one of its files."""

    project: NormalizedName
    filename: str | None
    reason: str
    since: float


class Total(NamedTuple):
    """How many there are, and their bytes."""

    number: int
    bytes: int


class Delisted(NamedTuple):
    """A file that is on no page any more; `since` is 0 where it never was."""

    project: NormalizedName
    filename: str
    since: float
    size: int | None
    aside: int | None
    """Set where a quarantine put it out of reach, or is about to."""
