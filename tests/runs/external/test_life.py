"""How files from elsewhere come, stay and go: with the index's links, the configuration, and the state."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_wheel
from tests.external import OPTIONS, PAGES, Make, lead, mirrored, names, offer, sdist
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, is_over
from tests.outside_host import OutsideHost, link

# The index and its links


def test_the_indexs_own_file_counts_for_more(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    """A file named like one of the index's own, with other content, is never taken, and gives way."""
    lead(index, link(offer(host, "1.0", more=10)), link(offer(host, "0.9", more=10)))
    mirror = make()
    mirror.update()
    assert host.paths() == ["/dist/demo-0.9.tar.gz"]
    own = index.files("demo")[0].hashes["sha256"]
    assert mirror.file("demo", "demo-1.0.tar.gz").hashes["sha256"] == own
    (added,) = index.add("demo", "0.9", wheel=False)
    mirror.age(25)
    mirror.update()
    assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"] == added.hashes["sha256"]
    mirror.check_links()
    assert not host.paths()


def test_a_link_that_is_gone_takes_its_file_along(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")), link(offer(host, "0.8")))
    mirror = make()
    mirror.update()
    lead(index, link(f"{host.origin}/dist/demo-0.8.tar.gz"))
    host.paths()
    mirror.update()
    assert mirror.listed("demo") == names("0.8")
    assert (mirror.root / "demo/demo-0.9.tar.gz").exists(), "it has its grace"
    # It comes back with the bytes that were pinned, or not at all.
    lead(index, link(offer(host, "0.9", more=10)), link(f"{host.origin}/dist/demo-0.8.tar.gz"))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "refused: other bytes lie at" in ended.stderr
    assert mirror.listed("demo") == names("0.8", "0.9")
    offer(host, "0.9")
    assert is_over(mirror.run("-U", "--project", "demo"))
    assert mirror.check_links() == 3


@pytest.mark.parametrize("has_quarantine", [False, True])
def test_what_comes_back_in_its_grace_needs_no_host(
    index: FakeIndex,
    host: OutsideHost,
    make: Make,
    has_quarantine: bool,
) -> None:
    wheel, content = make_wheel("demo", "0.8")
    anchors = [link(offer(host, "0.9")), link(host.put(f"/{wheel}", content))]
    lead(index, *anchors)
    mirror = make()
    mirror.update()
    before = mirror.contents()
    host.stop()
    if has_quarantine:
        index.project("demo").status = "quarantined"
    else:
        index.project("demo").links.clear()
    index.touch("demo")
    mirror.update()
    assert mirror.listed("demo") == (set() if has_quarantine else names())
    index.project("demo").status = "active"
    lead(index, *anchors)
    assert mirror.run("-U").status == 3  # it is told that the host is dead
    assert mirror.contents() == before
    mirror.age(25)
    assert mirror.run("-U").status == 3
    assert mirror.contents() == before
    host.start()
    mirror.age(25)
    mirror.update()
    assert mirror.contents() == before
    assert mirror.run("--verify=hash").status == 0


def test_options_turned_off_and_on_need_no_host(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.contents()
    mirror.configure(**(OPTIONS | {"external_links": False}))
    mirror.update()
    host.stop()
    mirror.configure(**OPTIONS)
    mirror.run("-U")
    assert mirror.contents() == before


def test_a_pin_outlives_a_host_that_fails(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    url = offer(host, "0.9")
    lead(index, link(url))
    mirror = make()
    mirror.update()
    lead(index)
    mirror.update()
    (mirror.root / "demo/demo-0.9.tar.gz").unlink()
    host.fault("/dist/*", faults.Status(404))
    lead(index, link(url))
    assert mirror.run("-U").status == 3
    host.clear_faults()
    offer(host, "0.9", more=10)
    mirror.age(13)
    assert "refused: other bytes" in mirror.run("-U", "--project", "demo").stderr
    assert mirror.listed("demo") == names()


def test_a_file_that_moves_from_the_index_to_elsewhere_stays(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    (own,) = index.add("demo", "0.9", wheel=False)
    mirror = make()
    mirror.update()
    index.remove_file("demo", own.filename)
    lead(index, link(host.put(f"/{own.filename}", own.content)))
    for _ in range(3):
        mirror.update()
        assert mirror.listed("demo") == names("0.9")
        mirror.age(25)
    # It is pinned to what the index had.
    host.put(f"/{own.filename}", sdist("0.9", more=10)[1])
    mirror.age(25)
    assert "refused: other bytes" in mirror.run("-U").stderr
    # And moves back.
    index.project("demo").links.clear()
    index.add("demo", "0.9", wheel=False)
    mirror.update()
    mirror.age(25)
    host.paths()
    mirror.update()
    assert not host.paths()
    assert mirror.listed("demo") == names("0.9")


def test_the_index_takes_a_file_over_though_not_at_once(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9", more=10)))
    mirror = make()
    mirror.update()
    (added,) = index.add("demo", "0.9", wheel=False)
    index.fault("/files/*demo-0.9*", faults.Status(500))
    for _ in range(2):
        assert mirror.run("-U").status == 3
    index.clear_faults()
    mirror.age(1)
    mirror.update()
    assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"] == added.hashes["sha256"]


def test_a_file_behind_two_links_needs_one(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9")), link(offer(other, "0.9")))
        mirror = make()
        mirror.update()
        assert (len(host.paths()), len(other.paths())) == (1, 0), "the first counts"
        before = mirror.tree()
        lead(index, link(f"{other.origin}/dist/demo-0.9.tar.gz"))
        mirror.update()
        assert mirror.tree() == before
        mirror.age(25)
        mirror.update()
        assert mirror.tree() == before


def test_a_project_that_comes_back_has_its_files_from_elsewhere(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    anchor = link(offer(host, "0.9"))
    lead(index, anchor)
    index.add("more", "1.0", wheel=False)
    mirror = make(package_matches="demo more")
    mirror.update()
    index.remove("demo")
    assert mirror.run("-U").status == 3  # the configuration still names it
    assert mirror.projects() == ["more"]
    # Named by itself it does not come back.
    mirror.run("-U", "--project", "demo")
    assert not (mirror.root / "demo/index.html").exists()
    index.add("demo", "1.0", wheel=False)
    lead(index, anchor)
    mirror.update()
    assert mirror.listed("demo") == names("0.9")
    mirror.check_links()


def test_another_index_has_other_links(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    with FakeIndex(formats=("json",)) as second:
        second.add("demo", "1.0", wheel=False)
        mirror.index_url = second.url
        mirror.configure(**OPTIONS)
        mirror.update()
        assert mirror.listed("demo") == names()


def test_after_the_grace_it_is_gone(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    lead(index)
    mirror.update()
    mirror.age(25)
    mirror.update()
    assert mirror.names() == {"demo/demo-1.0.tar.gz"}
    mirror.age(25)
    host.paths()
    mirror.update()
    assert not host.paths()


def test_a_link_that_moves_keeps_what_is_held(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(other, "0.9")))
        mirror = make()
        mirror.update()
        before = mirror.tree()
        lead(index, link(offer(host, "0.9")))
        mirror.update()
        assert mirror.tree() == before
        mirror.age(25)
        other.paths()
        mirror.update()
        assert not other.paths()
        # To a place where other bytes lie it does not.
        lead(index, link(offer(host, "0.9", more=10, folder="/new")))
        assert mirror.run("-U").status == 3
        assert mirror.tree() == before


def test_a_page_that_can_not_tell_that_a_link_is_gone_removes_nothing(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    for fault in (faults.Status(500), faults.Body(b"<html></html>", "text/html")):
        index.clear_faults()
        index.fault("/simple/demo/", fault)
        # A page without a link is told after a day.
        assert mirror.run("-I").status in (0, 3, 4)
        assert mirror.tree() == before
    # JSON has no such links, and so says nothing of them.
    index.clear_faults()
    index.formats = ("json",)
    index.touch("demo")
    mirror.update()
    assert mirror.names() == {"demo/demo-1.0.tar.gz", "demo/demo-0.9.tar.gz"}


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(403),
        faults.Status(404),
        faults.Body(b"<html>captive portal", "text/html"),
        faults.Body(b'{"info": {"downl', "application/json"),
    ],
)
def test_what_is_no_legacy_document_removes_nothing(
    index: FakeIndex, host: OutsideHost, make: Make, fault: faults.Fault
) -> None:
    index.formats = ("json",)
    index.has_documents = True
    index.project("demo").download_url = offer(host, "0.9")
    mirror = make()
    mirror.update()
    before = mirror.tree()
    index.fault("/pypi/*", fault)
    mirror.age(25)
    mirror.update()
    assert mirror.tree() == before


def test_trouble_with_the_legacy_document_removes_nothing(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    index.formats = ("json",)
    index.has_documents = True
    index.project("demo").download_url = offer(host, "0.9")
    mirror = make()
    mirror.update()
    before = mirror.tree()
    index.touch("demo")
    index.fault("/pypi/*", faults.Status(500))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "answers 500" in ended.stderr
    assert mirror.tree()["demo/demo-0.9.tar.gz"] == before["demo/demo-0.9.tar.gz"]
    assert mirror.listed("demo") == names("0.9")
    index.clear_faults()
    index.project("demo").download_url = "UNKNOWN"
    index.touch("demo")
    mirror.update()
    assert mirror.listed("demo") == names()


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(403),
        faults.Status(404),
        faults.Body(b"<html>Hello", "text/html"),
        faults.Body(b"[]", "application/json"),
    ],
)
def test_an_index_without_such_documents(
    index: FakeIndex, host: OutsideHost, make: Make, fault: faults.Fault
) -> None:
    index.fault("/pypi/*", fault)
    mirror = mirrored(index, host, make)
    assert mirror.listed("demo") == names("0.9")


def test_a_quarantine_takes_them_along(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    index.project("demo").status = "quarantined"
    index.touch("demo")
    host.paths()
    mirror.update()
    assert mirror.names() == set()
    assert not host.paths()
    index.project("demo").status = "active"
    index.touch("demo")
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


# The configuration is the truth


@pytest.mark.parametrize("option", ["external_links", "follow_external_index_pages"])
@pytest.mark.parametrize("matches", ["*", "*.*", "demo *"])
def test_every_projects_links_are_not_followed_unless_that_is_said(
    index: FakeIndex, make: Make, option: str, matches: str
) -> None:
    mirror = make()
    mirror.configure(package_matches=matches, **{option: True})
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"{option} = True: package_matches selects every project" in ended.stderr
    assert "external_links_everything = True" in ended.stderr
    assert not mirror.root.exists()
    mirror.configure(package_matches=matches, external_links_everything=True, **{option: True})
    mirror.update()
    flag = {"external_links": "-e", "follow_external_index_pages": "-x"}[option]
    mirror.configure(package_matches=matches)
    assert mirror.run("-U", flag).status == 2
    assert index.paths()


def test_following_pages_alone_has_no_effect_and_a_word(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_links=False, follow_external_index_pages=True)
    mirror.update()
    assert not host.paths()
    assert "follow_external_index_pages: has no effect without external_links" in mirror.log


def test_options_that_are_turned_off_take_files_along(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9")), link(other.page("/", offer(other, "0.8"))))
        mirror = make(**PAGES)
        mirror.update()
        assert mirror.listed("demo") == names("0.8", "0.9")
        mirror.configure(**OPTIONS)
        mirror.update()
        assert mirror.listed("demo") == names("0.9")
        mirror.configure(**OPTIONS, filename_excludes="demo-0.9*")
        mirror.update()
        assert mirror.listed("demo") == names()
        mirror.configure(**(OPTIONS | PAGES))
        mirror.update()
        assert mirror.listed("demo") == names("0.8", "0.9")
        mirror.configure(**(OPTIONS | {"external_links": False}))
        mirror.update()
        assert mirror.listed("demo") == names()
        mirror.age(25)
        mirror.update()
        assert mirror.names() == {"demo/demo-1.0.tar.gz"}


def test_a_host_that_is_allowed_now_is_asked_at_once(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    lead(index, link(offer(host, "0.9")))
    mirror = make(external_hosts="")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"{host.address} is no public address; external_hosts can allow its host" in ended.stderr
    assert mirror.run("-U").status == 3
    mirror.configure(**OPTIONS)
    mirror.update()
    assert mirror.listed("demo") == names("0.9")


@pytest.mark.parametrize("off", [{"external_links": False}, {"filename_excludes": "demo-0.9*"}])
def test_a_lost_file_that_is_not_wanted_any_more_is_no_trouble(
    index: FakeIndex, host: OutsideHost, make: Make, off: dict[str, object]
) -> None:
    mirror = mirrored(index, host, make)
    (mirror.root / "demo/demo-0.9.tar.gz").unlink()
    offer(host, "0.9", more=10)
    assert mirror.run("-I").status == 3
    mirror.configure(**(OPTIONS | off))
    mirror.update()
    assert mirror.names() == {"demo/demo-1.0.tar.gz"}


@pytest.mark.parametrize("matches", ["**", "?*", "*?", "*?*"])
def test_every_spelling_of_everything(make: Make, matches: str) -> None:
    mirror = make(package_matches=matches)
    assert mirror.run("-U").status == 2


# State and tree


def test_a_lost_state_takes_them_over(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(offer(host, "0.9", more=3_000_000)), link(other.page("/", offer(other, "0.8"))))
        mirror = make(**PAGES)
        mirror.update()
        before = mirror.tree()
        (mirror.root / ".pypimirror/state.sqlite").unlink()
        mirror.update()
        assert mirror.tree() == before
        # What was pinned is pinned.
        offer(host, "0.9", more=10)
        mirror.age(25)
        assert mirror.run("-U").status == 3
        assert mirror.tree() == before


def test_a_lost_state_and_dead_hosts(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    host.stop()
    assert mirror.run("-U").status == 3
    assert mirror.tree() == before
    host.start()
    mirror.age(48)
    mirror.update()
    assert mirror.tree() == before


@pytest.mark.parametrize("arguments", [("--verify", "--repair"), ("-I",)])
def test_what_was_lost_is_fetched_again_if_it_is_what_was_pinned(
    index: FakeIndex, host: OutsideHost, make: Make, arguments: tuple[str, ...]
) -> None:
    mirror = mirrored(index, host, make)
    lost = mirror.root / "demo/demo-0.9.tar.gz"
    lost.unlink()
    assert mirror.run(*arguments).status == 0
    assert lost.read_bytes() == sdist("0.9")[1]
    assert mirror.run("--verify=hash").status == 0
    lost.unlink()
    offer(host, "0.9", more=10)
    assert mirror.run(*arguments).status == 3
    assert not lost.exists()
    assert mirror.run("-U").status == 3
    mirror.check_links()
    offer(host, "0.9")
    mirror.age(25)
    mirror.update()
    assert lost.read_bytes() == sdist("0.9")[1]


def test_a_lost_state_and_a_dead_page(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    with OutsideHost() as other:
        lead(index, link(other.page("/", offer(host, "0.9"))))
        mirror = make(**PAGES)
        mirror.update()
        before = mirror.tree()
        (mirror.root / ".pypimirror/state.sqlite").unlink()
        other.stop()
        assert mirror.run("-U").status == 3
        assert mirror.tree() == before
        other.start()
        mirror.age(48)
        mirror.update()
        assert mirror.tree() == before
        lead(index)
        mirror.update()
        assert mirror.listed("demo") == names()


def test_core_metadata_that_was_lost_comes_back(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    name, content = make_wheel("demo", "0.9")
    lead(index, link(host.put(f"/{name}", content)))
    mirror = make()
    mirror.update()
    before = mirror.contents()
    (mirror.root / f"demo/{name}.metadata").unlink()
    assert mirror.run("--verify", "--repair").status == 0
    assert mirror.contents() == before


def test_a_dry_run_fetches_nothing_and_says_what_would_come(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = make(**PAGES)
    mirror.update()
    before = mirror.tree()
    lead(index, link(host.page("/", offer(host, "0.9"))), link(offer(host, "0.8")))
    host.paths()
    ended = mirror.run("-U", "--dry-run")
    assert ended.status == 0
    assert "demo: fetch 2" in ended.stdout
    assert host.paths() == ["/", "/robots.txt"]
    assert mirror.tree() == before
    mirror.update()
    assert mirror.listed("demo") == names("0.8", "0.9")


@pytest.mark.disk
def test_a_disk_without_room_for_them(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    # A sparse file of a size that does not fit.
    lead(index, link(offer(host, "0.8")), link(f"{host.origin}/dist/demo-0.9.tar.gz"))
    free = shutil.disk_usage(mirror.root).free
    mirror.configure(**OPTIONS, min_free_space=f"{free >> 20}M")
    host.fault("/dist/demo-0.8*", faults.Headers({"Content-Length": str(10**9)}))
    ended = mirror.run("-U")
    assert ended.status == 6
    host.clear_faults()
    mirror.configure(**OPTIONS)
    mirror.update()
    assert mirror.listed("demo") == names("0.8", "0.9")


def test_a_mirror_of_such_a_mirror_has_the_same(
    index: FakeIndex, host: OutsideHost, make: Make, tmp_path: Path
) -> None:
    mirror = mirrored(index, host, make)
    page = (mirror.root / "demo/index.v1_json").read_bytes()
    with FakeIndex() as second:
        for name in names("0.9"):
            second.add_file("demo", name, (mirror.root / "demo" / name).read_bytes())
        other = Mirror(tmp_path / "other", second.url, package_matches="demo")
        second.fault(
            "/simple/demo/",
            faults.Body(
                page.replace(b'"url":"', b'"url":"/files/demo/'), "application/vnd.pypi.simple.v1+json"
            ),
        )
        other.update()
    assert (other.root / "demo/index.v1_json").read_bytes() == page


def test_a_wheel_that_the_disk_can_not_read_stops_no_run(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    name, content = make_wheel("demo", "0.9")
    lead(index, link(host.put(f"/dist/{name}", content)))
    mirror = make()
    mirror.update()
    with closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        state.execute("UPDATE files SET metadata = NULL")
    wheel = mirror.root / "demo" / name
    wheel.unlink()
    wheel.symlink_to("/proc/self/mem")  # nothing can be read at its start
    index.add("demo", "2.0", wheel=False)
    ended = mirror.run("-U", "--project", "demo")
    assert ended.status == 3
    assert f"{wheel}: it can't be read (Input/output error); mend that" in ended.stderr
    assert "demo-2.0.tar.gz" in mirror.listed("demo")
