"""Moments that have not come yet: a clock that was wrong recorded them, and they count as now."""

from pypimirror.state.inventory import Inventory

_MOMENTS = (
    ("files", "doomed_since", "status = 'doomed'"),
    ("files", "vanished_since", "vanished_since IS NOT NULL"),
    ("files", "error_since", "error IS NOT NULL"),
    ("projects", "vanished_since", "vanished_since IS NOT NULL"),
    ("projects", "pending_since", "pending_since IS NOT NULL"),
    ("projects", "error_since", "error IS NOT NULL"),
    ("dead_links", "since", "TRUE"),
    ("dead_links", "told", "TRUE"),
    ("removed", "moment", "TRUE"),
)
"""Each with what SQLite finds the few rows by that have one."""


class Clock(Inventory):
    """The part of the state that knows what time it is."""

    def heed_clock(self, now: float, longest_pause_s: float) -> None:
        """Let what is recorded as later than now count as now, and end pauses that are longer than any."""
        for table, column, where in _MOMENTS:
            self._db.execute(
                f"UPDATE {table} SET {column} = ? WHERE {where} AND {column} > ?",  # noqa: S608
                (now, now),
            )
        self._db.execute(
            "UPDATE projects SET next_try = NULL WHERE NOT is_current AND next_try > ?",
            (now + longest_pause_s,),
        )
