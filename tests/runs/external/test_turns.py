"""Turns that files from elsewhere may take: each of these once lost, hid or held up something."""

import contextlib
import hashlib
import sqlite3

import pytest

from tests import faults
from tests.distributions import make_wheel
from tests.external import OPTIONS, PAGES, Make, lead, mirrored, names, offer, patched, sdist
from tests.fake_index import FakeIndex
from tests.outside_host import OutsideHost, link

STATE = ".pypimirror/state.sqlite"
CUT_AFTER_LINKS = (
    "import os, pypimirror.external.stage as s; f = s.follow;"
    "s.follow = lambda run, tables: (f(run, tables), run.tree.commit(), os._exit(9))"
)


def late(seconds: float) -> str:
    return f"import pypimirror.external.stage as s; s._LONGEST_S = {seconds}"


def quarantine(index: FakeIndex, *, is_on: bool) -> None:
    index.project("demo").status = "quarantined" if is_on else "active"
    index.touch("demo")


# Which link counts


def test_a_page_counts_where_a_direct_link_is_dead(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    home = host.page("/home", offer(host, "0.9", folder="/alive"))
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"), link(home, rel="homepage"))
    mirror = make(**PAGES)
    mirror.run("-U")
    mirror.age(25)
    mirror.run("-U")
    assert mirror.listed("demo") == names("0.9")


def test_a_living_link_counts_where_one_with_a_digest_is_dead(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    digest = hashlib.sha256(sdist("0.9")[1]).hexdigest()
    with OutsideHost() as other:
        lead(index, link(f"{host.origin}/demo-0.9.tar.gz#sha256={digest}"), link(offer(other, "0.9")))
        mirror = make()
        mirror.run("-U")
        mirror.age(25)
        mirror.run("-U")
        assert mirror.listed("demo") == names("0.9")


# Refused stays refused


@pytest.mark.parametrize("how", ["link", "quarantine", "option", "vanish"])
def test_a_refusal_is_not_forgotten(index: FakeIndex, host: OutsideHost, make: Make, how: str) -> None:
    anchor = link(offer(host, "0.9"))
    lead(index, anchor)
    index.add("more", "1.0", wheel=False)
    options = {"package_matches": "demo more"}
    mirror = make(**options)
    mirror.update()
    offer(host, "0.9", more=10)
    mirror.age(25)
    assert mirror.run("-U").status == 3
    match how:
        case "link":
            lead(index)
            mirror.run("-U")
            lead(index, anchor)
        case "quarantine":
            quarantine(index, is_on=True)
            mirror.run("-U")
            quarantine(index, is_on=False)
        case "option":
            mirror.configure(**(OPTIONS | options | {"external_links": False}))
            mirror.run("-U")
            mirror.configure(**(OPTIONS | options))
        case "vanish":
            index.remove("demo")
            mirror.run("-U")
            index.add("demo", "1.0", wheel=False)
            lead(index, anchor)
    for _ in range(2):
        ended = mirror.run("-U")
        assert ended.status == 3
        mirror.age(25)
    assert "refused: other bytes" in mirror.run("--status").stdout
    assert (mirror.root / "demo/demo-0.9.tar.gz").read_bytes() == sdist("0.9")[1]


def test_a_lost_file_keeps_its_pin_while_its_link_goes(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    with OutsideHost() as other:
        second = link(offer(other, "0.9"))
        lead(index, link(offer(host, "0.9")), second)
        mirror = make()
        mirror.update()
        (mirror.root / "demo/demo-0.9.tar.gz").unlink()
        host.stop()
        other.stop()
        assert mirror.run("-I").status == 3
        other.start()
        lead(index, second)
        offer(other, "0.9", more=10)
        for _ in range(2):
            mirror.age(25)
            assert mirror.run("-U").status == 3
            assert mirror.listed("demo") == names()


# Power cuts, kills and a lost state


def test_what_a_power_cut_damaged_comes_again_at_once(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.contents()
    with contextlib.closing(sqlite3.connect(mirror.root / STATE)) as state, state:
        state.execute("UPDATE files SET unsynced = 1")
        state.execute("INSERT INTO meta VALUES ('open run', 'x')")
    (mirror.root / "demo/demo-0.9.tar.gz").write_bytes(b"")
    mirror.run("-U")
    assert mirror.contents() == before


def test_what_was_put_back_is_looked_at_after_a_power_cut(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    quarantine(index, is_on=True)
    mirror.update()
    quarantine(index, is_on=False)
    assert patched(mirror, CUT_AFTER_LINKS, "-U").status == 9
    (mirror.root / "demo/demo-0.9.tar.gz").unlink()  # the power cut lost the name
    mirror.run("-U")
    assert mirror.check_links() == 2


def test_a_quarantine_after_a_kill_reaches_what_was_put_back(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    quarantine(index, is_on=True)
    mirror.update()
    quarantine(index, is_on=False)
    patched(mirror, "import pypimirror.external.stage as s; s.follow = lambda run, tables: None", "-U")
    dies = (
        "import os; from pypimirror.store import Store as S; f = S.link_from;"
        "S.link_from = lambda *args: (f(*args), os._exit(9))"
    )
    assert patched(mirror, dies, "-U").status == 9
    assert (mirror.root / "demo/demo-0.9.tar.gz").exists()
    quarantine(index, is_on=True)
    mirror.update()
    assert mirror.names() == set()


def test_a_dead_link_that_a_killed_run_found_is_told_by_the_next(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(f"{host.origin}/dist/demo-0.9.tar.gz"))
    mirror = make()
    assert patched(mirror, CUT_AFTER_LINKS, "-U").status == 9
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "answers 404" in ended.stderr


@pytest.mark.parametrize("seconds", [0.0, 1.5])
def test_time_that_is_up_takes_nothing_off_the_pages(
    index: FakeIndex, host: OutsideHost, make: Make, seconds: float
) -> None:
    (own,) = index.add("demo", "0.9", wheel=False)
    lead(index, *(link(offer(host, f"0.{number}")) for number in range(4)))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    (mirror.root / STATE).unlink()
    # The index drops a file, and links to it.
    index.remove_file("demo", own.filename)
    index.project("demo").links.append(link(host.put(f"/{own.filename}", own.content)))
    index.touch("demo")
    assert patched(mirror, late(seconds), "-U").status == 3
    assert mirror.tree() == before
    mirror.update()
    assert mirror.tree() == before


def test_damage_of_what_is_known_of_them_is_damage_of_the_state(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    before = mirror.tree()
    with contextlib.closing(sqlite3.connect(mirror.root / STATE)) as state, state:
        state.execute("UPDATE external_files SET origin = zeroblob(9)")
    ended = mirror.run("-U", "--project", "demo")
    assert "is damaged" in ended.stderr
    assert "the tree is adopted" in ended.stderr
    mirror.update()
    assert mirror.tree() == before


def test_another_option_is_no_reason_to_drop_what_was_adopted(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    name, content = sdist("0.9")
    header = {"Content-Disposition": f'attachment; filename="{name}"'}
    host.put("/get", content)
    host.fault("/get", faults.Headers(header))
    lead(index, link(f"{host.origin}/get"))
    mirror = make()
    mirror.update()
    before = mirror.tree()
    (mirror.root / STATE).unlink()
    host.stop()
    mirror.run("-U")
    mirror.configure(**OPTIONS, filename_excludes="*.exe")
    mirror.run("-U")
    assert mirror.tree() == before


# One trouble costs one file


def test_something_in_the_way_of_core_metadata_costs_one_file(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    wheel, content = make_wheel("demo", "0.8")
    lead(index, link(host.put(f"/{wheel}", content)))
    index.add("zzz", "1.0", wheel=False)
    mirror = make(package_matches="demo zzz")
    mirror.update()
    in_the_way = mirror.root / f"demo/{wheel}.metadata"
    in_the_way.unlink()
    in_the_way.mkdir()
    (in_the_way / "x").touch()
    with OutsideHost() as other:
        name, content = sdist("0.8", name="zzz")
        lead(index, link(other.put(f"/{name}", content)), project="zzz")
        assert mirror.run("-I").status == 3
    assert name in mirror.listed("zzz")


def test_an_accepted_change_that_can_not_be_placed_comes_with_the_next_run(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    mirror = mirrored(index, host, make)
    offer(host, "0.9", more=10)
    content = sdist("0.9", more=10)[1]
    accepted = f"demo-0.9.tar.gz sha256={hashlib.sha256(content).hexdigest()}"
    mirror.configure(**OPTIONS, accepted_changes=accepted)
    mirror.age(25)
    fails = (
        "from pypimirror.store import Store as S; from pypimirror.errors import TreeError\n"
        "place = S.place\n"
        "def fail(self, temporary, project, name, **more):\n"
        "    if name.endswith('.gz'): raise TreeError(name, 'something is in the way')\n"
        "    place(self, temporary, project, name, **more)\n"
        "S.place = fail\n"
    )
    assert patched(mirror, fails, "-U").status == 3
    mirror.check_links()
    mirror.run("-U", "--project", "demo")
    assert (mirror.root / "demo/demo-0.9.tar.gz").read_bytes() == content
    assert mirror.check_links() == 2


# The index, and many projects


def test_an_index_without_digests_takes_its_files_over_too(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    lead(index, link(offer(host, "0.9", more=10)))
    mirror = make()
    mirror.update()
    (added,) = index.add("demo", "0.9", wheel=False)
    digest = added.hashes.pop("sha256")
    index.touch("demo")
    mirror.update()
    assert mirror.file("demo", "demo-0.9.tar.gz").hashes["sha256"] == digest


def test_projects_on_one_host_are_done_one_after_the_other(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    letters = "abcd"
    for letter in letters:
        index.add(letter * 3, "1.0", wheel=False)
        name, content = sdist("0.9", name=letter * 3)
        lead(index, link(host.page(f"/{letter}", host.put(f"/{name}", content))), project=letter * 3)
    mirror = make(package_matches=" ".join(letter * 3 for letter in letters), **PAGES)
    found = []
    for _ in range(6):
        ended = patched(mirror, late(3.5), "-U")
        found.append(len([name for name in mirror.names() if "0.9" in name]))
        if not ended.status:
            break
    assert found[-1] == len(letters)
    assert found == sorted(set(found)), "each run brings something"


def test_projects_for_which_there_was_no_time_are_told(
    index: FakeIndex, host: OutsideHost, make: Make
) -> None:
    for letter in "abcd":
        index.add(letter * 3, "1.0", wheel=False)
        name, content = sdist("0.9", name=letter * 3)
        lead(index, link(host.put(f"/{name}", content)), project=letter * 3)
    host.fault("*", faults.Hang(2))
    mirror = make(package_matches="aaa bbb ccc ddd")
    ended = patched(mirror, f"{late(1)}; s._OPEN = 1", "-U")
    assert ended.status == 3
    assert "of 2 projects more" in ended.stderr


def test_a_look_into_the_log_asks_no_host(index: FakeIndex, host: OutsideHost, make: Make) -> None:
    mirror = mirrored(index, host, make)
    host.paths()
    for arguments in (["-v"], [], ["-c"], ["-f", str(mirror.folder / "other.log")], []):
        assert mirror.run("-U", *arguments).status == 0
    assert not host.paths()
