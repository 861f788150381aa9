"""Recipes of docs/migration.md: trees of other tools are taken over without a download."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.index_pages import IndexFile
from tests.mirror import GOOD
from tests.missing import unable
from tests.runs.test_removal import MakeMirror

MODE, MTIME = 0o664, 1_600_000_000


def fill(index: FakeIndex) -> list[IndexFile]:
    """List files at the addresses that PyPI gives them."""
    files = []
    for name in ("Zope.Event", "six"):
        for file in [*index.add(name, "1.0"), *index.add(name, "2.0", wheel=False)]:
            digest = hashlib.blake2b(file.content, digest_size=32).hexdigest()
            file.url = f"{index.origin}/packages/{digest[:2]}/{digest[2:4]}/{digest[4:]}/{file.filename}"
            files.append(file)
    return files


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(MODE)
    os.utime(path, (MTIME, MTIME))


def bandersnatch(index: FakeIndex, folder: Path, files: list[IndexFile]) -> Path:
    """Lay out what bandersnatch keeps below its `directory`."""
    web = folder / "bandersnatch/web"
    for file in files:
        assert file.url is not None
        put(web / file.url.removeprefix(index.origin + "/"), file.content)
    for name in ("six", "zope-event"):
        put(web / "simple" / name / "index.html", b"<html></html>")
        put(web / "json" / name, b"{}")
    put(web / "last-modified", b"20260101T00:00:00")
    return web


@pytest.mark.parametrize("below", [".", "packages"])
def test_a_tree_of_bandersnatch(index: FakeIndex, make_mirror: MakeMirror, below: str) -> None:
    files = fill(index)
    mirror = make_mirror()
    web = bandersnatch(index, mirror.folder, files)
    before = {path: path.stat() for path in sorted(web.rglob("*")) if path.is_file()}
    assert mirror.run("-U", "--adopt", str(web / below)) == GOOD
    assert [path for path in index.paths() if path.startswith(("/files/", "/packages/"))] == []
    assert mirror.check_links() == len(files)
    for file in files:
        assert file.url is not None
        name = "six" if file.filename.startswith("six") else "zope-event"
        adopted, theirs = mirror.root / name / file.filename, web / file.url.removeprefix(index.origin + "/")
        assert adopted.samefile(theirs)
        assert (adopted.stat().st_mode & 0o777, adopted.stat().st_mtime) == (MODE, MTIME)
    after = {path: path.stat() for path in sorted(web.rglob("*")) if path.is_file()}
    assert after.keys() == before.keys()
    assert {p: s.st_mtime_ns for p, s in after.items()} == {p: s.st_mtime_ns for p, s in before.items()}


def test_what_is_damaged_or_missing_is_downloaded(index: FakeIndex, make_mirror: MakeMirror) -> None:
    wheel, sdist = index.add("six", "1.0")
    mirror = make_mirror()
    damaged = mirror.folder / "old/six" / wheel.filename
    put(damaged, b"\0" * len(wheel.content))
    assert mirror.run("-U", "--adopt", str(mirror.folder / "old")) == GOOD
    assert sorted(index.downloads()) == [f"/files/six/{file.filename}" for file in (wheel, sdist)]
    assert mirror.check_links() == 2
    assert damaged.read_bytes() == b"\0" * len(wheel.content)


def test_any_tree_of_projects_and_files(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("Zope.Event", "1.0")
    index.add("six", "1.0")
    mirror = make_mirror()
    old = mirror.folder / "old"
    for file in index.files("Zope.Event"):
        put(old / "Zope.Event" / file.filename, file.content)
    for file in index.files("six"):
        put(old / file.filename, file.content)  # as pip download leaves them
    assert mirror.run("-U", "--adopt", str(old)) == GOOD
    assert index.downloads() == []
    assert mirror.check_links() == 4


@pytest.mark.disk
def test_another_file_system_gets_copies(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    if not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        unable("there is no second file system at /dev/shm")
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.root = Path(f"/dev/shm/{tmp_path.name}-{os.getpid()}")
    mirror.configure()
    try:
        old = tmp_path / "old"
        for file in index.files("six"):
            put(old / "six" / file.filename, file.content)
        assert mirror.run("-U", "--adopt", str(old)) == GOOD
        assert index.downloads() == []
        for file in index.files("six"):
            found = (mirror.root / "six" / file.filename).stat()
            assert (found.st_mode & 0o777, found.st_mtime, found.st_nlink) == (MODE, MTIME, 1)
        mirror.check_links()
    finally:
        shutil.rmtree(mirror.root)


def test_a_dry_run_counts_what_is_there(index: FakeIndex, make_mirror: MakeMirror) -> None:
    files = fill(index)
    mirror = make_mirror()
    web = bandersnatch(index, mirror.folder, files)
    with_it = mirror.run("-U", "--dry-run", "--adopt", str(web)).stdout
    without = mirror.run("-U", "--dry-run").stdout
    assert with_it != without
    assert not [path for path in mirror.root.iterdir() if path.name != ".pypimirror"]


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("none", "it is no folder"),
        ("pypimirror.cfg", "it is no folder"),
        ("mirror", "the mirror's own folder"),
    ],
)
def test_a_folder_that_can_not_be_adopted(
    index: FakeIndex, make_mirror: MakeMirror, folder: str, message: str
) -> None:
    mirror = make_mirror()
    mirror.root.mkdir()
    ended = mirror.run("-U", "--adopt", str(mirror.folder / folder))
    assert (ended.status, index.paths()) == (2, [])
    assert message in ended.stderr


def test_it_is_for_a_fetch(make_mirror: MakeMirror) -> None:
    assert "--adopt is for a fetch" in make_mirror().run("--verify", "--adopt", "/tmp").stderr


def test_a_tree_of_the_ancestor(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """Its configuration as it was, its tree in place: folders of raw names become links."""
    index.add("zope.interface", "1.0", raw_name="zope.interface")
    index.add("Products.CMFPlone", "6.0", raw_name="Products.CMFPlone")
    mirror = make_mirror()
    for name in ("zope.interface", "Products.CMFPlone"):
        for file in index.files(name):
            put(mirror.root / name / file.filename, file.content)
            put(mirror.root / name / f".{file.filename}.md5", b"0")
        put(mirror.root / name / "index.html", b"<html><head><title>old</title></head></html>")
    inode = (mirror.root / "zope.interface/zope.interface-1.0.tar.gz").stat().st_ino
    mirror.update()
    assert index.downloads() == []
    assert mirror.links() == {"zope.interface": "zope-interface", "Products.CMFPlone": "products-cmfplone"}
    assert (mirror.root / "zope.interface/zope.interface-1.0.tar.gz").stat().st_ino == inode
    assert (mirror.root / "zope-interface/zope.interface-1.0.tar.gz").stat().st_mtime == MTIME
    assert not list(mirror.root.rglob("*.md5"))
    mirror.check_links()
