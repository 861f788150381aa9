"""A temporary file that is given up while another thread writes to it."""

import os
from pathlib import Path

import pytest

from pypimirror.store import Store


def test_an_abandoned_file_gives_back_its_space_ends_its_writer_and_keeps_its_descriptor(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    store.prepare()
    temporary = store.open_temporary()
    descriptor = temporary.file.fileno()
    temporary.file.write(bytes(100_000))
    store.abandon(temporary)
    assert not Path(temporary.path).exists()
    assert os.fstat(descriptor).st_size == 0
    with pytest.raises(InterruptedError):
        temporary.file.write(b"more")
    # A descriptor that was closed could be another file's by now, which the writer would spoil.
    other = store.open_temporary()
    assert other.file.fileno() != descriptor
    store.discard(other)
    temporary.file.close()
