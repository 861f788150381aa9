"""The command from the outside: statuses, usage, configuration errors, lock, log, signals."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from pypimirror import __version__
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, clean_environment

MakeMirror = Callable[..., Mirror]


def run(*arguments: str, cwd: Path | None = None) -> Ended:
    process = subprocess.run(
        arguments, capture_output=True, text=True, check=False, cwd=cwd, env=clean_environment(), timeout=60
    )
    return Ended(process.returncode, process.stdout, process.stderr)


# -- usage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [[str(COMMAND)], [sys.executable, "-m", "pypimirror"]])
def test_version_help_and_sample(start: list[str]) -> None:
    assert run(*start, "--version") == Ended(0, f"pypimirror {__version__}\n", "")
    help_text = run(*start, "--help")
    assert help_text.status == 0
    for flag in ("-U", "-I", "-i", "-v", "-c", "-f", "-e", "-x", "-d", "--project", "--sample-config"):
        assert f"{flag}" in help_text.stdout
    sample = run(*start, "--sample-config")
    top = Path(__file__).parents[2]
    assert sample == Ended(0, (top / "pypimirror.cfg.sample").read_text("utf-8"), "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "usage: pypimirror CONFIG MODE"),
        (["x.cfg"], "name a mode"),
        (["-U"], "CONFIG"),
        (["x.cfg", "-U", "-I"], "not allowed with"),
        (["x.cfg", "-U", "--frobnicate"], "unrecognized arguments"),
        (["x.cfg", "-i", "--project", "six"], "--indexes-only fetches nothing"),
        (["x.cfg", "-U"], "x.cfg: can't be read (No such file or directory)"),
    ],
)
def test_wrong_usage_is_status_2(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = run(str(COMMAND), *arguments, cwd=tmp_path)
    assert ended.status == 2
    assert message in ended.stdout + ended.stderr
    assert not list(tmp_path.iterdir())


def test_every_flag_of_the_ancestor_is_taken(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="six")
    log = mirror.folder / "other.log"
    assert mirror.run("-v", "-f", str(log), "-d", "3", "-U") == Ended(0, "", "")
    long_flags = [
        "--verbose",
        f"--log-filename={log}",
        "--fetch-since-days=3",
        "--initial-fetch",
    ]
    assert mirror.run(*long_flags) == Ended(0, "", "")
    assert "DEBUG" in log.read_text()
    assert not (mirror.root / ".pypimirror/pypimirror.log").exists()


def test_the_console_gets_a_copy_of_the_log(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    ended = mirror.run("-U", "-c")
    assert ended.status == 0
    assert ended.stderr == mirror.log
    assert "six: published, 2 files came in" in ended.stderr


# -- configuration -----------------------------------------------------------------------------


def test_every_problem_of_a_configuration_is_told_at_once_and_nothing_is_touched(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(workers="many", clean_up=True, timeout=-1, package_matches="six zope/interface")
    ended = mirror.run("-U")
    assert ended.status == 2
    for told in (
        "workers = many: not a whole number from 1 to 256",
        "clean_up: unknown option; did you mean cleanup?",
        "timeout = -1: not a number of seconds",
        "'zope/interface' is not a project's name",
    ):
        assert told in ended.stderr
    assert not mirror.root.exists()
    assert not index.requests


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("photos/2024/img.jpg", "'photos/2024' lies deeper than <project>/<file>"),
        ("notes/todo.txt", "'notes' is not laid out as <project>/<file>"),
        ("Zope.Interface/deeper/x.tar.gz", "'Zope.Interface/deeper' lies deeper than <project>/<file>"),
    ],
)
def test_a_folder_that_is_no_mirror_is_refused(
    index: FakeIndex, make_mirror: MakeMirror, inside: str, told: str
) -> None:
    mirror = make_mirror()
    path = mirror.root / inside
    path.parent.mkdir(parents=True)
    path.touch()
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"its folder {told}" in ended.stderr
    assert not (mirror.root / ".pypimirror").exists()


def test_loose_files_and_dot_entries_are_no_reason_to_refuse(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    for folder in ("lost+found", ".snapshots/daily", "attrs", "pytz"):
        (mirror.root / folder).mkdir(parents=True)
    (mirror.root / "pytz/pytz-2024.1.tar.gz").touch()
    (mirror.root / "robots.txt").touch()
    mirror.update()
    assert mirror.check_links() == 2


@pytest.mark.parametrize("root", ["/", "~", "/root", "~/"])
def test_the_root_and_homes_are_refused(index: FakeIndex, tmp_path: Path, root: str) -> None:
    config = tmp_path / "x.cfg"
    config.write_text(
        f"[DEFAULT]\nmirror_file_path = {root}\npackage_matches = six\nindex_url = {index.url}\n"
    )
    ended = run(str(COMMAND), str(config), "-U")
    assert ended.status == 2
    assert "it is the root of the file system" in ended.stderr or "it is a home directory" in ended.stderr
    assert not index.requests


# -- statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["log_filename", "lock_file_name"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("/no/such/folder/x", "its folder does not exist; make it, or name another"),
        ("/", "it is a folder; name a file"),
    ],
)
def test_a_log_or_lock_that_can_not_be_is_told_before_anything_is_touched(
    index: FakeIndex, make_mirror: MakeMirror, option: str, value: str, message: str
) -> None:
    mirror = make_mirror(**{option: value})
    ended = mirror.run("-U")
    problem = f"[DEFAULT] {option} = {value}: {message}"
    assert ended == Ended(2, "", f"pypimirror: {mirror.config}: {problem}\n")
    assert not mirror.root.exists()


def test_a_file_in_the_place_of_the_private_folder_is_status_1(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror()
    mirror.root.mkdir()
    (mirror.root / ".pypimirror").touch()
    ended = mirror.run("-U")
    assert (ended.status, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.Status(500), "answers 500"),
        (faults.Status(404), "answers 404"),
        (faults.Drop(), "without response"),
        (faults.Cut(30), "broke off"),
        (faults.Body(b"<html><body>Please log in</body></html>", "text/html"), "HTML without"),
        (
            faults.Body(
                b'{"meta":{"api-version":"1.0"},"projects":[]}', "application/vnd.pypi.simple.v1+json"
            ),
            "no project",
        ),
        (
            faults.Body(b'{"meta":{"api-', "application/vnd.pypi.simple.v1+json"),
            "the project list is cut off",
        ),
        (faults.Body(b"{}", "application/json"), "application/json is not a type"),
        (faults.Redirect("/simple/"), "redirects"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else None,
)
def test_a_list_that_can_not_be_had_is_status_4_and_changes_nothing(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault, message: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    index.add("six", "2.0")
    index.fault("/simple/", fault)
    ended = mirror.run("-U")
    assert (ended.status, ended.stdout) == (4, "")
    assert message in ended.stderr
    assert "nothing was changed" in ended.stderr
    assert mirror.tree() == before
    assert mirror.run("-U") == Ended(4, "", ""), "told once a day"
    index.clear_faults()
    mirror.update()
    index.touch("six")
    index.fault("/simple/", fault)
    assert mirror.run("-U").stderr, "told again, as it was well in between"


def test_an_upstream_that_is_down_is_status_4(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    index.stop()
    ended = mirror.run("-U")
    assert ended.status == 4
    assert os.strerror(errno.ECONNREFUSED) in ended.stderr


def test_literal_names_of_which_no_page_can_be_had_are_status_4(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="six attrs")
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "not one project of 2 could be had (is index_url right?); the first: " in ended.stderr
    assert not mirror.tree()


def test_a_literal_name_that_was_never_held_and_is_not_there_is_told(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="six attrz")
    assert mirror.run("-U").status == 3
    assert "WARNING attrz: upstream has no such project" in mirror.log
    assert mirror.projects() == ["six"]


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(500),
        faults.Body(b"not json", "application/vnd.pypi.simple.v1+json"),
        faults.Body(b"<html>cut", "text/html"),
        faults.Drop(),
        faults.Hang(5),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_one_broken_project_holds_back_no_other_and_keeps_its_last_good_state(
    index: FakeIndex, make_mirror: MakeMirror, fault: faults.Fault
) -> None:
    for name in ("attrs", "six", "zope.event"):
        index.add(name, "1.0")
    mirror = make_mirror(timeout=1)
    mirror.update()
    for name in ("attrs", "six", "zope.event"):
        index.add(name, "2.0")
    index.fault("/simple/six/", fault)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "1 project is not up to date, all others are" in ended.stderr
    assert "\n  six: " in ended.stderr
    assert [len(mirror.listed(name)) for name in ("attrs", "six", "zope-event")] == [4, 2, 4]
    index.clear_faults()
    mirror.update()
    assert mirror.check_links() == 12


def test_a_held_file_that_upstream_lists_with_other_bytes_is_refused_and_reported(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    _, sdist = index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    index.add_file("six", sdist.filename, b"something else")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"six/{sdist.filename}: refused: upstream's page now says sha256" in ended.stderr
    assert mirror.tree() == before


# -- lock --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", [".pypimirror/lock", "my.lock"])
def test_a_run_that_finds_the_lock_held_is_silent_status_5(
    index: FakeIndex, make_mirror: MakeMirror, lock: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(lock_file_name="my.lock")
    mirror.update()
    index.clear()
    yesterday = time.time() - 86_400
    os.utime(mirror.root / ".pypimirror/pypimirror.log", (yesterday, yesterday))
    with FileLock(mirror.root / lock):
        assert mirror.run("-U") == Ended(5, "", "")
        assert mirror.run("-i") == Ended(5, "", "")
    assert not index.requests
    assert "another run holds the lock" in mirror.log
    assert [path.name for path in (mirror.root / ".pypimirror").glob("*.log*")] == ["pypimirror.log"]
    mirror.update()
    assert len(list((mirror.root / ".pypimirror").glob("*.log*"))) == 2, "its date is still yesterday's"


def test_two_configurations_can_not_write_one_tree_at_once(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(lock_file_name=".one")
    index.fault("/simple/", faults.Hang(10), times=1)
    first = mirror.start("-U")
    _wait_for(lambda: bool(index.requests))
    mirror.configure(lock_file_name=".two")
    assert mirror.run("-U") == Ended(5, "", "")
    first.kill()
    first.communicate()
    mirror.update()


def test_the_lock_is_held_before_the_first_request_and_dies_with_its_process(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    locked = threading.Event()

    def look() -> None:
        if mirror.run("-i").status == 5:
            locked.set()

    index.fault("/simple/", faults.Call(look), times=1)
    mirror.update()
    assert locked.is_set()


# -- log ---------------------------------------------------------------------------------------


def test_the_log_is_rotated_by_its_own_date_and_14_are_kept(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    log = mirror.root / ".pypimirror/pypimirror.log"
    for days in range(1, 20):
        name = f"pypimirror.log.{datetime.now().astimezone() - timedelta(days=days + 1):%Y-%m-%d}"
        log.with_name(name).touch()
    yesterday = datetime.now().astimezone() - timedelta(days=1)
    os.utime(log, (yesterday.timestamp(), yesterday.timestamp()))
    old = log.read_text()
    mirror.update()
    assert log.with_name(f"pypimirror.log.{yesterday:%Y-%m-%d}").read_text() == old
    assert len(list(log.parent.glob("pypimirror.log.*"))) == 14
    mirror.update()
    assert log.read_text().count("begins") == 2


# -- signals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["SIGTERM", "SIGINT"]
)
@pytest.mark.parametrize("path", ["/simple/", "/simple/six/", "/files/six/six-1.0.tar.gz"])
def test_signals_end_a_run_within_seconds(
    index: FakeIndex, make_mirror: MakeMirror, signum: signal.Signals, status: int, path: str
) -> None:
    index.add("six", "1.0")
    index.add("attrs", "1.0")
    index.fault(path, faults.HangBody(20, 60))
    mirror = make_mirror(timeout=60)
    process = mirror.start("-U")
    _wait_for(lambda: path in index.paths())
    time.sleep(0.3)
    process.send_signal(signum)
    stdout, stderr = process.communicate(timeout=20)
    assert (process.returncode, stdout, stderr) == (status, "", "")
    assert not mirror.temporary_files()
    assert "interrupted by a signal" in mirror.log
    index.clear_faults()
    mirror.update()
    assert mirror.check_links() == 4


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_mend(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for number in range(5):
        index.add(f"project-{number}", "1.0")
    index.fault("/files/project-3/*.tar.gz", faults.HangBody(20, 60), times=1)
    mirror = make_mirror(timeout=60)
    process = mirror.start("-U")
    _wait_for(lambda: any(path.startswith("/files/project-3/") for path in index.paths()))
    time.sleep(0.3)
    process.kill()
    process.communicate()
    assert mirror.temporary_files()
    mirror.update()
    assert mirror.check_links() == 10
    assert "left by a run that was killed" in mirror.log


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
