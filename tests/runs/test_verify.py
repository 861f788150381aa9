"""--verify and --repair: the tree against the state."""

import contextlib
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]

WHEEL, SDIST = "six-1.0-py3-none-any.whl", "six-1.0.tar.gz"


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    for name in ("attrs", "six", "Zope.Event"):
        index.add(name, "1.0")
    made = make_mirror()
    made.update()
    index.clear()
    return made


def findings(mirror: Mirror, *arguments: str, status: int) -> list[str]:
    """Return the findings; a look writes nothing that is served."""
    before = mirror.tree()
    ended = mirror.run(*(arguments or ("--verify",)))
    assert (ended.status, ended.stderr) == (status, ""), ended
    *found, last = ended.stdout.splitlines()
    assert last.startswith("verified ")
    assert "--repair" in arguments or mirror.tree() == before
    return found


def spoil(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def test_a_whole_tree(index: FakeIndex, mirror: Mirror) -> None:
    ended = mirror.run("--verify")
    assert ended == Ended(0, "verified 6 files of 3 projects: 0 wrong, 0 foreign\n", "")
    assert mirror.run("--verify=hash") == ended
    assert index.paths() == []


def test_what_is_missing_cut_or_changed_is_found(mirror: Mirror) -> None:
    six = mirror.root / "six"
    (six / WHEEL).unlink()
    (six / SDIST).write_bytes(b"cut")
    (mirror.root / "attrs/index.html").write_text("<html>")
    (mirror.root / "index.v1_json").unlink()
    (mirror.root / "zope-event/zope_event-1.0-py3-none-any.whl.metadata").unlink()
    assert findings(mirror, status=3) == [
        "page attrs/index.html",
        f"missing six/{WHEEL}",
        f"damaged six/{SDIST}",
        "missing zope-event/zope_event-1.0-py3-none-any.whl.metadata",
        "page index.v1_json",
    ]


def test_links_in_a_circle_hide_nothing(mirror: Mirror) -> None:
    metadata = mirror.root / f"six/{WHEEL}.metadata"
    metadata.unlink()
    metadata.symlink_to(metadata.name)
    page = mirror.root / "zope-event/index.html"
    page.unlink()
    page.symlink_to(page.name)
    assert findings(mirror, status=3) == [f"missing six/{WHEEL}.metadata", "page zope-event/index.html"]


def test_a_page_of_the_same_size_is_found(mirror: Mirror) -> None:
    for page in ("six/index.html", "attrs/index.v1_json"):
        path = mirror.root / page
        path.write_bytes(path.read_bytes().replace(b"sha256", b"sha265", 1))
    assert findings(mirror, status=3) == ["page attrs/index.v1_json", "page six/index.html"]
    assert mirror.run("--verify", "--repair").status == 0
    assert findings(mirror, status=0) == []


def test_pages_that_are_due_are_compared_with_what_they_would_be(mirror: Mirror) -> None:
    def record(statement: str) -> None:
        with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as opened, opened:
            opened.execute(statement)

    record("UPDATE projects SET pages = NULL, html_digest = NULL")
    assert findings(mirror, status=0) == []
    record("UPDATE projects SET status = 'archived' WHERE name = 'six'")
    assert findings(mirror, status=3) == ["page six/index.html", "page six/index.v1_json"]


def test_only_hashes_tell_damage_of_the_same_size(mirror: Mirror) -> None:
    spoil(mirror.root / "six" / SDIST)
    spoil(mirror.root / "six" / f"{WHEEL}.metadata")
    assert findings(mirror, status=0) == []
    assert set(findings(mirror, "--verify=hash", status=3)) == {
        f"damaged six/{SDIST}",
        f"damaged six/{WHEEL}.metadata",
    }


def test_what_is_foreign_is_listed_and_never_touched(index: FakeIndex, mirror: Mirror) -> None:
    foreign = ["README", "notes/todo", "six/notes.txt", "six/six-0.1.tar.gz"]
    for name in foreign:
        (mirror.root / name).parent.mkdir(exist_ok=True)
        (mirror.root / name).write_text("mine")
    expected = ["foreign README", "foreign notes", "foreign six/notes.txt", "foreign six/six-0.1.tar.gz"]
    assert sorted(findings(mirror, status=0)) == expected
    assert sorted(findings(mirror, "--verify", "--repair", status=0)) == expected
    assert all((mirror.root / name).read_text() == "mine" for name in foreign)
    assert index.paths() == []


def test_what_waits_for_its_grace_is_neither_foreign_nor_wrong(index: FakeIndex, mirror: Mirror) -> None:
    index.remove("six")
    index.remove_file("attrs", "attrs-1.0.tar.gz")
    mirror.update()
    assert findings(mirror, "--verify=hash", status=0) == []


@pytest.mark.parametrize("how", ["--verify", "--verify=hash"])
def test_repair_fetches_and_writes_what_is_wrong(index: FakeIndex, mirror: Mirror, how: str) -> None:
    before = {path: entry.content for path, entry in mirror.tree().items()}
    (mirror.root / "six" / WHEEL).unlink()
    (mirror.root / "attrs/attrs-1.0.tar.gz").write_bytes(b"cut")
    (mirror.root / "attrs/index.v1_json").write_text("{}")
    (mirror.root / "zope-event/zope_event-1.0-py3-none-any.whl.metadata").unlink()
    (mirror.root / "index.html").unlink()
    if how == "--verify=hash":
        spoil(mirror.root / "six" / SDIST)
    found = findings(mirror, how, "--repair", status=0)
    written = {line for line in found if line.startswith("rewritten ")}
    assert len(found) - len(written) == (6 if how == "--verify=hash" else 5)
    assert written >= {"rewritten attrs/index.v1_json", "rewritten index.html"}
    assert {path: entry.content for path, entry in mirror.tree().items()} == before
    assert "/simple/" not in index.paths()
    assert findings(mirror, "--verify=hash", status=0) == []
    mirror.update()


def test_what_can_not_be_had_again_is_status_3(index: FakeIndex, mirror: Mirror) -> None:
    index.fault(f"/files/six/{SDIST}", faults.Status(500))
    (mirror.root / "six" / SDIST).unlink()
    ended = mirror.run("--verify", "--repair")
    assert ended.status == 3
    assert f"six/{SDIST}: " in ended.stdout
    assert mirror.listed("six") == {WHEEL}
    index.clear_faults()
    mirror.update()
    assert mirror.listed("six") == {WHEEL, SDIST}


def test_a_lock_that_is_held_is_status_5(mirror: Mirror) -> None:
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert mirror.run("--verify") == Ended(5, "", "")


def test_without_a_state_there_is_nothing_to_compare_with(make_mirror: MakeMirror) -> None:
    ended = make_mirror().run("--verify")
    assert ended.status == 1
    assert "knows of no project yet" in ended.stderr


def test_hashing_goes_on_where_it_was_interrupted(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in "abcdefghijkl":
        index.add_file(name, f"{name}-1.tar.gz", b"content")
    mirror = make_mirror(workers=1, page_style="plain")
    mirror.update()
    state = mirror.root / ".pypimirror/state.sqlite"
    size = 384 << 20  # sparse, and long to read
    for name in "abcdefghijkl":
        os.truncate(mirror.root / name / f"{name}-1.tar.gz", size)
    with contextlib.closing(sqlite3.connect(state)) as opened, opened:
        opened.execute("UPDATE files SET size = ?", (size,))
        opened.execute("UPDATE projects SET pages = NULL")
    pages = [f"page {name}/index.v1_json" for name in "abcdefghijkl"]  # the other one tells no sizes
    running = mirror.start("--verify=hash")
    if sys.platform == "linux":  # many processors would have read all too soon
        os.sched_setaffinity(running.pid, sorted(os.sched_getaffinity(0))[:2])
    for _ in range(400):
        time.sleep(0.05)
        with contextlib.closing(sqlite3.connect(state)) as opened:
            if opened.execute("SELECT 1 FROM meta WHERE key = 'verified up to'").fetchone():
                break
    running.send_signal(signal.SIGINT)
    first, _ = running.communicate()
    assert running.returncode == 130
    ended = mirror.run("--verify=hash")
    assert ended.status == 3
    assert "goes on after " in mirror.log
    told = first.splitlines() + ended.stdout.splitlines()[:-1]
    damaged = [f"damaged {name}/{name}-1.tar.gz" for name in "abcdefghijkl"]
    assert set(told) == {*pages, *damaged}
    assert damaged[0] not in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("verified 12 files of 12 projects: 24 wrong")
    assert mirror.run("--verify").status == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("--verify", "-U"),
        ("--repair", "-U"),
        ("--json", "-U"),
        ("--status", "--verify"),
        ("--verify", "--dry-run"),
        ("--verify", "--project", "six"),
        ("--status", "-U"),
        ("--verify=all",),
    ],
)
def test_options_that_do_not_go_together_are_status_2(
    make_mirror: MakeMirror, arguments: tuple[str, ...]
) -> None:
    ended = make_mirror().run(*arguments)
    assert ended.status == 2
    assert ended.stdout == ""
