"""What does not answer, and when it is asked again."""

import contextlib
import sqlite3
import time
from collections.abc import Callable

from tests import faults
from tests.external import OPTIONS, Make, lead, names, offer, patched, sdist
from tests.fake_index import FakeIndex
from tests.mirror import is_over
from tests.outside_host import OutsideHost, link


def test_a_dead_link_is_told_as_any_other_failure(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    host.remove("/dist/demo-0.9.tar.gz")
    mirror.age(25)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "demo-0.9.tar.gz: http://" in ended.stderr
    assert "answers 404" in ended.stderr
    host.paths()
    assert mirror.run("-U").status == 3, "it is still so"
    assert not host.paths()
    status = mirror.run("--status")
    assert status.status == 3
    assert "failing    1" in status.stdout
    assert ": demo: demo-0.9.tar.gz: http://" in status.stdout
    assert '"failing_count": 1' in mirror.run("--status", "--json").stdout
    assert mirror.tree() == before, "it stays as it is"
    offer(host, "0.9")
    mirror.age(25)
    mirror.update()
    assert mirror.run("--status").status == 0


def test_a_dead_host_is_left_alone_until_the_next_look(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    versions = [f"0.{number}" for number in range(4)]
    lead(index, *(link(offer(host, version)) for version in versions), link(host.page("/home")))
    host.fault("*", faults.Hang(60))
    mirror = make(timeout=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert len(host.paths()) == 2, "one may be a bad file's"
    assert "timed out" in ended.stderr
    assert "its host did not answer lately" in ended.stderr
    asked = []
    for _ in range(4):
        mirror.age(12.5)
        assert mirror.run("-U").status == 3
        asked.append(len(host.paths()))
    assert asked == [0, 2, 0, 2]
    host.clear_faults()
    mirror.configure(**OPTIONS, timeout=5)
    mirror.update()
    assert mirror.listed("demo") == names(*versions)


def test_a_host_that_takes_no_connection_is_asked_once(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    host.stop()
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "Connection refused" in ended.stderr
    assert "is not asked now" in ended.stderr
    host.start()
    # --initial-fetch and --project ask it all the same.
    assert is_over(mirror.run("-U", "--project", "demo"))
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_one_bad_file_keeps_no_other_away(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, *(link(offer(host, version)) for version in ("0.1", "0.2", "0.8", "0.9")))
    host.fault("/dist/demo-0.[12]*", faults.Drop())
    mirror = make()
    assert mirror.run("-U").status == 3
    mirror.age(25)
    mirror.run("-U")
    # What could not be had the last time is asked for after all else.
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_one_projects_bad_links_keep_no_other_project_away(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    index.add("more", "1.0", wheel=False)
    lead(index, *(link(host.page(f"/bad{number}")) for number in range(3)))
    name, content = sdist("0.9", name="more")
    header = {"Content-Disposition": f'attachment; filename="{name}"'}
    host.fault("/get", faults.Headers(header))
    host.fault("/bad*", faults.Drop())
    lead(index, link(host.put("/get", content)), project="more")
    mirror = make(package_matches="demo more")
    for _ in range(2):
        assert mirror.run("-U").status == 3
        mirror.age(25)
    assert name in mirror.listed("more")


def test_a_host_that_wants_to_be_left_alone_is(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, *(link(offer(host, f"0.{number}")) for number in range(3)))
    host.fault("*", faults.Status(429, {"Retry-After": "600"}))
    mirror = make()
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "answers 429" in ended.stderr
    assert len(host.paths()) == 1
    host.clear_faults()
    mirror.age(25)
    mirror.update()
    assert mirror.listed("demo") == names("0.0", "0.1", "0.2")


def test_a_file_that_fails_for_a_moment_is_tried_again(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    host.fault("*", faults.Status(500), times=2)
    mirror = make(retries=2)
    mirror.update()
    assert host.paths() == ["/dist/demo-0.9.tar.gz"] * 3
    assert mirror.listed("demo") == names("0.9")


def test_a_file_whose_host_asks_for_a_pause_is_left_to_the_next_look(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    host.fault("*", faults.Status(503, {"Retry-After": "1"}))
    mirror = make(retries=2)
    assert mirror.run("-U").status == 3
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]


def test_a_dead_link_of_which_nothing_is_left_is_forgotten(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"))
    mirror = make()
    assert mirror.run("-U").status == 3
    lead(index)
    mirror.update()
    assert mirror.run("--status").status == 0


def test_links_that_are_not_followed_any_more_leave_nothing(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"))
    mirror = make()
    assert mirror.run("-U").status == 3
    for _ in range(2):
        mirror.configure(**(OPTIONS | {"external_links": False}))
        mirror.update()
    assert mirror.run("--status").status == 0
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        tables = {name for (name,) in state.execute("SELECT name FROM sqlite_schema")}
    assert not {name for name in tables if name.startswith("external_")}


def test_a_project_that_is_not_there_leaves_no_trace(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    index.fault("/pypi/*", faults.Status(500))
    mirror = make(package_matches="demo nothere*")
    mirror.run("-U")
    mirror.run("-U", "--project", "nothere1")
    assert "nothere1" not in mirror.run("--status").stdout


def test_what_takes_too_long_goes_on_in_the_next_run(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    """Each run does something new, and says that it is not done."""
    lead(index, *(link(offer(host, f"0.{number}")) for number in range(5)))
    mirror = make()
    found = []
    for _ in range(4):
        ended = patched(mirror, "import pypimirror.external.stage as s; s._LONGEST_S = 1.5", "-U")
        found.append((ended.status, len(mirror.listed("demo")) - 1))
        if not ended.status:
            break
    assert "not all of its links could be followed" in mirror.run("--status").stdout + mirror.log
    assert found == [(3, 2), (3, 4), (0, 5)]


def test_new_things_of_the_index_do_not_wait(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    index.add("evil", "1.0")
    mirror = make(package_matches="demo evil new", timeout=20)
    mirror.run("-U")
    index.project("evil").status = "quarantined"
    index.touch("evil")
    index.add("new", "1.0")
    lead(index, link(offer(host, "0.9")))
    host.fault("/dist/*", faults.Hang(20))
    process = mirror.start("-U")
    try:
        wait_until(lambda: bool(host.requests))
        assert mirror.projects() == ["demo", "evil", "new"]
        assert not [name for name in mirror.names() if name.startswith("evil/")]
    finally:
        process.terminate()
        process.communicate()


def wait_until(is_true: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 15
    while not is_true():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def test_one_dead_host_holds_up_no_other(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as dead:
        dead.stop()
        index.add("more", "1.0")
        lead(index, link(f"{dead.origin}/demo-0.1.zip"), link(f"{dead.origin}/"), link(offer(host, "0.9")))
        name, content = sdist("0.9", name="more")
        lead(index, link(host.put(f"/{name}", content)), project="more")
        mirror = make(package_matches="demo more")
        assert mirror.run("-U").status == 3
    assert mirror.listed("demo") == names("0.9")
    assert name in mirror.listed("more")


# Nothing new


def test_an_update_asks_no_host_before_the_interval_is_over(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_interval_hours=48)
    mirror.update()
    before, requests = mirror.tree(), len(index.paths())
    host.paths()
    index.clear()
    mirror.age(25)
    mirror.update()
    assert len(index.paths()) == 1 < requests
    assert not host.paths()
    # A page that changes is no reason to look at the old links again, but at new ones.
    with OutsideHost() as other:
        lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"), link(offer(other, "0.8")))
        mirror.update()
        assert other.paths() == ["/dist/demo-0.8.tar.gz"]
    assert not host.paths()
    mirror.age(24)
    mirror.update()
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    assert mirror.tree()["demo/demo-0.9.tar.gz"] == before["demo/demo-0.9.tar.gz"]
    host.paths()
    mirror.run("-I")
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]


def test_what_a_link_does_says_nothing_of_the_index(index: FakeIndex, make: Make) -> None:
    projects = ["demo", "other", "third"]
    index.fault("/home", faults.Status(503, {"Retry-After": "60"}))
    for project in projects:
        index.add(project, "1.0")
        lead(index, link(index.url.removesuffix("/simple/") + "/home"), project=project)
    mirror = make(package_matches=" ".join(projects))
    index.clear()
    ended = patched(mirror, "from pypimirror.external import stage; stage._OPEN = 1", "-U")
    assert "answers 503" in ended.stderr
    documents = [path for path in index.paths() if path.endswith("/json")]
    assert sorted(documents) == [f"/pypi/{project}/json" for project in projects]
    assert index.paths().count("/home") == 1
