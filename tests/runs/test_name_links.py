"""Links under the names that people type, for old clients behind any web server."""

import os
import shutil
from pathlib import Path

import pytest

from tests import faults
from tests.distributions import make_sdist, make_wheel
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.runs.test_removal import MakeMirror

ZOPE, PLONE = {"Zope.Event": "zope-event"}, {"Products.CMFPlone": "products-cmfplone"}


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    for name in ("Zope.Event", "Products.CMFPlone", "six"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    return mirror


def test_names_as_the_list_shows_them(mirror: Mirror) -> None:
    assert mirror.links() == ZOPE | PLONE
    assert (mirror.root / "Zope.Event/index.html").samefile(mirror.root / "zope-event/index.html")


def test_removals_take_them_along(index: FakeIndex, mirror: Mirror) -> None:
    index.remove("Zope.Event")
    mirror.update()
    assert mirror.links() == PLONE
    mirror.configure(package_excludes="products.*")
    mirror.update()
    assert mirror.links() == {}


def test_a_new_spelling_replaces_the_old(index: FakeIndex, mirror: Mirror) -> None:
    index.project("zope-event").name = "zope.event"
    index.touch("zope-event")
    mirror.update()
    assert mirror.links() == {"zope.event": "zope-event"} | PLONE


def test_they_can_be_turned_off_and_on(mirror: Mirror) -> None:
    before = mirror.tree()
    mirror.configure(name_links=False)
    mirror.update()
    assert mirror.links() == {}
    assert mirror.tree() == before
    mirror.configure()
    mirror.run("-i")
    assert mirror.links() == ZOPE | PLONE


def test_without_pages_there_are_none(mirror: Mirror) -> None:
    mirror.configure(create_indexes=False)
    mirror.update()
    assert mirror.links() == {}


def test_literal_names_are_spelled_as_their_metadata_does(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("Zope.Event", "Products.CMFPlone", "six"):
        index.add(name, "1.0", sdist=False)
    mirror = make_mirror(package_matches="zope-event products_cmfplone SIX")
    mirror.update()
    assert mirror.projects() == ["Products.CMFPlone", "six", "Zope.Event"]
    assert mirror.links() == ZOPE | PLONE


def test_what_was_published_is_stable(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("Zope.Event", "1.0", sdist=False)
    mirror = make_mirror(package_matches="zope-event")
    mirror.update()
    index.add_file("zope.event", *make_wheel("zope.EVENT", "2.0"))
    mirror.update()
    assert mirror.links() == ZOPE


@pytest.mark.parametrize(
    ("spelled", "links"),
    [("Zope.Event", ZOPE), ("zope_event", {}), ("Zope_Event", {"Zope_Event": "zope-event"})],
)
def test_sdists_spell_it_where_there_is_no_metadata(
    index: FakeIndex, make_mirror: MakeMirror, spelled: str, links: dict[str, str]
) -> None:
    index.add_file("zope-event", *make_sdist("zope-event", "1.0", raw_name=spelled))
    mirror = make_mirror(package_matches="zope-event")
    mirror.update()
    assert mirror.links() == links


@pytest.mark.parametrize("listed", ["zope-event", "ZOPE-event"])
def test_files_spell_it_where_the_list_is_normalized(
    index: FakeIndex, make_mirror: MakeMirror, listed: str
) -> None:
    index.add_file(listed, *make_wheel("Zope.Event", "1.0"))
    index.add("six", "1.0")
    mirror = make_mirror()
    shown = "Zope.Event" if listed == "zope-event" else listed
    for _ in range(2):
        mirror.update()
        assert sorted(mirror.projects()) == [shown, "six"]
        index.touch(listed)


@pytest.mark.parametrize("shown", ["index.html", "index.v1_json", "robots.txt", "full.html", "sitemap.XML"])
def test_a_name_like_a_page_gets_none(index: FakeIndex, make_mirror: MakeMirror, shown: str) -> None:
    index.add(shown, "1.0")
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    assert mirror.links() == {}
    assert (mirror.root / "index.html").is_file()


def test_what_somebody_put_there_stays(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("Zope.Event", "Products.CMFPlone"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.root.mkdir()
    (mirror.root / "Zope.Event").write_text("a note")
    (mirror.root / "Products.CMFPlone").symlink_to("elsewhere")
    mirror.update()
    assert (mirror.root / "Zope.Event").read_text() == "a note"
    assert mirror.links() == {"Products.CMFPlone": "elsewhere"}
    index.remove("Zope.Event")
    mirror.run("-U", "--allow-removals")
    assert (mirror.root / "Zope.Event").exists()


def test_a_lost_state_knows_its_links_again(index: FakeIndex, mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    mirror.update()
    assert mirror.links() == ZOPE | PLONE
    index.remove("Zope.Event")
    mirror.update()
    assert mirror.links() == PLONE


def test_a_lost_state_knows_projects_without_files_again(index: FakeIndex, mirror: Mirror) -> None:
    """As one in quarantine: its page, link and folder go when upstream drops it."""
    index.project("Zope.Event").status = "quarantined"
    index.touch("Zope.Event")
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    index.remove("Zope.Event")
    mirror.update()
    assert mirror.links() == PLONE
    assert not (mirror.root / "zope-event").exists()


@pytest.mark.parametrize("repair", [("--verify", "--repair"), ("-I",), ("-i",)])
def test_a_lost_link_is_found_and_made_again(mirror: Mirror, repair: tuple[str, ...]) -> None:
    (mirror.root / "Zope.Event").unlink()
    (mirror.root / "Foreign").symlink_to("six")
    ended = mirror.run("--verify")
    assert ended.status == 3
    assert ended.stdout.splitlines()[:2] == ["missing Zope.Event", "foreign Foreign"]
    mirror.run(*repair)
    assert mirror.links() == ZOPE | PLONE | {"Foreign": "six"}


def test_links_survive_a_copy_of_the_tree(mirror: Mirror, tmp_path: Path) -> None:
    copied = shutil.copytree(mirror.root, tmp_path / "elsewhere", symlinks=True)
    assert (copied / "Zope.Event/index.html").is_file()


def test_an_unchanged_mirror_keeps_its_links_untouched(mirror: Mirror) -> None:
    def made() -> tuple[int, int]:  # not the time of access: reading a link moves it
        found = os.lstat(mirror.root / "Zope.Event")
        return found.st_ino, found.st_ctime_ns

    before = made()
    mirror.update()
    mirror.run("-I")
    assert made() == before


def test_a_file_system_without_links_is_told_of_once(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("Zope.Event", "Products.CMFPlone"):
        index.add(name, "1.0")
    mirror = make_mirror()
    preload = no_symlinks(mirror.folder)
    ended = mirror.run("-U", env={"PYTHONPATH": str(preload)})
    assert ended == (0, "", "")
    assert mirror.log.count("takes no symbolic links") == 1
    assert mirror.links() == {}
    mirror.run("-I")
    assert mirror.links() == ZOPE | PLONE


def no_symlinks(folder: Path) -> Path:
    """Return a folder whose sitecustomize makes symlink(2) fail as it does on FAT."""
    made = folder / "site"
    made.mkdir()
    (made / "sitecustomize.py").write_text(
        "import errno, os\n"
        "def symlink(*_, **__):\n    raise OSError(errno.EPERM, os.strerror(errno.EPERM))\n"
        "os.symlink = symlink\n"
    )
    return made


def test_a_broken_page_of_a_project_leaves_its_link(index: FakeIndex, mirror: Mirror) -> None:
    index.touch("Zope.Event")
    index.fault("/simple/zope-event/", faults.Status(500))
    assert mirror.run("-U").status == 3
    assert mirror.links() == ZOPE | PLONE
