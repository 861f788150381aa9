import hashlib

from pypimirror.state.schema import FORMAT, SCHEMA


def test_other_tables_are_another_format() -> None:
    """A state of an earlier format is moved aside, and its tree adopted; one of this has these columns."""
    columns = " ".join(line.partition("--")[0].strip() for line in SCHEMA.splitlines())
    assert (FORMAT, hashlib.sha256(columns.encode()).hexdigest()[:12]) == (6, "9dfcf7c0c7ea")
