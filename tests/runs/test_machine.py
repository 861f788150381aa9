"""A full disk, a limit on what has to stay free, and other trouble of the machine."""

import ctypes
import errno
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import faults, small_disks
from tests.external import patched
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror, is_over
from tests.rights import give_up_rights
from tests.runs.test_kills import children_of, is_alive, wait_until
from tests.runs.test_transfers import wait_for_bytes
from tests.small_disks import SmallDisk
from tests.stepper import Stepper

KB, MB = 1 << 10, 1 << 20


def fill(index: FakeIndex) -> None:
    for number in range(5):
        for version in ("1.0", "1.1"):
            index.add(f"project-{number}", version, extra_size=20 * KB)


def add_more(index: FakeIndex) -> None:
    index.add("project-1", "2.0", extra_size=50 * KB)
    index.add("project-9", "1.0", extra_size=50 * KB)


@pytest.fixture
def undisturbed(index: FakeIndex, tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "undisturbed", index.url)


def check_full(mirror: Mirror, ended: Ended) -> None:
    """Check that a run ended with status 6, in a few clear words, and left a tree that can be served."""
    assert (ended.status, ended.stdout) == (6, ""), ended
    assert "make room" in ended.stderr or "the disk is full" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) <= 2, ended.stderr
    mirror.check_links(is_settled=False)


def check_recovered(mirror: Mirror, undisturbed: Mirror) -> None:
    assert is_over(mirror.run("-U"))
    mirror.check_links()
    undisturbed.update()
    assert mirror.contents() == undisturbed.contents()


# -- a full disk ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        *(f"size={size}k" for size in (8, 40, 180)),
        *(f"size=16m,nr_inodes={number}" for number in (4, 6, 8, 12)),
    ],
)
def test_a_first_sync_onto_a_disk_that_is_too_small(
    index: FakeIndex, undisturbed: Mirror, tmp_path: Path, options: str
) -> None:
    fill(index)
    mirror = Mirror(tmp_path / "small", index.url)
    with small_disks.mounted(mirror.root, options) as disk:
        check_full(mirror, mirror.run("-U"))
        again = mirror.run("-U")
        assert again.status == 6
        assert "Traceback" not in again.stderr
        mirror.check_links(is_settled=False)
        disk.remount("size=64m,nr_inodes=10k")
        check_recovered(mirror, undisturbed)


@pytest.mark.parametrize("free", [0, 4 * KB, 16 * KB, 40 * KB, 80 * KB, 150 * KB])
def test_an_update_onto_a_disk_that_is_nearly_full(
    index: FakeIndex, undisturbed: Mirror, tmp_path: Path, free: int
) -> None:
    fill(index)
    mirror = Mirror(tmp_path / "small", index.url)
    with small_disks.mounted(mirror.root, "size=16m") as disk:
        mirror.update()
        add_more(index)
        disk.leave_free(free)
        check_full(mirror, mirror.run("-U"))
        disk.empty()
        check_recovered(mirror, undisturbed)


