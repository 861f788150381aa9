"""`blocked_files` by digests where upstream offers none: the bytes themselves tell."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests import faults
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


def test_what_is_blocked_by_its_name_needs_no_note(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="demo")
    mirror.update()
    for blocked, number in (("demo==2.0", 0), (f"demo==2.0 {DIGEST}", 1)):
        mirror.configure(package_matches="demo", blocked_files=blocked)
        mirror.run("-U")
        with closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
            notes = state.execute("SELECT value FROM meta WHERE key LIKE 'blocked bytes of %'").fetchall()
        assert len(notes) == number
        assert "demo-2.0.tar.gz" not in "".join(note for (note,) in notes)


def remembered(mirror: Mirror) -> dict[str, set[str]]:
    """Return the files whose bytes were seen to be blocked, by project."""
    with closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        notes = state.execute("SELECT key, value FROM meta WHERE key LIKE 'blocked bytes of %'").fetchall()
    return {key.removeprefix("blocked bytes of "): set(json.loads(value)) for key, value in notes}


def test_what_upstream_no_longer_lists_is_not_remembered(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add_file("demo", "demo-0.5.tar.gz", BAD, hashes={})
    index.add_file("other", "other-1.0.tar.gz", BAD, hashes={})
    mirror = make_mirror(blocked_files=DIGEST, removal_grace_hours=0, removal_limit=100)
    mirror.update()
    assert remembered(mirror) == {
        "demo": {"demo-0.5.tar.gz", "demo-1.0.tar.gz"},
        "other": {"other-1.0.tar.gz"},
    }
    index.remove_file("demo", "demo-0.5.tar.gz")
    mirror.update()
    assert remembered(mirror) == {"demo": {"demo-1.0.tar.gz"}, "other": {"other-1.0.tar.gz"}}
    index.remove("other")
    mirror.update()
    assert remembered(mirror) == {"demo": {"demo-1.0.tar.gz"}}
    assert json.loads(mirror.run("--status", "--json").stdout)["left_out"][0]["files"] == 1
    index.remove_file("demo", "demo-1.0.tar.gz")
    mirror.update()
    assert remembered(mirror) == {}


def test_what_is_no_longer_blocked_is_not_remembered(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="demo", blocked_files=DIGEST)
    mirror.update()
    assert remembered(mirror) == {"demo": {"demo-1.0.tar.gz"}}
    mirror.configure(package_matches="demo")
    mirror.run("-U")
    assert remembered(mirror) == {}
    assert len(mirror.listed("demo")) == 2


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


@pytest.mark.parametrize("algorithms", [(), ("md5",)])
@pytest.mark.parametrize("was_held", [False, True])
def test_what_is_blocked_is_not_fetched_again_while_upstream_says_the_same_of_it(
    index: FakeIndex, make_mirror: MakeMirror, algorithms: tuple[str, ...], *, was_held: bool
) -> None:
    hashes = {name: hashlib.new(name, BAD).hexdigest() for name in algorithms}
    index.add_file("demo", "demo-1.0.tar.gz", BAD, hashes=hashes)
    mirror = make_mirror(package_matches="demo")
    if was_held:
        mirror.update()
    for number in range(3):  # the page is another one each time, and so is what is blocked
        mirror.configure(package_matches="demo", blocked_files=f"{DIGEST} {number:064x}")
        index.add_file("demo", f"demo-3.{number}.tar.gz", b"\x1f\x8b%d" % number)
        index.clear()
        assert "demo-1.0" not in mirror.run("-U", "--dry-run").stdout or not number
        mirror.update()
        assert "demo-1.0.tar.gz" not in mirror.listed("demo")
        bad = [path for path in index.downloads() if path.endswith("demo-1.0.tar.gz")]
        assert len(bad) == (0 if number or was_held else 1)
        assert "blocked_files: its sha256" in mirror.run("--why", "demo-1.0.tar.gz").stdout
    left_out = mirror.run("--status", "--json").stdout
    assert json.loads(left_out)["left_out"] == [{"rule": "blocked_files", "files": 1, "bytes": len(BAD)}]
    index.clear()
    assert mirror.run("-I").status == 0
    # Where nothing tells whether they are the same, a full check sees for itself.
    bad = [path for path in index.downloads() if path.endswith("demo-1.0.tar.gz")]
    assert len(bad) == (0 if algorithms else 1)
    mirror.configure(package_matches="demo")
    assert "no longer blocked" in mirror.run("-U").stderr
    assert "demo-1.0.tar.gz" in mirror.listed("demo")


def test_what_is_blocked_is_looked_at_again_when_upstream_says_something_else_of_it(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    hashes = {"md5": hashlib.md5(BAD).hexdigest()}
    index.add_file("demo", "demo-1.0.tar.gz", BAD, hashes=hashes)
    mirror = make_mirror(package_matches="demo", blocked_files=DIGEST)
    mirror.update()
    other = b"\x1f\x8bmended"
    index.add_file("demo", "demo-1.0.tar.gz", other, hashes={"md5": hashlib.md5(other).hexdigest()})
    mirror.update()
    assert (mirror.root / "demo/demo-1.0.tar.gz").read_bytes() == other
    assert "demo-1.0.tar.gz" in mirror.listed("demo")


def test_bytes_that_may_not_take_the_place_of_what_is_held_come_once(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="demo", blocked_files=DIGEST, replace_changed_files=True)
    mirror.update()
    index.add_file("demo", "demo-2.0.tar.gz", BAD, hashes={"md5": hashlib.md5(BAD).hexdigest()})
    for number in range(3):
        index.clear()
        assert mirror.run("-U").status == 0
        bad = [path for path in index.downloads() if path.endswith("demo-2.0.tar.gz")]
        assert len(bad) == (0 if number else 1)
        assert (mirror.root / "demo/demo-2.0.tar.gz").read_bytes() == GOOD
        assert "demo-2.0.tar.gz" in mirror.listed("demo")
        index.add_file("demo", f"demo-3.{number}.tar.gz", b"\x1f\x8b%d" % number)


def test_a_signature_in_an_address_is_no_reason_to_fetch_again(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="demo", blocked_files=DIGEST)
    for number in range(2):
        index.clear()
        index.add_file("demo", f"demo-3.{number}.tar.gz", b"\x1f\x8b%d" % number)
        link = f'<a href="../../files/demo/demo-1.0.tar.gz?signature={number}">demo-1.0.tar.gz</a>'
        link += '<a href="../../files/demo/demo-2.0.tar.gz">demo-2.0.tar.gz</a>'
        index.fault("/simple/demo/", faults.Body(link.encode(), "text/html"), times=1)
        assert mirror.run("-U").status == 0
        bad = [path for path in index.downloads() if "demo-1.0.tar.gz" in path]
        assert len(bad) == (0 if number else 1)
