"""The state: what is held, what upstream said of it, what comes and what goes. The only user of SQLite.

Nothing is written before `commit`; the main thread alone calls anything here.
"""

import sqlite3
from pathlib import Path
from typing import Self

from pypimirror.state import database
from pypimirror.state.choices import Choices
from pypimirror.state.clock import Clock
from pypimirror.state.failures import Failures
from pypimirror.state.files import Files
from pypimirror.state.inventory import Inventory
from pypimirror.state.notes import Notes, Totals
from pypimirror.state.projects import Projects
from pypimirror.state.revalidation import Revalidation
from pypimirror.state.runs import Runs
from pypimirror.state.transitions import Transitions


class State:
    """The state of one mirror: a gateway for each noun over one connection."""

    def __init__(self, path: Path, db: sqlite3.Connection, *, is_dry: bool) -> None:
        self.path = path
        self.connection = db
        """For the tables of external links, which are there where they are followed."""
        self._is_dry = is_dry
        self.notes = Notes(db)
        self.totals = Totals(db)
        self.runs = Runs(db)
        self.projects = Projects(db)
        self.files = Files(db, path)
        self.transitions = Transitions(db)
        self.revalidation = Revalidation(db)
        self.choices = Choices(db)
        self.failures = Failures(db)
        self.inventory = Inventory(db)
        self.clock = Clock(db, path)

    @classmethod
    def open(cls, path: Path, *, is_dry: bool = False) -> Self:
        """Open the state, or make a new one; raise StateError for one that is not ours to use.

        With `is_dry` nothing is ever written: all changes stay in memory until they are dropped.
        """
        return cls(path, database.opened(path, is_dry=is_dry), is_dry=is_dry)

    def had_table(self, name: str) -> bool:
        """Tell whether there is a table of a name."""
        query = "SELECT 1 FROM sqlite_schema WHERE name = ?"
        return self.connection.execute(query, (name,)).fetchone() is not None

    def begin(self) -> None:
        """Begin a transaction, if there is none: what makes tables does not by itself."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything recorded so far durable; in a dry state, do nothing."""
        if not self._is_dry:
            self.connection.commit()

    def close(self) -> None:
        """Commit, and let go of the database."""
        try:
            self.commit()
        finally:
            self.connection.close()
