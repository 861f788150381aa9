"""Trouble with the machine: full and failing disks, missing rights, a damaged state."""

import ctypes
import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pypimirror.errors import DiskFullError
from pypimirror.store import full_or_itself
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, clean_environment

MakeMirror = Callable[..., Mirror]

MIB = 1 << 20

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty folder on a file system of its own, of 600 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount(folder, "size=600k")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(index: FakeIndex, size: int = 20_000) -> None:
    for number in range(6):
        for version in ("1.0", "1.1", "2.0"):
            index.add(f"Project.{number}", version, extra_size=size)


def contents(mirror: Mirror) -> dict[str, bytes]:
    return {path: entry.content for path, entry in mirror.tree().items()}


# -- no space ------------------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("size_k", [120, 160, 200, 300, 400, 500, 560, 600])
def test_a_full_disk_is_status_6_and_the_next_run_goes_on(
    index: FakeIndex, small_disk: Path, tmp_path: Path, size_k: int
) -> None:
    fill(index)
    undisturbed = Mirror(tmp_path / "undisturbed", index.url)
    undisturbed.update()
    subprocess.run(["mount", "-o", f"remount,size={size_k}k", small_disk], check=True)
    mirror = Mirror(small_disk, index.url, log_filename=tmp_path / "log")
    for _ in range(2):
        ended = mirror.run("-U")
        assert (ended.status, ended.stdout) == (6, ""), ended.stderr
        assert "Traceback" not in ended.stderr
        assert len(ended.stderr.splitlines()) < 20
        mirror.check_links(is_settled=False)
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    mirror.update()
    mirror.check_links()
    assert contents(mirror) == contents(undisturbed)


@needs_root
def test_a_disk_too_full_for_anything_is_status_6(index: FakeIndex, small_disk: Path) -> None:
    fill(index)
    mirror = Mirror(small_disk, index.url)
    (small_disk / "ballast").write_bytes(bytes(590 * 1024))
    ended = mirror.run("-U")
    assert ended.status == 6
    assert "make room" in ended.stderr or "disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr


