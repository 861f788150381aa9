"""The state: what is held, what upstream said of it, what comes and what goes. The only user of SQLite.

Nothing is written before `commit`; the main thread alone calls anything here.
"""

from pathlib import Path
from typing import Self

from pypimirror.state.choices import Choices, Omitted
from pypimirror.state.clock import Clock
from pypimirror.state.database import Database
from pypimirror.state.failures import Failures
from pypimirror.state.files import Files
from pypimirror.state.inventory import Inventory, Kept, Stocked
from pypimirror.state.notes import Notes, Totals
from pypimirror.state.projects import Projects
from pypimirror.state.revalidation import Revalidation
from pypimirror.state.rows import Delisted, Failure, ProjectRow, Total
from pypimirror.state.runs import Runs
from pypimirror.state.transitions import Transitions
from pypimirror.state.trouble import damage_told, move_aside, why_unusable

__all__ = [
    "Delisted",
    "Failure",
    "Kept",
    "Omitted",
    "ProjectRow",
    "State",
    "Stocked",
    "Total",
    "damage_told",
    "move_aside",
    "why_unusable",
]


class State:
    """The state of one mirror: a gateway for each noun over one connection."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.connection = database.connection
        """For the tables of external links, which are there where they are followed."""
        self.path = database.path
        self.commit, self.close = database.commit, database.close
        self.notes = Notes(database)
        self.totals = Totals(database)
        self.runs = Runs(database)
        self.projects = Projects(database)
        self.files = Files(database)
        self.transitions = Transitions(database)
        self.revalidation = Revalidation(database)
        self.choices = Choices(database)
        self.failures = Failures(database)
        self.inventory = Inventory(database)
        self.clock = Clock(database)

    @classmethod
    def open(cls, path: Path, *, is_dry: bool = False) -> Self:
        """Open the state, or make a new one; raise StateError for one that is not ours to use.

        With `is_dry` nothing is ever written: all changes stay in memory until they are dropped.
        """
        return cls(Database.open(path, is_dry=is_dry))

    def had_table(self, name: str) -> bool:
        """Tell whether there was a table of a name when the state was opened."""
        return name in self._database.tables

    def begin(self) -> None:
        """Begin a transaction, if there is none: what makes tables does not by itself."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN IMMEDIATE")
