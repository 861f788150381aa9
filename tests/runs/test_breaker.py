"""A host that is down costs a run a few requests, and the others nothing; one resource is not its host."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

pytestmark = pytest.mark.usefixtures("all_cores")

MakeMirror = Callable[..., Mirror]

WORKERS = 4
PROCESSES = 4
DOWN: dict[str, faults.Fault] = {
    "silence": faults.Hang(600),
    "503": faults.Status(503),
    "503 with a pause": faults.Status(503, {"Retry-After": "1"}),
    "500": faults.Status(500),
    "hung up": faults.Drop(),
    "heads alone": faults.HangBody(0, 600),
    "cut": faults.Cut(20),
    "dripped header": faults.DRIPPED_HEADER,
}


def fill(index: FakeIndex, number: int = 60) -> None:
    for each in range(number):
        index.add(f"demo-{each:03}", "1.0", wheel=False)


def wrong(mirror: Mirror) -> int:
    """Return how many projects and files have an error or a pause."""
    with closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        projects = "SELECT count(*) FROM projects WHERE error IS NOT NULL OR failures"
        files = "SELECT count(*) FROM files WHERE error IS NOT NULL"
        return sum(state.execute(query).fetchone()[0] for query in (projects, files))


@pytest.mark.parametrize("name", DOWN)
def test_an_index_whose_pages_do_not_come(index: FakeIndex, make_mirror: MakeMirror, name: str) -> None:
    fill(index)
    mirror = make_mirror(timeout=0.3, workers=WORKERS, retries=1)
    index.fault("/simple/demo-*", DOWN[name])
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "times in a row" in ended.stderr
    assert "projects were not asked" in ended.stderr
    assert len(index.paths()) < 1 + 3 * WORKERS * PROCESSES
    assert 0 < wrong(mirror) <= WORKERS * PROCESSES, "those that were asked for, and no other"
    index.clear_faults()
    mirror.update()
    assert len(mirror.projects()) == 60
    mirror.check_links()


def test_what_fails_all_that_is_under_way_at_once_gives_no_host_up(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    """As where a server restarts, or a name can't be resolved for a moment."""
    fill(index)
    mirror = make_mirror(workers=8, retries=2, max_rate="1G")  # which one process alone keeps
    index.fault("/simple/demo-*", faults.Drop(), times=8)
    mirror.update()
    assert len(mirror.projects()) == 60


def test_where_nothing_came_at_all_it_is_status_4(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    names = "\n  ".join(f"demo-{each:03}" for each in range(60))
    mirror = make_mirror(timeout=0.3, workers=WORKERS, retries=2, package_matches=names)
    index.fault("*", faults.Hang(600))
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "times in a row; " in ended.stderr
    assert len(index.paths()) < 3 * WORKERS * PROCESSES
    assert wrong(mirror) <= WORKERS * PROCESSES
    index.clear_faults()
    mirror.update()
    before = mirror.tree()
    index.fault("*", faults.Status(503))
    assert mirror.run("-U").status == 4
    assert wrong(mirror) <= WORKERS * PROCESSES
    assert mirror.tree() == before
    index.clear_faults()
    mirror.update()


def test_it_is_told_once(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(workers=WORKERS)
    index.fault("/simple/demo-*", faults.Status(503))
    assert mirror.run("-U").stderr
    assert mirror.run("-U") == (3, "", "")


def test_a_host_of_files_that_is_down(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(timeout=0.3, workers=WORKERS)
    with FakeIndex() as files:
        for each in range(60):
            (sdist,) = files.add(f"demo-{each:03}", "1.0", wheel=False)
            index.files(f"demo-{each:03}")[0].url = f"{files.origin}/files/demo-{each:03}/{sdist.filename}"
        index.add("good", "1.0")
        files.fault("*", faults.Hang(600))
        ended = mirror.run("-U")
        assert ended.status == 3
        assert "times in a row" in ended.stderr
        assert len(files.paths()) < 3 * WORKERS * PROCESSES
        assert mirror.listed("good"), "another host is no matter"
        assert wrong(mirror) <= 2 * WORKERS * PROCESSES, "files that were asked for, and their projects"
        files.clear_faults()
        mirror.update()
    assert mirror.check_links() == 62


def test_scattered_failures_hold_back_nobody(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    for each in range(0, 60, 4):
        index.fault(f"/simple/demo-{each:03}/", faults.Status(500))
    mirror = make_mirror(workers=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "times in a row" not in ended.stderr
    assert len(mirror.projects()) == 45
    assert wrong(mirror) == 15


def test_projects_that_are_broken_do_not_starve_those_behind_them(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, 20)
    mirror = make_mirror(workers=1)
    index.fault("/simple/demo-*", faults.Status(500))
    mirror.run("-U")
    index.clear_faults()
    for each in range(8):
        index.fault(f"/simple/demo-{each:03}/", faults.Status(500))
    for _ in range(4):
        mirror.run("-U")
        mirror.age(25)
    assert len(mirror.projects()) == 12


@pytest.mark.parametrize("code", [404, 410, 403])
def test_what_says_no_is_alive(index: FakeIndex, make_mirror: MakeMirror, code: int) -> None:
    fill(index)
    index.fault("/simple/demo-00*", faults.Status(code))
    mirror = make_mirror(workers=1)
    mirror.run("-U")
    assert len(mirror.projects()) == 50


# -- what a server asks for ------------------------------------------------------------------------


def test_what_one_page_asks_for_holds_that_page(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 20)
    index.fault("/simple/demo-000/", faults.Status(503, {"Retry-After": "86400"}))
    mirror = make_mirror(workers=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert len(mirror.projects()) == 19
    index.requests.clear()
    mirror.age(20)
    mirror.run("-U")
    assert "/simple/demo-000/" not in index.paths(), "it was asked to be left alone for a day"
    index.clear_faults()
    mirror.age(5)
    mirror.update()
    assert len(mirror.projects()) == 20


def test_several_that_ask_speak_for_their_host(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 20)
    index.fault("/simple/demo-*", faults.Status(503, {"Retry-After": "86400"}))
    mirror = make_mirror(workers=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert len(index.paths()) <= 4
    assert "17 projects were not asked" in ended.stderr
    assert wrong(mirror) <= 3


def test_429_speaks_of_the_client(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, 20)
    index.fault("/simple/demo-000/", faults.Status(429, {"Retry-After": "86400"}))
    mirror = make_mirror(workers=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "asked to be left alone for 86400 seconds; 19 projects were not asked" in ended.stderr
    assert wrong(mirror) == 1
    # The page that brought it waits, and the others have their turn.
    assert mirror.run("-U").status == 3
    assert len(mirror.projects()) == 19
