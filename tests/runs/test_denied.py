"""One project's folder that may not be written to, and one file that is too big: the others go on."""

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex, Format
from tests.mirror import Ended, Mirror
from tests.missing import unable
from tests.rights import give_up_rights
from tests.small_disks import SmallDisk

MakeMirror = Callable[..., Mirror]
MIB = 1 << 20


def update(mirror: Mirror) -> Ended:
    return mirror.run("-U", before=give_up_rights)


def fill(index: FakeIndex) -> None:
    for number in range(6):
        index.add(f"demo-{number}", "1.0")


@contextlib.contextmanager
def immutable(path: Path) -> Iterator[None]:
    if subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
        unable("no file can be made immutable here")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


@contextlib.contextmanager
def closed(path: Path, mode: int) -> Iterator[None]:
    before = path.stat().st_mode & 0o777
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)


PLACES: dict[str, Callable[[Path], contextlib.AbstractContextManager[None]]] = {
    "folder without writing": lambda root: closed(root / "demo-1", 0o555),
    "folder without anything": lambda root: closed(root / "demo-1", 0o000),
    "immutable folder": lambda root: immutable(root / "demo-1"),
    "immutable page": lambda root: immutable(root / "demo-1/index.html"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_folder_that_takes_nothing_costs_its_project_alone(
    index: FakeIndex, make_mirror: MakeMirror, place: str
) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    for number in range(6):
        index.add(f"demo-{number}", "2.0")
    with PLACES[place](mirror.root):
        ended = update(mirror)
    assert ended.status == 3, ended
    assert "demo-1" in ended.stderr
    assert "permitted" in ended.stderr or "Permission denied" in ended.stderr
    assert all(len(mirror.listed(f"demo-{number}")) == 4 for number in (0, 2, 3, 4, 5))
    assert len(mirror.listed("demo-1")) == 2
    mirror.run("-U")
    mirror.update()
    assert mirror.check_links() == 24


def test_a_file_that_can_not_be_removed_is_not_forgotten(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    for number in range(6):
        index.add(f"demo-{number}", "2.0")
    mirror = make_mirror(removal_grace_hours=0)
    mirror.update()
    for number in range(2):
        index.remove_file(f"demo-{number}", f"demo_{number}-1.0.tar.gz")
    kept = mirror.root / "demo-1/demo_1-1.0.tar.gz"
    assert kept.exists()
    with immutable(kept):
        ended = update(mirror)
    assert ended.status == 3, ended
    assert kept.exists()
    assert not (mirror.root / "demo-0/demo_0-1.0.tar.gz").exists()
    mirror.run("-U")
    mirror.run("-U")
    assert not kept.exists()


def test_a_root_that_takes_nothing_is_the_machine(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    index.add("new", "1.0")
    with closed(mirror.root, 0o555):
        ended = update(mirror)
    assert ended.status == 1
    assert "run pypimirror as the user who owns the mirror" in ended.stderr


# -- sizes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [9_000_000_000_000_000, 1 << 52])
def test_a_size_that_could_never_fit_fails_that_file_alone(
    index: FakeIndex, make_mirror: MakeMirror, size: int
) -> None:
    fill(index)
    index.files("demo-1")[0].size = size
    mirror = make_mirror(min_free_space="1M")
    ended = mirror.run("-U")
    assert ended.status == 3, ended
    assert "it is said to have" in ended.stderr
    assert mirror.check_links() == 11
    assert mirror.run("-U").status == 3


def test_an_answer_that_could_never_fit_fails_that_file_alone(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.formats = ("html",)
    fill(index)
    index.fault("/files/demo-1/*.whl", faults.Headers({"Content-Length": str(5 << 50)}))
    mirror = make_mirror(min_free_space="1M")
    ended = mirror.run("-U")
    assert ended.status == 3, ended
    assert "it is said to have" in ended.stderr
    assert mirror.check_links() == 11


@pytest.mark.parametrize("formats", [("json", "html"), ("html",)])
def test_what_does_not_fit_now_is_left_out_and_smaller_things_go_on(
    index: FakeIndex, small_disk: SmallDisk, formats: Sequence[Format]
) -> None:
    index.formats = formats
    index.add_file("aaa", "aaa-1.tar.gz", os.urandom(12 * MIB))
    fill(index)
    (small_disk.path / "ballast").write_bytes(bytes(8 * MIB))
    mirror = Mirror(small_disk.path, index.url, min_free_space="2M")
    ended = mirror.run("-U")
    assert ended.status == 6, ended
    assert mirror.check_links() == 12
    assert mirror.run("-U").status == 6
    (small_disk.path / "ballast").unlink()
    mirror.update()
    assert mirror.check_links() == 13


@pytest.mark.parametrize("why", ["Permission denied", "Input/output error"])
def test_a_wheel_that_can_not_be_read_is_not_told_as_gone(
    index: FakeIndex, make_mirror: MakeMirror, why: str
) -> None:
    index.add("demo", "1.0")
    mirror = make_mirror()
    mirror.update()
    wheel = next(mirror.root.glob("demo/*.whl"))
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        state.execute("UPDATE files SET metadata = NULL")
    if why == "Permission denied":
        wheel.chmod(0)
    else:
        wheel.unlink()
        wheel.symlink_to("/proc/self/mem")  # nothing can be read at its start
    index.add("demo", "2.0")
    ended = update(mirror)
    assert ended.status == 3
    assert "could not be had" in ended.stderr
    assert (
        f"{wheel}: it can't be read ({why}); mend that, or remove it and run --initial-fetch" in ended.stderr
    )
    assert "gone from the tree" not in ended.stderr
    wheel.unlink()
    assert mirror.run("-I").status == 0
    assert mirror.run("--verify=hash").status == 0


def test_an_sdist_that_can_not_be_read_leaves_open_what_it_requires(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("demo", "1.0", wheel=False)
    index.add("other", "1.0")
    mirror = make_mirror(package_matches="demo other", dependencies=True)
    mirror.update()
    sdist = next(mirror.root.glob("demo/*.tar.gz"))
    sdist.unlink()
    sdist.symlink_to("/proc/self/mem")  # nothing can be read at its start
    index.add("demo", "2.0")
    index.add("other", "2.0")
    assert update(mirror).status == 0
    assert f"{sdist}: it can't be read (Input/output error); mend that" in mirror.log
    assert len(mirror.listed("demo")) == 3
    assert len(mirror.listed("other")) == 4


@pytest.mark.parametrize("why", ["Input/output error", "No such file or directory"])
def test_what_can_not_be_read_takes_no_dependency_away(
    index: FakeIndex, make_mirror: MakeMirror, why: str
) -> None:
    index.add("demo", "1.0", requires_dist=["six"])
    index.add("six", "1.0")
    index.add("newer", "1.0")
    mirror = make_mirror(package_matches="demo", dependencies=True)
    mirror.update()
    text = next(mirror.root.glob("demo/*.metadata"))
    text.unlink()
    if why == "Input/output error":
        text.symlink_to("/proc/self/mem")  # nothing can be read at its start
    index.add("demo", "2.0", requires_dist=["newer"])
    assert update(mirror).status == 0
    assert f"{text}: it can't be read ({why}); mend that, or remove it and run --init" in mirror.log
    assert mirror.listed("six"), "demo 1.0 may require it"
    assert mirror.listed("newer")
    text.unlink(missing_ok=True)
    assert mirror.run("-I").status == 0
    assert mirror.listed("six")
    for file in index.files("demo"):
        if "1.0" in file.filename:
            index.remove_file("demo", file.filename)
    mirror.run("-U", "--allow-removals")
    assert "six" not in mirror.projects()


@pytest.mark.parametrize("why", ["Input/output error", "No such file or directory"])
def test_a_check_says_what_it_can_not_read(index: FakeIndex, make_mirror: MakeMirror, why: str) -> None:
    index.add("demo", "1.0", requires_dist=["six"])
    mirror = make_mirror(package_matches="demo")
    mirror.update()
    text = next(mirror.root.glob("demo/*.metadata"))
    text.unlink()
    if why == "Input/output error":
        text.symlink_to("/proc/self/mem")  # nothing can be read at its start
    for arguments in ([], ["--quiet"], ["--json"]):
        ended = mirror.run("--check", *arguments)
        assert ended.status == 3
        assert f"{text}: it can't be read ({why}); mend that" in ended.stderr
        assert "all that the mirrored releases require is there" not in ended.stdout


def test_a_file_that_can_not_be_read_holds_back_no_other_when_a_tree_is_adopted(tmp_path: Path) -> None:
    with FakeIndex(formats=("html",)) as index:  # which tells no sizes
        fill(index)
        mirror = Mirror(tmp_path, index.url)
        mirror.update()
        wheel = next(mirror.root.glob("demo-1/*.whl"))
        wheel.unlink()
        wheel.symlink_to("/proc/self/mem")  # nothing can be read at its start
        (mirror.root / ".pypimirror/state.sqlite").unlink()
        ended = update(mirror)
        assert ended.status == 3
        assert f"{wheel}: it can't be read (Input/output error); mend that" in ended.stderr
        assert all(len(mirror.listed(f"demo-{number}")) == (1 if number == 1 else 2) for number in range(6))
        wheel.unlink()
        assert mirror.run("-I").status == 0
        assert len(mirror.listed("demo-1")) == 2


def test_requirements_that_may_not_be_read_are_named(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(requirements="r.txt")
    path = mirror.config.parent / "r.txt"
    path.write_text("six")
    with closed(path, 0o000):
        ended = update(mirror)
    assert ended.status == 2
    assert "r.txt: can't be read (Permission denied)" in ended.stderr
    assert not mirror.root.exists()
