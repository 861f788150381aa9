"""What is believed for a while only: when pages are asked for again, and what is held back since when."""

import hashlib
import sqlite3

from pypimirror.amounts import DAY_S
from pypimirror.model import NormalizedName
from pypimirror.state.notes import Notes
from pypimirror.state.rows import Failure, Gateway

_NOTE = "revalidate_days"


class Revalidation(Gateway):
    """Sets a bound to what upstream's hints are worth."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__(db)
        self._notes = Notes(db)

    def set_revalidation(self, days: float, now: float) -> None:
        """Ask for each page after so many days at most, though nothing tells of a change; 0 is never."""
        if self._notes.get(_NOTE) == f"{days:g}":
            return
        self._db.create_function("share", 1, _share, deterministic=True)
        self._db.execute(
            "UPDATE projects SET"
            " revalidate_at = iif(?1 > 0, coalesce(revalidated, ?2) + ?1 * share(name), NULL)"
            " WHERE is_listed AND vanished_since IS NULL",
            (days * DAY_S, now),
        )
        self._notes.set(_NOTE, f"{days:g}")

    def to_revalidate(self, now: float, days: float) -> list[NormalizedName]:
        """Return the projects whose pages were not asked for so long, sorted.

        A moment that is further away than that was recorded by a clock that was wrong.
        """
        return self._projects(
            "SELECT name FROM projects WHERE revalidate_at <= ? UNION ALL"
            " SELECT name FROM projects WHERE revalidate_at > ? ORDER BY name",
            now,
            now + days * DAY_S,
        )

    def record_revalidated(self, name: NormalizedName, now: float, days: float) -> None:
        """Record that a page was had just now; when it is asked for again differs from name to name.

        So requests spread over the runs, also where all pages were had in one.
        """
        self._db.execute(
            "UPDATE projects SET revalidated = ?, revalidate_at = ? WHERE name = ?",
            (now, now + days * DAY_S * _share(name) if days else None, name),
        )

    def record_held_back(self, name: NormalizedName, reason: str | None, now: float) -> None:
        """Record why what a project's page no longer lists is kept; None: nothing is kept against it."""
        self._db.execute(
            "UPDATE projects SET held_back = ?, held_back_since = iif(? IS NULL, NULL,"
            " coalesce(held_back_since, ?)) WHERE name = ?",
            (reason, reason, now, name),
        )

    def held_back(self) -> list[Failure]:
        """Return the projects of which something is kept that their pages no longer list, sorted."""
        rows = self._db.execute(
            "SELECT name, NULL, held_back, held_back_since FROM projects WHERE held_back IS NOT NULL"
            " ORDER BY name"
        )
        return [Failure(*row) for row in rows]


def _share(name: str) -> float:
    """Return a number from 0.75 up to 1 that is always the same for a name."""
    return 0.75 + int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) / (1 << 34)
