"""A temporary file that is given up while another process writes to it."""

import os
from pathlib import Path

import pytest

from pypimirror.store import Store, TemporaryFile


def test_an_abandoned_file_gives_back_its_space_and_ends_its_writer(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    temporary = store.open_temporary()
    with TemporaryFile(os.dup(temporary.file.fileno()), "r+") as writer:
        writer.write(bytes(100_000))
        store.abandon(temporary)
        assert not Path(temporary.path).exists()
        assert temporary.file.closed
        assert os.fstat(writer.fileno()).st_size == 0
        with pytest.raises(InterruptedError):
            writer.write(b"more")


@pytest.mark.parametrize("size", [0, 100, 3 << 20])
def test_a_file_that_the_disk_gets_early_keeps_its_bytes(tmp_path: Path, size: int) -> None:
    store = Store(tmp_path)
    store.prepare()
    content = os.urandom(size)
    temporary = store.open_temporary()
    temporary.file.write(content)
    temporary.file.begin_write_back()
    store.place(temporary, None, "file")
    assert (tmp_path / "file").read_bytes() == content
