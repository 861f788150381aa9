"""`blocked_files` by digests where upstream offers none: the bytes themselves tell."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]

BAD, GOOD = b"\x1f\x8bbad", b"\x1f\x8bgood"
DIGEST = hashlib.sha256(BAD).hexdigest()


@pytest.fixture(autouse=True)
def filled(index: FakeIndex) -> None:
    index.add_file("demo", "demo-1.0.tar.gz", BAD, hashes={})
    index.add_file("demo", "demo-2.0.tar.gz", GOOD, hashes={"md5": hashlib.md5(GOOD).hexdigest()})


def has_good_alone(mirror: Mirror) -> bool:
    mirror.check_links()
    return mirror.names() == {"demo/demo-2.0.tar.gz"} and mirror.listed("demo") == {"demo-2.0.tar.gz"}


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.upper(), f"sha256:{DIGEST}"])
def test_they_never_come(index: FakeIndex, make_mirror: MakeMirror, digest: str) -> None:
    mirror = make_mirror(package_matches="demo", blocked_files=digest)
    mirror.update()
    assert has_good_alone(mirror)
    assert f"demo: demo-1.0.tar.gz is not mirrored: its sha256 {DIGEST} is blocked" in mirror.log
    assert "blocked_files: its sha256" in mirror.run("--why", "demo-1.0.tar.gz").stdout
    index.clear()
    mirror.update()
    assert index.downloads() == []
    mirror.run("-I")
    assert has_good_alone(mirror)
    mirror.configure(package_matches="demo")
    assert "no longer blocked" in mirror.run("-U").stderr
    assert len(mirror.listed("demo")) == 2


@pytest.mark.parametrize("mode", ["-U", "-I", "-i"])
def test_what_is_held_goes_at_once(make_mirror: MakeMirror, mode: str) -> None:
    mirror = make_mirror(package_matches="demo")
    mirror.update()
    mirror.configure(package_matches="demo", blocked_files=DIGEST)
    assert mirror.run(mode).status == 0
    assert has_good_alone(mirror)
    mirror.update()
    assert has_good_alone(mirror)


def test_a_release_goes_when_pages_alone_are_written(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("other", "1.0", sdist=False)
    mirror = make_mirror()
    mirror.update()
    mirror.configure(blocked_files="Other == 1")
    assert mirror.run("-i").status == 0
    assert not [path for path in mirror.names() if path.startswith("other/")]
    assert mirror.listed("other") == set()
    mirror.check_links()


def test_a_lost_state_takes_nothing_over_that_is_blocked(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="demo")
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    mirror.configure(package_matches="demo", blocked_files=DIGEST)
    mirror.update()
    assert has_good_alone(mirror)


def test_another_tree_gives_nothing_that_is_blocked(make_mirror: MakeMirror, tmp_path: Path) -> None:
    folder = tmp_path / "old/demo"
    folder.mkdir(parents=True)
    (folder / "demo-1.0.tar.gz").write_bytes(BAD)
    mirror = make_mirror(package_matches="demo", blocked_files=DIGEST)
    assert mirror.run("-U", "--adopt", str(tmp_path / "old")).status == 0
    assert has_good_alone(mirror)


def test_other_bytes_of_a_held_file(index: FakeIndex, make_mirror: MakeMirror) -> None:
    options = {"package_matches": "demo", "blocked_files": DIGEST, "replace_changed_files": True}
    mirror = make_mirror(**options)
    mirror.update()
    index.add_file("demo", "demo-2.0.tar.gz", BAD, hashes={})
    assert mirror.run("-U").status in (0, 3)
    assert has_good_alone(mirror)
    assert (mirror.root / "demo/demo-2.0.tar.gz").read_bytes() == GOOD
    index.add_file("demo", "demo-2.0.tar.gz", GOOD, hashes={})
    assert mirror.run("-U") == Ended(0, "", "")
    assert has_good_alone(mirror)
