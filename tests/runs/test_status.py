"""--status: how the mirror is, without a lock, and how each run ended."""

import contextlib
import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from pypimirror.model import NormalizedName
from pypimirror.state import State
from pypimirror.state.reading import Reading
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.terminal import wait_for

MakeMirror = Callable[..., Mirror]


def status(mirror: Mirror, expected: int) -> dict[str, Any]:
    """Return what --status tells machines, once it also tells people, and writes nothing."""
    before = {path: path.stat().st_mtime_ns for path in mirror.root.rglob("*")}
    text = mirror.run("--status")
    assert (text.status, text.stderr) == (expected, "")
    told = mirror.run("--status", "--json")
    assert (told.status, told.stderr) == (expected, "")
    assert {path: path.stat().st_mtime_ns for path in mirror.root.rglob("*")} == before
    found: dict[str, Any] = json.loads(told.stdout)
    for reason in found["reasons"]:
        assert f"why        {reason}\n" in text.stdout
    assert f"projects   {found['projects']}\n" in text.stdout
    return found


def runs(mirror: Mirror) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        state.row_factory = sqlite3.Row
        return [dict(row) for row in state.execute("SELECT * FROM runs ORDER BY id")]


def test_a_good_mirror(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    index.add("attrs", "1.0", wheel=False)
    mirror = make_mirror()
    mirror.update()
    found = status(mirror, 0)
    size = sum(len(file.content) for name in ("six", "attrs") for file in index.files(name))
    assert (found["is_complete"], found["is_good"], found["reasons"]) == (True, True, [])
    assert (found["projects"], found["files"], found["bytes"]) == (2, 3, size)
    assert found["last_run"] == found["last_good_run"]
    assert found["last_run"]["stored"] == 3
    assert found["last_run"]["bytes"] == size
    assert found["last_run"]["requests"] == len(index.requests)
    assert 0 <= found["last_good_age_hours"] < 0.1
    assert found["disk_free"] > 0
    assert (found["failing_count"], found["pending_count"], found["grace_files"]) == (0, 0, 0)


def test_before_the_first_run(make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    ended = mirror.run("--status")
    assert ended.status == 3
    assert "there is no state yet" in ended.stdout
    assert not mirror.root.exists()


def test_an_old_run_is_not_good(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    mirror.age(hours=25)
    found = status(mirror, 3)
    assert found["reasons"] == ["the last good run is older than 24 hours"]
    assert found["is_complete"]
    mirror.configure(status_max_age_hours=26)
    status(mirror, 0)


def test_what_fails_waits_and_goes(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("attrs", "six", "zope.event", "mock"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    index.touch("six")
    index.fault("/simple/six/", faults.Status(500))
    index.touch("attrs")
    index.fault("/simple/attrs/", faults.Status(404))
    index.add("mock", "2.0")
    index.fault("/files/mock/mock-2.0.tar.gz", faults.Status(500))
    index.remove_file("zope.event", index.files("zope.event")[0].filename)
    assert mirror.run("-U").status == 3
    mirror.age(hours=2)
    found = status(mirror, 3)
    assert not found["is_complete"]
    assert found["failing_count"] == 2
    assert {(each["project"], each["filename"]) for each in found["failing"]} == {
        ("six", None),
        ("mock", "mock-2.0.tar.gz"),
    }
    for each in found["failing"]:
        assert time.time() - each["since"] > 7200
        assert "answers 500" in each["reason"]
    assert [each["project"] for each in found["pending"]] == ["attrs"]
    assert found["grace_files"] == 1
    assert found["grace_bytes"] > 0
    assert 21 * 3600 < found["grace_ends"] - time.time() < 22 * 3600
    assert "the last run ended with status 3" in found["reasons"]
    assert found["last_good_run"]["status"] == 0


def test_refused_removals_are_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(8):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    for number in range(4):
        index.remove(f"project-{number}")
    assert mirror.run("-U").status == 7
    found = status(mirror, 3)
    assert "removals wait for --allow-removals" in found["reasons"]
    assert found["vanished_projects"] == 4


def test_it_needs_no_lock_and_works_while_a_run_does(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert mirror.run("--status").status == 0
    index.add("six", "2.0")
    index.fault("/files/six/*", faults.Hang(600))
    running = mirror.start("-U")
    wait_for(lambda: any("six-2.0" in path for path in index.downloads()))
    ended = mirror.run("--status")
    assert ended.status == 0
    assert "and goes on or was killed" in ended.stdout
    running.kill()
    running.communicate()
    assert mirror.run("--status").status == 0, "the last run that ended was good"


def test_a_state_that_can_not_be_read_is_status_1(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    state = mirror.root / ".pypimirror/state.sqlite"
    with contextlib.closing(sqlite3.connect(state)) as opened:
        opened.execute("PRAGMA user_version = 99")
    assert "has format 99" in (ended := mirror.run("--status")).stderr
    assert ended.status == 1
    state.write_bytes(b"garbage" * 1000)
    assert "is damaged" in (ended := mirror.run("--status")).stderr
    assert ended.status == 1
    assert state.read_bytes() == b"garbage" * 1000


def test_each_run_is_kept_with_how_it_ended(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="six*")
    mirror.update()
    index.add("six", "2.0")
    index.fault("/files/six/six-2.0.tar.gz", faults.Status(500), times=1)
    mirror.run("-U")
    index.fault("/simple/", faults.Status(500), times=1)
    mirror.run("-U")
    mirror.run("-i")
    index.add("six", "3.0")
    index.fault("/files/six/*", faults.Hang(9))
    running = mirror.start("-U")
    wait_for(lambda: any("six-3.0" in path for path in index.downloads()))
    running.send_signal(signal.SIGTERM)
    running.communicate()
    kept = runs(mirror)
    assert [(run["mode"], run["status"]) for run in kept] == [
        ("update-fetch", 0),
        ("update-fetch", 3),
        ("update-fetch", 4),
        ("indexes-only", 3),
        ("update-fetch", 143),
    ]
    assert all(run["started"] < run["ended"] for run in kept)
    assert [run["failed"] for run in kept[:3]] == [0, 1, 0]
    assert "answers 500" in json.loads(kept[1]["failures"])[0]
    assert "interrupted" in kept[4]["summary"]


def test_the_last_thousand_runs_are_kept(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        state.executemany("INSERT INTO runs (mode, started) VALUES ('update-fetch', ?)", [(1,)] * 1500)
    mirror.update()
    kept = runs(mirror)
    assert len(kept) == 1000
    assert kept[-1]["status"] == 0


def test_no_query_reads_a_big_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.sqlite"
    state = State.open(path)
    for number in range(20_000):
        state.projects.record_page(NormalizedName(f"project-{number}"), f"project-{number}", None, None)
    state.close()
    state = State.open(path)
    state.projects.record_error(NormalizedName("bad"), "bad", "broken", 1.0)
    state.close()
    with contextlib.closing(Reading.open_read_only(path)) as reading:
        steps = 0

        def count() -> None:
            nonlocal steps
            steps += 1

        reading._db.set_progress_handler(count, 100)
        assert reading.total("listed").number == 20_000
        assert reading.failing(50)[1] == 1
        assert reading.waiting(50) == ([], 0)
        assert reading.vanished() == (0, 0)
        assert reading.in_grace()[1] is None
        assert reading.last_good_run() is None
        assert steps < 20, "in hundreds of SQLite's instructions"


def test_one_thing_is_told_in_the_singular(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0", sdist=False)
    mirror = make_mirror(package_matches="six")
    mirror.update()
    (mirror.root / "six/six-1.0-py3-none-any.whl").unlink()
    said = [
        mirror.run(*mode).stdout for mode in (["--verify"], ["--check"], ["--check-config"], ["--status"])
    ]
    mirror.configure(package_matches="six", filename_matches="*.whel")
    said += [mirror.run("-U", "--allow-removals").stderr, mirror.run("--verify", "--repair").stdout]
    assert "verified 1 file of 1 project: 1 wrong" in said[0]
    assert "of 1 project no file is selected" in "".join(said)
    assert not re.search(r"\b1 (files|projects|pages|hours)\b", "".join(said)), said


def test_the_quiet_hear_of_trouble_alone_and_programs_get_their_json(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", requires_dist=["nothere"])
    mirror = make_mirror(package_matches="six")
    mirror.update()
    assert mirror.run("--status", "-q").stdout == ""
    assert json.loads(mirror.run("--status", "-q", "--json").stdout)["is_good"]
    assert mirror.run("--check-config", "-q").stdout == ""
    assert "nothere" in mirror.run("--check", "-q").stdout
    mirror.configure(package_matches="zope six", package_excludes="zope")
    assert mirror.run("--check-config", "-q").stdout.startswith("warning: package_matches: zope is")
    index.add("six", "1.0")
    mirror.configure(package_matches="attrs")
    index.add("attrs", "1.0")
    mirror.run("-U", "--allow-removals")
    assert mirror.run("--check", "-q").stdout == ""
    assert mirror.run("--check").stdout != ""


@pytest.mark.parametrize("is_expected", [True, False])
@pytest.mark.parametrize("mode", ["--status", "--status --json", "--status -q", "--check", "--why six"])
def test_nobody_is_told_of_a_tree_that_is_not_there(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, mode: str, *, is_expected: bool
) -> None:
    """Where the state lies elsewhere, it knows of files on a disk that is not mounted."""
    index.add("six", "1.0")
    mirror = make_mirror(state_dir="state")
    mirror.update()
    mirror.configure(state_dir="state", expect_mirror=is_expected)
    mirror.root.rename(tmp_path / "disk")
    for _ in range(2):
        ended = mirror.run(*mode.split())
        assert (ended.status, ended.stdout) == (1, "")
        assert f"belongs to another tree than {mirror.root} (is its disk mounted?)" in ended.stderr
        (mirror.root / "lost+found").mkdir(parents=True, exist_ok=True)


def test_one_that_fails_and_one_that_waits_are_told_in_the_singular(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", sdist=False)
    mirror = make_mirror(status_page=True)
    mirror.update()
    index.fault("/simple/six/", faults.Status(500))
    index.touch("six")
    assert mirror.run("-U").status == 3
    told = mirror.run("--status").stdout + (mirror.root / "status.html").read_text("utf-8")
    assert "1 project or file is failing" in told
    index.clear_faults()
    index.add("six", "2.0", sdist=False)
    told += mirror.run("-U", "--dry-run").stdout + mirror.run("--why", "six").stdout
    assert not re.search(r"\b1 (files|projects|pages|hours|versions|bytes|releases)\b", told), told