@needs_root
def test_what_has_to_stay_free_stays_free(index: FakeIndex, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    for number in range(10):
        index.add_file("six", f"six-{number}.tar.gz", os.urandom(2 * MIB))
    index.add("attrs", "1.0")
    mirror = Mirror(small_disk, index.url, min_free_space="5M", workers=2)
    ended = mirror.run("-U")
    assert ended.status == 6
    assert "min_free_space = 5 MiB" in ended.stderr
    assert mirror.run("-U") == Ended(6, "", ""), "told once a day"
    disk = os.statvfs(small_disk)
    free = disk.f_bavail * disk.f_frsize
    assert 5 * MIB <= free < 9 * MIB
    assert mirror.projects() == ["attrs", "six"]
    assert 3 < len(mirror.listed("six")) < 8
    mirror.check_links()
    subprocess.run(["mount", "-o", "remount,size=40m", small_disk], check=True)
    mirror.update()
    assert len(mirror.listed("six")) == 10


@needs_root
def test_a_file_that_has_no_room_is_not_begun(index: FakeIndex, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    index.add_file("six", "six-1.tar.gz", bytes(18 * MIB))
    mirror = Mirror(small_disk, index.url, min_free_space="5M")
    assert mirror.run("-U").status == 6
    assert [path for path in index.paths() if path.startswith("/files/")] == []


@needs_root
def test_a_disk_that_others_fill_during_a_big_download_stops_it(index: FakeIndex, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    index.add_file("six", "six-1.tar.gz", bytes(8 * MIB))
    index.fault("/files/*", faults.HangBody(2 * MIB, 8))
    mirror = Mirror(small_disk, index.url, min_free_space="5M", timeout=20)
    running = mirror.start("-U")
    time.sleep(2)
    (small_disk / "ballast").write_bytes(bytes(8 * MIB))
    begun = time.monotonic()
    running.communicate()
    assert running.returncode == 6
    assert time.monotonic() - begun < 4, "not only when the download is done"
    mirror.check_links()


@needs_root
def test_what_may_go_makes_room(index: FakeIndex, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    for number in range(6):
        index.add_file("six", f"six-{number}.tar.gz", bytes(2 * MIB))
    mirror = Mirror(small_disk, index.url, min_free_space="5M")
    mirror.update()
    for number in range(5):
        index.remove_file("six", f"six-{number}.tar.gz")
    mirror.update()
    mirror.age(hours=25)
    for number in range(6, 9):
        index.add_file("six", f"six-{number}.tar.gz", bytes(2 * MIB))
    assert mirror.run("-U").status == 6
    mirror.update()
    assert mirror.listed("six") == {f"six-{number}.tar.gz" for number in range(5, 9)}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_and_a_used_up_quota_are_the_same(number: int) -> None:
    assert isinstance(full_or_itself(OSError(number, "full", "file")), DiskFullError)
    other = OSError(errno.EIO, "broken", "file")
    assert full_or_itself(other) is other


def test_no_limit_is_no_limit(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(min_free_space="900T")
    assert mirror.run("-U").status == 6
    mirror.configure(min_free_space=0)
    mirror.update()


# -- rights and limits -----------------------------------------------------------------------------


@needs_root
def test_a_read_only_disk_is_status_1_and_says_what_to_do(index: FakeIndex, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    fill(index)
    mirror = Mirror(small_disk, index.url)
    mirror.update()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ended = mirror.run("-U")
    assert ended.status == 1
    assert ended.stderr.count("\n") == 1
    assert "mount its file system for writing" in ended.stderr
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    mirror.update()


def drop_the_right_to_pass_over_modes() -> None:
    """Make root obey the modes of files like anybody (capabilities 1 and 2, prctl 24)."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):
        libc.prctl(24, capability)


@needs_root
def test_a_folder_without_the_right_to_write_is_status_1(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    folder = tmp_path / "m"
    mirror = Mirror(folder, index.url, log_filename=tmp_path / "log")
    mirror.update()
    before = mirror.tree()
    index.add("project.0", "3.0")
    (mirror.root / "project-0").chmod(0o555)
    ended = subprocess.run(
        [COMMAND, mirror.config, "-U"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
        preexec_fn=drop_the_right_to_pass_over_modes,
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "give that user the right" in ended.stderr
    assert mirror.tree() == before
    (mirror.root / "project-0").chmod(0o755)
    mirror.update()


def test_too_many_open_files_are_status_1(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    index.latency = 0.05
    mirror = make_mirror(workers=64)
    ended = subprocess.run(
        [COMMAND, mirror.config, "-U"],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30)),
    )
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "allow more open files" in ended.stderr
    mirror.check_links(is_settled=False)
    mirror.update()
    assert mirror.check_links() == 36


# -- a damaged state -----------------------------------------------------------------------------------


def state_of(mirror: Mirror) -> Path:
    return mirror.root / ".pypimirror/state.sqlite"


def spoil_all(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def spoil_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


def spoil_middle(path: Path) -> None:
    with path.open("r+b") as file:
        size = path.stat().st_size
        for start in range(4096 * 3, size, 4096):
            file.seek(start)
            file.write(b"\xff" * 4096)


def spoil_records(path: Path) -> None:
    with sqlite3.connect(path) as state:
        state.execute("UPDATE files SET listed = x'c1c1'")
    state.close()


def make_old(path: Path) -> None:
    with sqlite3.connect(path) as state:
        state.execute("PRAGMA user_version = 1")
    state.close()


@pytest.mark.parametrize(
    "damage", [spoil_all, cut, spoil_head, spoil_middle, spoil_records, make_old], ids=lambda f: f.__name__
)
def test_a_damaged_state_is_moved_aside_and_the_tree_adopted(
    index: FakeIndex, make_mirror: MakeMirror, damage: Callable[[Path], None]
) -> None:
    fill(index, size=0)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    damage(state_of(mirror))
    damaged = state_of(mirror).read_bytes()
    index.clear()
    index.touch("project.1")
    ended = mirror.run("-U")
    assert (ended.status, ended.stdout) == (0, "")
    assert ended.stderr.count("\n") == 1
    assert "and the tree is adopted" in ended.stderr
    assert [path for path in index.paths() if path.startswith("/files/")] == []
    assert mirror.tree() == before
    (aside,) = state_of(mirror).parent.glob("state.sqlite.damaged-*")
    assert damage is spoil_records or aside.read_bytes() == damaged
    mirror.update()


def test_of_damaged_states_the_last_three_are_kept(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    for _ in range(5):
        mirror.run("-U")
        spoil_all(state_of(mirror))
    assert mirror.run("-U").status == 0
    assert len(list(state_of(mirror).parent.glob("state.sqlite.damaged-*"))) == 3


def test_a_dry_run_leaves_a_damaged_state_where_it_is(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    spoil_all(state_of(mirror))
    ended = mirror.run("-U", "--dry-run")
    assert (ended.status, ended.stdout) == (1, "")
    assert "is damaged" in ended.stderr
    assert state_of(mirror).read_bytes() == b"garbage" * 1000


def test_a_deleted_state_costs_nothing_though_upstream_fails(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, size=0)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    state_of(mirror).unlink()
    index.fault("/simple/project-3/", faults.Status(500))
    assert mirror.run("-U").status == 3
    assert mirror.tree() == before


def test_temporary_files_of_old_are_swept(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    (mirror.root / ".pypimirror/new/1-1").write_bytes(b"left")
    mirror.update()
    assert mirror.temporary_files() == []


# -- power cuts ----------------------------------------------------------------------------------------


def cut_off(index: FakeIndex, mirror: Mirror, after: str) -> None:
    """Kill a run when a file is asked for; what came before it is in the tree."""
    running: list[subprocess.Popen[str]] = []

    def kill() -> None:
        running[0].kill()

    index.fault(after, faults.Call(kill), times=1)
    running.append(mirror.start("-U"))
    running[0].communicate()
    assert running[0].returncode == -9


@pytest.mark.parametrize("damage", ["zeros", "empty", "missing"])
def test_what_a_power_cut_damaged_is_mended(index: FakeIndex, make_mirror: MakeMirror, damage: str) -> None:
    fill(index, size=0)
    mirror = make_mirror(workers=1, package_matches="project-0")
    mirror.update()
    synced = set(mirror.tree())
    mirror.configure(workers=1)
    index.latency = 0.01
    cut_off(index, mirror, "/files/project-4/*-2.0.tar.gz")
    index.latency = 0
    fresh = [mirror.root / path for path in mirror.tree() if path not in synced]
    assert len(fresh) > 10
    for path in fresh:
        if damage == "missing":
            path.unlink()
        else:
            path.write_bytes(bytes(path.stat().st_size) if damage == "zeros" else b"")
    mirror.update()
    assert "did not come to its end (it was cut off)" in mirror.log
    assert mirror.check_links() == 36
    undisturbed = Mirror(mirror.folder / "undisturbed", index.url)
    undisturbed.update()
    assert contents(mirror) == contents(undisturbed)


def test_after_a_clean_end_nothing_is_read_again(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, size=0)
    mirror = make_mirror()
    mirror.update()
    path = mirror.root / "project-1/Project.1-1.0.tar.gz"
    path = path if path.exists() else next((mirror.root / "project-1").glob("*.tar.gz"))
    path.write_bytes(bytes(path.stat().st_size))
    mirror.update()
    assert "did not come to its end" not in mirror.log
    assert path.read_bytes() == bytes(path.stat().st_size), "that is what --verify=hash is for"


def test_only_what_came_since_the_last_sync_point_is_read_again(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, size=0)
    mirror = make_mirror(workers=1)
    mirror.update()
    old = next((mirror.root / "project-0").glob("*-1.0.tar.gz"))
    old.write_bytes(bytes(old.stat().st_size))
    index.add("project.0", "3.0")
    index.add("project.1", "3.0")
    cut_off(index, mirror, "/files/project-1/*-3.0.tar.gz")
    mirror.update()
    assert old.read_bytes() == bytes(old.stat().st_size)
    shutil.rmtree(mirror.root)
