"""The runs of a mirror: how each began and ended."""

import msgspec

from pypimirror.amounts import DAY_S
from pypimirror.state.rows import Gateway, typed

_KEPT = 1000
_FETCHES = ("update-fetch", "initial-fetch")
_YEARS_KEPT_S = 3660 * DAY_S
_HELD = (
    "held_projects = (SELECT number FROM totals WHERE status = 'listed'),"
    " (held_files, held_bytes) = (SELECT number, bytes FROM totals WHERE status = 'held')"
)


class PastRun(msgspec.Struct, kw_only=True, frozen=True):
    """A run; moments are POSIX seconds, and null is what is not known."""

    mode: str
    started: float
    ended: float | None = None
    status: int | None = None
    """Of the mirror: what failed when the run was over does not change it."""
    summary: str | None = None
    requests: int | None = None
    stored: int | None = None
    """Files, as the next two."""
    adopted: int | None = None
    removed: int | None = None
    bytes: int | None = None
    """Of the files stored."""
    vanished_projects: int | None = None
    """What left the pages, as upstream has it no more; the next one, too."""
    vanished_files: int | None = None
    deselected_projects: int | None = None
    """What left the pages, as it is no longer selected; the next one, too."""
    deselected_files: int | None = None
    failed: int | None = None
    held_projects: int | None = None
    """What there was at its end, as the next two."""
    held_files: int | None = None
    held_bytes: int | None = None


class Size(msgspec.Struct, frozen=True, order=True):
    """What there was at a moment."""

    moment: float
    projects: int
    files: int
    bytes: int


class Runs(Gateway):
    """The last 1,000 runs, and what there was at the end of days for ten years."""

    def begin(self, mode: str, now: float) -> int:
        """Record that a run began, forget all but the last 1,000, and return its number."""
        cursor = self._db.execute("INSERT INTO runs (mode, started) VALUES (?, ?)", (mode, now))
        number = cursor.lastrowid
        assert number is not None
        self._db.execute("DELETE FROM runs WHERE id <= ?", (number - _KEPT,))
        return number

    def end(self, number: int, **values: float | str | None) -> None:
        """Record how a run ended, and what there is now; the keywords are the columns."""
        columns = ", ".join([*(f"{name} = ?" for name in values), _HELD])
        self._db.execute(f"UPDATE runs SET {columns} WHERE id = ?", (*values.values(), number))

    def record_size(self, now: float) -> None:
        """Record what there is now as the word of its day (UTC); what is older than ten years goes."""
        day = now - now % DAY_S
        self._db.execute("DELETE FROM sizes WHERE moment >= ? OR moment < ?", (day, day - _YEARS_KEPT_S))
        self._db.execute(
            "INSERT INTO sizes SELECT ?, listed.number, held.number, held.bytes"
            " FROM totals listed, totals held WHERE listed.status = 'listed' AND held.status = 'held'",
            (now,),
        )

    def sizes(self) -> list[Size]:
        """Return what there was at the end of each day in which that changed, the oldest first."""
        return [typed(Size, row) for row in self._db.execute("SELECT * FROM sizes ORDER BY moment")]

    def latest(self, limit: int, *, that_changed: bool = False) -> list[PastRun]:
        """Return the last runs of all modes, the oldest first; those `that_changed` any file, if so asked."""
        changed = "WHERE coalesce(stored, 0) + coalesce(adopted, 0) + coalesce(removed, 0) > 0"
        rows = self._db.execute(
            f"SELECT {', '.join(PastRun.__struct_fields__)} FROM runs"
            f" {changed if that_changed else ''} ORDER BY id DESC LIMIT ?",
            (limit,),
        )
        return [typed(PastRun, row) for row in rows][::-1]

    def last(self) -> PastRun | None:
        """Return the last run that fetched, whether it came to its end or not."""
        return self._run("")

    def going_on_since(self) -> float | None:
        """Return when the last run of any mode began, if it has no end yet."""
        row = self._db.execute("SELECT started, ended FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        return row[0] if row and row[1] is None else None

    def last_ended(self) -> PastRun | None:
        """Return the last run that fetched and came to an end."""
        return self._run("AND ended IS NOT NULL")

    def last_good(self) -> PastRun | None:
        """Return the last run that ended with status 0."""
        return self._run("AND status = 0")

    def _run(self, condition: str) -> PastRun | None:
        query = f"SELECT {', '.join(PastRun.__struct_fields__)} FROM runs WHERE mode IN (?, ?) {condition}"
        row = self._db.execute(f"{query} ORDER BY id DESC LIMIT 1", _FETCHES).fetchone()
        return None if row is None else typed(PastRun, row)