def test_a_full_disk_of_the_log_or_of_the_state_is_status_6_too(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    mirror = Mirror(tmp_path / "large", index.url)
    mirror.update()
    for number, option in enumerate(("log_filename = {}/log", "state_dir = {}")):
        with small_disks.mounted(tmp_path / f"small{number}", "size=1m") as disk:
            name, _, place = option.format(disk.path).partition(" = ")
            mirror.configure(**{name: place})
            if name == "state_dir":
                shutil.copy(mirror.root / ".pypimirror/state.sqlite", disk.path)
            add_more(index)
            disk.leave_free(0)
            check_full(mirror, mirror.run("-U"))
            disk.empty()
            mirror.update()
            assert mirror.check_links()
        mirror.configure()


def test_standard_error_on_a_full_disk_changes_no_status(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    mirror = Mirror(tmp_path / "small", index.url)
    with small_disks.mounted(mirror.root, "size=200k"), Path("/dev/full").open("w") as full:
        descriptor = full.fileno()
        ended = mirror.run("-U", before=lambda: os.dup2(descriptor, 2))
        assert (ended.status, ended.stderr) == (6, "")


# -- min_free_space --------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disks.mounted(tmp_path / "limited/mirror", "size=32m") as disk:
        # What is too big for what is left would fit an empty disk.
        (disk.path / ".pypimirror").mkdir(mode=0o700)
        (disk.path / ".pypimirror/ballast").write_bytes(bytes(16 * MB))
        yield disk


@pytest.fixture
def limited(index: FakeIndex, tmp_path: Path, disk: SmallDisk) -> Mirror:
    return Mirror(tmp_path / "limited", index.url, min_free_space="8M")


def downloads(index: FakeIndex) -> list[str]:
    return [path.rpartition("/")[2] for path in index.paths() if path.startswith("/files/")]


def test_a_file_that_goes_below_min_free_space_is_not_begun_and_what_came_is_published(
    index: FakeIndex, undisturbed: Mirror, limited: Mirror
) -> None:
    fill(index)
    index.add("too-big", "1.0", extra_size=9 * MB, wheel=False)
    limited.configure(min_free_space="8M", workers=1)  # so that pages come in the list's order
    ended = limited.run("-U")
    check_full(limited, ended)
    assert "7 MiB are free" not in ended.stderr, "nothing was stored in vain"
    assert "9 MiB more were to come" in ended.stderr
    assert "min_free_space = 8 MiB shall stay free" in ended.stderr
    assert "too-big-1.0.tar.gz" not in downloads(index)
    assert 0 < limited.check_links() <= 20
    assert limited.projects() == [*(f"project-{n}" for n in range(5)), "too-big"]
    index.clear()
    assert limited.run("-U") == Ended(6, "", ""), "told once a day"
    assert "too-big-1.0.tar.gz" not in downloads(index)
    limited.configure(min_free_space="1M")
    check_recovered(limited, undisturbed)
    limited.configure(min_free_space="15M")
    limited.update()
    assert "min_free_space" in limited.log


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (faults.Drip(MB // 2, 0.1), "9 MiB more were to come"),
        (faults.DripUnsized(MB // 2, 0.1), "only 7 MiB are free"),
    ],
    ids=["told by the answer", "not told at all"],
)
def test_sizes_that_the_page_does_not_tell(
    index: FakeIndex, limited: Mirror, fault: faults.Fault, reason: str
) -> None:
    index.formats = ("html",)
    index.add("small", "1.0")
    index.add("too-big", "1.0", extra_size=9 * MB, wheel=False)
    index.fault("/simple/too-big/", faults.Hang(1))  # when the disk is full, nothing more is begun
    index.fault("/files/too-big/*", fault)
    ended = limited.run("-U")
    check_full(limited, ended)
    assert reason in ended.stderr
    assert limited.check_links() == 2
    assert limited.tree().keys() >= {"small/index.html", "too-big/index.html"}


def test_files_on_their_way_in_count_together(index: FakeIndex, limited: Mirror) -> None:
    for number in range(4):
        index.add(f"project-{number}", "1.0", wheel=False, extra_size=3 * MB)
    index.fault("/files/*", faults.HangBody(1000, 1.5))
    check_full(limited, limited.run("-U"))
    assert len(downloads(index)) == 2, "a third one would not fit beside these"


def test_what_is_there_already_takes_no_more_space(index: FakeIndex, limited: Mirror) -> None:
    (sdist,) = index.add("Large", "1.0", wheel=False, extra_size=7 * MB, raw_name="Large")
    folder = limited.root / "Large"
    folder.mkdir()
    (folder / sdist.filename).write_bytes(sdist.content)
    limited.update()
    assert not downloads(index)
    assert limited.listed("large") == {sdist.filename}


# -- the rest of the machine ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "status", "advice"),
    [
        (errno.ENOSPC, 6, "make room"),
        (errno.EDQUOT, 6, "make room"),
        (errno.EROFS, 1, "mount its file system for writing"),
        (errno.EMFILE, 1, "allow more open files"),
        (errno.EIO, 1, "look at the system's log"),
    ],
    ids=lambda value: errno.errorcode.get(value) if isinstance(value, int) and value > 6 else None,
)
def test_what_the_system_says_at_a_step_decides_the_status(
    *,
    index: FakeIndex,
    undisturbed: Mirror,
    tmp_path: Path,
    stepper: Stepper,
    number: int,
    status: int,
    advice: str,
) -> None:
    fill(index)
    for step in range(1, 80, 13):
        mirror = Mirror(tmp_path / f"mirror-{step}", index.url, workers=1)
        ended = stepper.run(mirror.config, "-U", fail_at=step, number=number)
        assert ended.status == status, (step, ended)
        assert os.strerror(number) in ended.stderr
        assert advice in ended.stderr
        assert "Traceback" not in ended.stderr
        mirror.check_links(is_settled=False)
    check_recovered(mirror, undisturbed)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "prctl"), reason="Linux alone has these capabilities")
@pytest.mark.parametrize(
    ("place", "mode"),
    [
        ("", 0o555),
        (".pypimirror", 0o555),
        (".pypimirror/new", 0o555),
        (".pypimirror/state.sqlite", 0o444),
        (".pypimirror/lock", 0o000),
        (".pypimirror/pypimirror.log", 0o444),
    ],
)
def test_a_place_that_can_not_be_written_to(
    index: FakeIndex, tmp_path: Path, undisturbed: Mirror, place: str, mode: int
) -> None:
    fill(index)
    mirror = Mirror(tmp_path / "closed", index.url)
    mirror.update()
    add_more(index)
    path = mirror.root / place
    open_mode = path.stat().st_mode & 0o777
    path.chmod(mode)
    ended = mirror.run("-U", before=give_up_rights)
    path.chmod(open_mode)
    if place.endswith(".log"):
        check_error(
            ended, "can't be written to (Permission denied); let the user who runs pypimirror write to it"
        )
        assert "log_filename" in ended.stderr
    else:
        check_error(ended, "Permission denied; run pypimirror as the user who owns the mirror")
    mirror.check_links(is_settled=False)
    check_recovered(mirror, undisturbed)


@pytest.mark.parametrize("limit", [10, 12, 14, 18, 24])
def test_too_few_files_may_be_open(index: FakeIndex, tmp_path: Path, undisturbed: Mirror, limit: int) -> None:
    fill(index)
    index.latency = 0.1
    mirror = Mirror(tmp_path / "poor", index.url, workers=32)
    ended = mirror.run("-U", before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    check_error(ended, "allow more open files")
    index.latency = 0
    mirror.check_links(is_settled=False)
    check_recovered(mirror, undisturbed)


def check_error(ended: Ended, message: str) -> None:
    assert (ended.status, ended.stdout) == (1, ""), ended
    assert message in ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


# -- memory --------------------------------------------------------------------------------------


LACK = "there is too little memory: set fewer workers"
RAISES = """
from pypimirror import download
from pypimirror.state import damage
from pypimirror.sync import record, tasks
def lack(*_arguments, **_options): raise MemoryError
"""


@pytest.mark.parametrize("place", ["tasks.parse_project_page", "download.core_metadata", "tasks._pack"])
def test_too_little_memory_for_one_task_costs_that_task(index: FakeIndex, tmp_path: Path, place: str) -> None:
    index.add("good", "1.0")
    mirror = Mirror(tmp_path, index.url)
    ended = patched(mirror, f"{RAISES}{place} = lack", "-U")
    assert ended.status == 3
    assert LACK in ended.stderr
    assert "a bug" not in ended.stderr + mirror.log
    mirror.check_links()
    mirror.update()
    assert mirror.check_links() == 2


@pytest.mark.parametrize("is_state_read", [False, True])
def test_too_little_memory_for_the_run_ends_it_and_loses_nothing(
    index: FakeIndex, tmp_path: Path, is_state_read: bool
) -> None:
    index.add("good", "1.0")
    mirror = Mirror(tmp_path, index.url)
    mirror.update()
    before = mirror.tree()
    index.add("good", "2.0")
    index.add("more", "1.0")
    code = f"{RAISES}record.listed = lack"
    if is_state_read:  # as it is where a state may be what is wrong
        code += "; damage._BLOBS = dict.fromkeys(damage._BLOBS, lack)"
    ended = patched(mirror, code, "-U")
    assert ended.status == 1
    assert ended.stderr.startswith(f"pypimirror: {LACK}")
    assert "a bug" not in ended.stderr + mirror.log
    assert "damaged" not in ended.stderr + mirror.log
    assert LACK in mirror.run("--status").stdout
    assert before.keys() <= mirror.tree().keys()
    mirror.update()
    assert mirror.check_links() == 6


def test_a_worker_that_the_system_ended_may_have_had_too_much_memory(
    index: FakeIndex, tmp_path: Path
) -> None:
    index.add("good", "1.0")
    mirror = Mirror(tmp_path, index.url)
    code = f"{RAISES}import os; tasks.parse_project_page = lambda *_a, **_o: os.kill(os.getpid(), 9)"
    ended = patched(mirror, code, "-U")
    assert ended.status == 3
    told = (
        "a process that downloads was ended by signal 9, as the system does where memory is short: set fewer"
    )
    assert told in ended.stderr
    mirror.update()


def test_what_was_kept_of_a_file_needs_no_more_room_after_a_kill(index: FakeIndex, tmp_path: Path) -> None:
    content = os.urandom(6 * MB)
    index.add_file("six", "six-1.0.tar.gz", content)
    path = "/files/six/six-1.0.tar.gz"
    index.fault(path, faults.Cut(4 * MB), times=1)
    index.fault(path, faults.HangBody(MB, 60), times=1)
    with small_disks.mounted(tmp_path / "disk", "size=10m") as disk:
        mirror = Mirror(disk.path / "mirror", index.url, workers=1)
        assert mirror.run("-U").status == 3
        running = mirror.start("-U")
        wait_for_bytes(mirror, 5 * MB)
        workers = children_of(running.pid)
        running.kill()
        running.communicate()
        wait_until(lambda: not any(map(is_alive, workers)))
        disk.leave_free(2 * MB)
        assert is_over(mirror.run("-U"))
        assert [each.range for each in index.requests if each.path == path][-1] == f"bytes={5 * MB}-"
        assert (mirror.root / "six/six-1.0.tar.gz").read_bytes() == content
