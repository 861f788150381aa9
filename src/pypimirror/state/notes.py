"""Notes about the whole mirror, and its totals."""

from typing import TypeVar

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.state.rows import Gateway, Total, typed

_T = TypeVar("_T")


class Notes(Gateway):
    """Texts by their keys; what is none is absent."""

    def get(self, key: str) -> str | None:
        """Return a note; None where there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def hint(self, key: str, kind: type[_T]) -> _T | None:
        """Return a note that is JSON, and no more than a hint: None where it is missing or unreadable."""
        try:
            return msgspec.json.decode(self.get(key) or "null", type=kind | None)
        except (msgspec.DecodeError, UnicodeError):
            return None

    def keys(self, beginning: str) -> list[str]:
        """Return the keys of all notes that begin so."""
        rows = self._db.execute(
            "SELECT key FROM meta WHERE substr(key, 1, ?) = ?", (len(beginning), beginning)
        )
        return [key for (key,) in rows]

    def set(self, key: str, value: str | None) -> None:
        """Set a note, or remove it."""
        if value is None:
            self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
        else:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def keep(self, key: str, value: object) -> None:
        """Set a note to a value, as JSON; None removes it."""
        self.set(key, None if value is None else msgspec.json.encode(value).decode())

    def once_a_day(self, key: str, now: float, *, is_news: bool = False) -> bool:
        """Tell whether something is news, or was not told within a day; note that it has its turn now."""
        if not is_news and 0 <= now - (self.hint(key, float) or 0.0) < DAY_S:
            return False
        self.keep(key, now)
        return True


class Totals(Gateway):
    """Sums that triggers keep, so that nobody has to count rows."""

    def of(self, status: str) -> Total:
        """Return how many files have a status, with their bytes; `listed` are projects on the root page."""
        row = self._db.execute("SELECT number, bytes FROM totals WHERE status = ?", (status,)).fetchone()
        return typed(Total, row)
