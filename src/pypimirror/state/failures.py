"""What is wrong with a project beside its page and its files."""

from collections.abc import Collection, Mapping

from pypimirror.model import NormalizedName
from pypimirror.state.rows import Gateway


class Failures(Gateway):
    """What else failed and was not mended since, by what it is about; it is told as any other failure."""

    def of(self, name: NormalizedName) -> set[str]:
        """Return what failed of a project."""
        rows = self._db.execute("SELECT subject FROM failures WHERE project = ?", (name,))
        return {subject for (subject,) in rows}

    def record(self, name: NormalizedName, failed: Mapping[str, str], now: float) -> None:
        """Record what failed, each with its reason; since when stays until it is right."""
        self._db.executemany(
            "INSERT INTO failures VALUES (?, ?, ?, ?)"
            " ON CONFLICT (project, subject) DO UPDATE SET reason = excluded.reason",
            [(name, subject, reason, now) for subject, reason in failed.items()],
        )

    def forget(self, name: NormalizedName, mended: Collection[str]) -> None:
        """Record that what failed of a project is right."""
        self._db.executemany(
            "DELETE FROM failures WHERE project = ? AND subject = ?", [(name, subject) for subject in mended]
        )

    def forget_all(self) -> None:
        """Forget everything that failed."""
        self._db.execute("DELETE FROM failures")
