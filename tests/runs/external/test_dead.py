"""What does not answer, and when it is asked again."""

from tests import faults
from tests.external import OPTIONS, Make, lead, names, offer, sdist
from tests.fake_index import FakeIndex
from tests.outside_host import OutsideHost, link

def test_a_dead_link_is_told_once_and_then_once_a_week(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
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
    for _ in range(2):
        mirror.age(70)
        mirror.update()
    status = mirror.run("--status")
    assert status.status == 0
    assert "dead links 1 that lead elsewhere" in status.stdout
    assert '"dead_links_count": 1' in mirror.run("--status", "--json").stdout
    mirror.age(50)
    assert mirror.run("-U").status == 3
    assert mirror.tree() == before, "it stays as it is"
    offer(host, "0.9")
    mirror.age(25)
    mirror.update()
    assert "dead links" not in mirror.run("--status").stdout


def test_a_dead_host_is_asked_once_and_then_left_alone(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    versions = [f"0.{number}" for number in range(4)]
    lead(index, *(link(offer(host, version)) for version in versions), link(f"{host.origin}/"))
    host.fault("*", faults.Hang(60))
    mirror = make(timeout=1)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert len(host.paths()) == 1
    assert "timed out" in ended.stderr
    assert "its host did not answer lately" in ended.stderr
    # The next days' runs are not held up either: the pauses grow to a week.
    asked = []
    for _ in range(9):
        mirror.age(24.5)
        mirror.run("-U")
        asked.append(len(host.paths()))
    assert asked == [1, 0, 1, 0, 0, 0, 1, 0, 0]
    host.clear_faults()
    mirror.configure(**OPTIONS, timeout=5)
    mirror.update()
    assert mirror.listed("demo") == names(*versions)


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
    assert mirror.run("-U").status == 3  # the other host is gone
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    assert mirror.tree()["demo/demo-0.9.tar.gz"] == before["demo/demo-0.9.tar.gz"]
    host.paths()
    mirror.run("-I")
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
