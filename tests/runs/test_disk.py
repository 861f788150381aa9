"""Trouble with the machine: full and failing disks, missing rights, a damaged state."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.small_disks import SmallDisk, mounted, mounted_image
from tests.terminal import wait_for

MakeMirror = Callable[..., Mirror]

MIB = 1 << 20


def fill(index: FakeIndex, size: int = 20_000) -> None:
    for number in range(6):
        for version in ("1.0", "1.1", "2.0"):
            index.add(f"Project.{number}", version, extra_size=size)


# -- no space ------------------------------------------------------------------------------------


def test_a_disk_that_others_fill_during_a_big_download_stops_it(
    index: FakeIndex, small_disk: SmallDisk
) -> None:
    index.add_file("six", "six-1.tar.gz", bytes(8 * MIB))
    index.fault("/files/*", faults.HangBody(2 * MIB, 600))  # so that it does not end by itself
    mirror = Mirror(small_disk.path, index.url, min_free_space="5M", timeout=60)
    running = mirror.start("-U")
    wait_for(lambda: any(path.stat().st_size >= MIB for path in mirror.root.glob(".pypimirror/new/*")))
    (small_disk.path / "ballast").write_bytes(bytes(8 * MIB))
    running.communicate()
    assert running.returncode == 6
    mirror.check_links()


def test_what_may_go_makes_room(index: FakeIndex, small_disk: SmallDisk) -> None:
    for number in range(6):
        index.add_file("six", f"six-{number}.tar.gz", bytes(2 * MIB))
    mirror = Mirror(small_disk.path, index.url, min_free_space="5M")
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


def test_no_limit_is_no_limit(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(min_free_space="900T")
    assert mirror.run("-U").status == 6
    mirror.configure(min_free_space=0)
    mirror.update()


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
    assert mirror.contents() == undisturbed.contents()


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


def test_pages_leave_free_what_shall_stay_free(index: FakeIndex, small_disk: SmallDisk) -> None:
    index.add("six", "1.0")
    mirror = Mirror(small_disk.path, index.url, min_free_space="5M")
    mirror.update()
    before = mirror.page("six")
    index.files("six")[0].yanked = "x" * 900  # nothing comes but a longer page
    index.touch("six")
    small_disk.leave_free(5 * MIB - 100_000)
    ended = mirror.run("-U")
    assert ended.status == 6
    assert "min_free_space = 5 MiB shall stay free" in ended.stderr
    assert mirror.page("six") == before
    mirror.check_links(is_settled=False)
    small_disk.empty()
    mirror.update()
    assert mirror.page("six") != before


def test_a_page_that_gets_shorter_is_written_on_a_full_disk(index: FakeIndex, small_disk: SmallDisk) -> None:
    fill(index)
    mirror = Mirror(small_disk.path, index.url, min_free_space="5M", removal_grace_hours=0)
    mirror.update()
    for file in index.files("Project.1")[:2]:
        index.remove_file("Project.1", file.filename)
    small_disk.leave_free(5 * MIB - 10_000)
    assert mirror.run("-U").status in (0, 6)
    assert len(mirror.listed("Project.1")) == len(index.files("Project.1"))
    small_disk.empty()


def test_a_dry_run_tells_that_nothing_can_be_noted_on_a_full_disk(
    index: FakeIndex, small_disk: SmallDisk
) -> None:
    fill(index, 10)
    mirror = Mirror(small_disk.path, index.url)
    mirror.update()
    small_disk.leave_free(0)
    told = mirror.run("-U", "--dry-run").stdout
    assert mirror.run("-U").status == 6
    small_disk.empty()
    assert "in all: nothing to do" in told
    why = f"the disk of {mirror.root}/.pypimirror is full; make room"
    assert f"it would end with status 6: stopped: {why}" in told


@pytest.mark.parametrize("is_tree_full", [True, False])
def test_a_dry_run_looks_where_notes_go(
    index: FakeIndex, small_disk: SmallDisk, tmp_path: Path, *, is_tree_full: bool
) -> None:
    fill(index, 10)
    full, roomy = small_disk.path / "full", tmp_path / "roomy"
    mirror = Mirror(full if is_tree_full else roomy, index.url)
    mirror.configure(state_dir=(roomy if is_tree_full else full) / "state", log_filename=tmp_path / "log")
    assert mirror.run("-U").status == 0
    small_disk.leave_free(0)
    foreseen = mirror.run("-U", "--dry-run").status
    ended = mirror.run("-U").status
    small_disk.empty()
    assert foreseen == ended == (0 if is_tree_full else 6)


def test_a_dry_run_before_there_is_a_folder_for_the_state(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    fill(index, 10)
    mirror = make_mirror(state_dir=tmp_path / "a/b")
    assert mirror.run("-U", "--dry-run").status == 0
    assert not (tmp_path / "a").exists()


def test_root_may_take_what_a_disk_reserves(index: FakeIndex, tmp_path: Path) -> None:
    fill(index, 10)
    with mounted_image(tmp_path, size=8 * MIB, reserved=20) as disk:
        mirror = Mirror(disk.path / "mirror", index.url)
        mirror.run("-U")
        disk.leave_free(0)
        assert mirror.run("-U", "--dry-run").status == mirror.run("-U").status == 0


def test_a_disk_without_free_inodes_is_full(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    with mounted(tmp_path / "disk", "size=20m,nr_inodes=40") as disk:
        mirror = Mirror(disk.path, index.url)
        ended = mirror.run("-U")
        assert ended.status == 6, ended
        assert "no free inodes" in ended.stderr
        mirror.check_links(is_settled=False)
