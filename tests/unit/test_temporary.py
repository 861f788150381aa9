"""Files on their way in."""

import os
from pathlib import Path

import pytest

from pypimirror.store import Store


def test_what_is_discarded_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    temporary = store.new_temporary()
    store.discard(temporary)  # nothing came
    temporary.open().close()
    store.discard(temporary)
    assert not Path(temporary.path).exists()


def test_what_was_kept_is_gone_on_with(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    temporary = store.new_temporary("key")
    assert not temporary.is_begun
    with temporary.open() as file:
        file.write(b"some")
    store.keep_partial(temporary, "key")
    again = store.new_temporary("key")
    assert again.is_begun
    with again.open() as file:
        assert file.read() == b"some"


@pytest.mark.parametrize("size", [0, 100, 3 << 20])
def test_a_file_that_the_disk_gets_early_keeps_its_bytes(tmp_path: Path, size: int) -> None:
    store = Store(tmp_path)
    store.prepare()
    content = os.urandom(size)
    temporary = store.new_temporary()
    with temporary.open() as file:
        file.write(content)
        file.begin_write_back()
    store.place(temporary, None, "file")
    assert (tmp_path / "file").read_bytes() == content
