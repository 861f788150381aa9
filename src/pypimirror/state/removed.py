"""What upstream's changes removed lately, so that many small losses count as the large one that they are."""

from collections.abc import Iterable

from pypimirror.model import NormalizedName
from pypimirror.state.database import Database

_WHOLE = ""
"""In the place of a filename: the project itself."""


class Removed:
    """What upstream's changes removed."""

    def __init__(self, database: Database) -> None:
        self._db = database.connection

    def record(
        self, name: NormalizedName, filenames: Iterable[str], now: float, *, is_whole: bool = False
    ) -> None:
        """Record that upstream's changes removed files of a project; or all of it, where `is_whole`."""
        gone = [*filenames, *([_WHOLE] if is_whole else [])]
        self._db.executemany(
            "INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", [(name, filename, now) for filename in gone]
        )

    def since(self, moment: float) -> tuple[int, int]:
        """Return how many projects and files were removed since a moment, and did not come back.

        What was removed before it is forgotten.
        """
        self._db.execute("DELETE FROM removed WHERE moment <= ?", (moment,))
        (projects,) = self._db.execute(
            "SELECT count(*) FROM removed WHERE filename = '' AND NOT EXISTS"
            " (SELECT 1 FROM projects WHERE name = removed.project AND is_listed)"
        ).fetchone()
        (files,) = self._db.execute(
            "SELECT count(*) FROM removed WHERE filename != '' AND NOT EXISTS (SELECT 1 FROM files"
            " WHERE project = removed.project AND filename = removed.filename AND status = 'held')"
        ).fetchone()
        return projects, files

    def forget(self) -> None:
        """Begin to count anew."""
        self._db.execute("DELETE FROM removed")
