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


def test_many_lie_in_folders_of_their_own_which_go_with_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    temporaries = [store.new_temporary() for _ in range(100)]
    for number, temporary in enumerate(temporaries):
        temporary.open().close()
        if number % 2:
            store.place(temporary, None, f"{number}")
    assert len({Path(temporary.path).parent for temporary in temporaries}) == 5
    private = tmp_path / ".pypimirror/new"
    (private / "1-2-").mkdir()  # of a run that was killed
    (private / "1-2-" / "1-9").write_bytes(b"left")
    (private / "theirs").mkdir()
    (private / "3-4-" / "theirs").mkdir(parents=True)
    assert store.sweep() == 53, "and folders that are not ours are told"
    assert sorted(private.iterdir()) == [private / "3-4-", private / "theirs"]
    store.new_temporary().open().close()


@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
def test_what_was_kept_is_a_file_or_nothing(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)
    store.prepare()
    kept = tmp_path / ".pypimirror/partial/key"
    kept.parent.mkdir()
    if kind == "folder":
        kept.mkdir()
    elif kind == "link":
        kept.symlink_to("nowhere")
    else:
        os.mkfifo(kept)
    temporary = store.new_temporary("key")
    assert not temporary.is_begun
    temporary.open().close()


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
