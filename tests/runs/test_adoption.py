"""Files that are there already: a lost state, and trees that another tool laid out."""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable

import pytest

from pypimirror.state.schema import FORMAT
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]


def test_a_lost_state_costs_no_download(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("six", "Zope.Event"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    index.clear()
    mirror.update()
    assert index.downloads() == []
    assert mirror.tree() == before
    assert "the state of" in mirror.log
    assert "is gone; the tree is adopted" in mirror.log


def test_a_lost_state_loses_nothing_that_upstream_dropped_or_can_not_be_asked_about(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("attrs", "six", "Zope.Event"):
        index.add(name, "1.0")
        index.add(name, "2.0")
    mirror = make_mirror(cleanup=False)
    mirror.update()
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    index.remove("attrs")
    index.remove_file("six", "six-1.0.tar.gz")
    index.fault("/simple/zope-event/", faults.Status(500), times=1)
    index.clear()
    assert mirror.run("-U").status == 3
    assert index.downloads() == []
    assert mirror.tree() == before
    mirror.update()
    assert mirror.tree() == before


def test_a_lost_state_adopts_only_what_is_whole(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    damaged = mirror.root / "six/six-1.0.tar.gz"
    damaged.write_bytes(bytes(damaged.stat().st_size))
    (mirror.root / "six/six-1.0-py3-none-any.whl.metadata").write_bytes(b"Name: other")
    index.clear()
    mirror.update()
    assert index.downloads() == ["/files/six/six-1.0.tar.gz"]
    assert {path: e.content for path, e in mirror.tree().items()} == {
        path: e.content for path, e in before.items()
    }


def test_pages_are_not_emptied_from_a_lost_state(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    ended = mirror.run("-i")
    assert ended.status == 1
    assert "knows of no project yet; --update-fetch adopts what is in the tree" in ended.stderr
    assert mirror.tree() == before


def test_a_lost_private_folder_costs_no_download(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    shutil.rmtree(mirror.root / ".pypimirror")
    index.clear()
    mirror.update()
    assert index.downloads() == []
    assert mirror.tree() == before


@pytest.mark.parametrize("content", [b"wrong, and of another size", None])
def test_a_file_with_another_digest_is_replaced(
    index: FakeIndex, make_mirror: MakeMirror, content: bytes | None
) -> None:
    _, sdist = index.add("six", "1.0")
    mirror = make_mirror()
    (mirror.root / "six").mkdir(parents=True)
    wrong = bytes(len(sdist.content)) if content is None else content
    (mirror.root / "six/six-1.0.tar.gz").write_bytes(wrong)
    mirror.update()
    assert mirror.tree()["six/six-1.0.tar.gz"].content == sdist.content
    assert mirror.check_links() == 2


def old_tree(index: FakeIndex, mirror: Mirror) -> None:
    """Lay out what z3c.pypimirror would have made of this index: raw names, its pages, its digest files."""
    for name in ("Zope.Event", "zope.interface", "six"):
        folder = mirror.root / name
        folder.mkdir(parents=True)
        links = []
        for file in index.files(name):
            if file.filename.endswith(".tar.gz"):
                (folder / file.filename).write_bytes(file.content)
                digest = hashlib.md5(file.content).hexdigest()
                (folder / f".{file.filename}.md5").write_text(digest)
                links.append(f'<a href="http://your-host.com/{name}/{file.filename}#md5={digest}">x</a>')
        (folder / "index.html").write_text("<html><head><title>old</title></head><body>" + "".join(links))
    (mirror.root / "index.html").write_text("<html><head><title>PyPI Mirror</title></head></html>")
    (mirror.root / "full.html").write_text("<html><head><title>PyPI Mirror</title></head></html>")


def test_a_tree_of_the_ancestor_is_taken_over(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("Zope.Event", "zope.interface", "six"):
        index.add(name, "1.0", raw_name=name)
        index.add(name, "2.0", wheel=False, raw_name=name)
    mirror = make_mirror(filename_matches="*.tar.gz *.zip *.egg")
    old_tree(index, mirror)
    inode = (mirror.root / "Zope.Event/Zope.Event-1.0.tar.gz").stat().st_ino
    mirror.update()
    assert index.downloads() == []
    assert mirror.check_links() == 6
    assert {path.name for path in mirror.root.iterdir()} == {
        ".pypimirror",
        "Zope.Event",
        "zope.interface",
        "index.html",
        "index.v1_json",
        "six",
        "zope-event",
        "zope-interface",
    }
    assert (mirror.root / "zope-event/Zope.Event-1.0.tar.gz").stat().st_ino == inode
    assert not list(mirror.root.rglob("*.md5"))
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_what_upstream_does_not_list_stays_where_it_is(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("Zope.Event", "1.0", raw_name="Zope.Event")
    mirror = make_mirror(filename_matches="*.tar.gz")
    for folder in ("Zope.Event", "unknown.project"):
        (mirror.root / folder).mkdir(parents=True)
        (mirror.root / folder / "Zope.Event-0.9.tar.gz").write_bytes(b"vanished long ago")
        (mirror.root / folder / "index.html").write_text("<html></html>")
    mirror.update()
    assert mirror.listed("zope-event") == {"Zope.Event-1.0.tar.gz"}
    assert (mirror.root / "Zope.Event/Zope.Event-0.9.tar.gz").read_bytes() == b"vanished long ago"
    assert (mirror.root / "unknown.project/index.html").exists()
    assert "Zope.Event holds files that upstream does not list; they are left there" in mirror.log


def test_a_file_of_that_name_that_is_not_the_ancestors_stays(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.root.mkdir()
    (mirror.root / "full.html").write_text("<html>my own page</html>")
    mirror.update()
    assert (mirror.root / "full.html").read_text() == "<html>my own page</html>"


def test_a_state_elsewhere_knows_its_tree(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(state_dir="state")
    mirror.update()
    assert (mirror.folder / "state/state.sqlite").exists()
    assert not (mirror.root / ".pypimirror/state.sqlite").exists()
    mirror.update()
    mirror.root.rename(mirror.folder / "unmounted")
    ended = mirror.run("-U")
    assert ended.status == 1
    assert "is its disk mounted?" in ended.stderr
    assert not mirror.tree()


def test_a_state_of_a_newer_format_is_refused(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    with sqlite3.connect(mirror.root / ".pypimirror/state.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    ended = mirror.run("-U")
    assert ended.status == 1
    assert f"has format 99, newer than {FORMAT}; upgrade pypimirror" in ended.stderr
