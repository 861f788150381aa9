"""What there should be in the tree, project by project: for looks at all of it."""

import itertools
import operator
from collections.abc import Iterator
from typing import NamedTuple

from pypimirror.model import NormalizedName
from pypimirror.state.database import Database

_BATCH = 1000


class Kept(NamedTuple):
    """A file that is, was or may be in the tree; one that `is_held` has to be."""

    project: NormalizedName
    filename: str
    is_held: bool
    size: int | None
    has_metadata: bool
    has_provenance: bool


class Stocked(NamedTuple):
    """A project with its files, and what was published of it."""

    name: NormalizedName
    is_listed: bool
    link: str | None
    pages: str | None
    """Fingerprint of what rendered its pages."""
    digest: str | None
    html_digest: str | None
    files: list[Kept]


class Inventory:
    """The database, read from its first project to its last."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def projects(self, after: str = "") -> Iterator[Stocked]:
        """Yield every project that anything is known of, sorted; each may be changed meanwhile."""
        while projects := self._db.execute(
            "SELECT name, is_listed, link, pages, digest, html_digest FROM projects WHERE name > ?"
            " ORDER BY name LIMIT ?",
            (after, _BATCH),
        ).fetchall():
            files = self._db.execute(
                "SELECT project, filename, status = 'held' AND sha256 IS NOT NULL, size,"
                " metadata IS NOT NULL, provenance IS NOT NULL FROM files"
                " WHERE project BETWEEN ? AND ? ORDER BY project",
                (projects[0][0], projects[-1][0]),
            ).fetchall()
            groups = itertools.groupby(map(Kept._make, files), key=operator.attrgetter("project"))
            of_project = {project: list(group) for project, group in groups}
            for project in projects:
                yield Stocked._make((*project, of_project.get(project[0], [])))
            after = projects[-1][0]
