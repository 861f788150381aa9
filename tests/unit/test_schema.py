import sqlite3
from contextlib import closing

from pypimirror.state.damage import fingerprint
from pypimirror.state.schema import FINGERPRINT, FORMAT, SCHEMA


def test_other_tables_are_another_format() -> None:
    """A state of an earlier format is moved aside, and its tree adopted; one of this has these tables."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        assert (FORMAT, fingerprint(connection)) == (7, FINGERPRINT)
