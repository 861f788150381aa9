"""What there should be in the tree, project by project: for looks at all of it."""

import itertools
import operator
from collections.abc import Iterator
from typing import NamedTuple

from pypimirror.model import NormalizedName
from pypimirror.state import blobs
from pypimirror.state.rows import Gateway, typed

_BATCH = 1000
_KEPT = "SELECT project, filename, status, size, sha256, metadata, provenance FROM files"


class Kept(NamedTuple):
    """A file that is, was or may be in the tree; one that `is_held` has to be."""

    project: NormalizedName
    filename: str
    status: str
    size: int | None
    sha256: str | None
    metadata: str | None
    """The sha256 of `<filename>.metadata` beside it."""
    provenance: bytes | None
    """Of `<filename>.provenance` beside it: a blob."""

    @property
    def is_held(self) -> bool:
        """Whether it is on a page, and has to be there."""
        return self.status == "held" and self.sha256 is not None

    @property
    def provenance_sha256(self) -> str | None:
        """The digest of `<filename>.provenance`."""
        return None if self.provenance is None else blobs.provenance(self.provenance).sha256


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

    @property
    def held(self) -> list[Kept]:
        """The files that have to be there."""
        return [file for file in self.files if file.is_held]


class Inventory(Gateway):
    """The database, read from its first project to its last."""

    def projects(self, after: str = "") -> Iterator[Stocked]:
        """Yield every project that anything is known of, sorted; each may be changed meanwhile."""
        while projects := self._db.execute(
            "SELECT name, is_listed, link, pages, digest, html_digest FROM projects WHERE name > ?"
            " ORDER BY name LIMIT ?",
            (after, _BATCH),
        ).fetchall():
            files = self._db.execute(
                f"{_KEPT} WHERE project BETWEEN ? AND ? ORDER BY project", (projects[0][0], projects[-1][0])
            ).fetchall()
            groups = itertools.groupby(files, key=operator.itemgetter(0))
            of_project = {project: typed(list[Kept], list(group)) for project, group in groups}
            for project in projects:
                yield Stocked._make((*project, of_project.get(project[0], [])))
            after = projects[-1][0]

    def unsynced_of(self, name: NormalizedName) -> list[Kept]:
        """Return the held files of a project that were stored since the last sync point."""
        rows = self._db.execute(f"{_KEPT} WHERE project = ? AND unsynced", (name,)).fetchall()
        return [file for file in typed(list[Kept], rows) if file.is_held]
