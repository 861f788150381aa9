"""How pages look: two options, and what a change of them rewrites."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from pypimirror.amounts import size_text
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, anchors

MakeMirror = Callable[..., Mirror]

HTML = {"index.html", "six/index.html", "zope-event/index.html"}


@pytest.fixture
def filled(index: FakeIndex) -> FakeIndex:
    index.add("six", "1.0")
    for version in ("1.0", "1.1"):
        index.add("Zope.Event", version)
    return index


def styled(mirror: Mirror) -> set[str]:
    """Return the pages that have a style."""
    return {path for path, content in mirror.contents().items() if b"<style>" in content}


def counts(mirror: Mirror) -> str:
    (found,) = re.findall("<p>(.* projects?, .*)</p>", (mirror.root / "index.html").read_text("utf-8"))
    return str(found)


def changed(mirror: Mirror, **options: object) -> set[str]:
    """Return which files another configuration changes."""
    before = mirror.tree()
    mirror.configure(**options)
    mirror.update()
    after = mirror.tree()
    assert before.keys() == after.keys()
    return {path for path in after if after[path] != before[path]}


def test_pages_are_styled_unless_that_is_turned_off(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    mirror.update()
    assert styled(mirror) == HTML
    assert mirror.check_links() == 6
    before = {path: sorted(map(str, anchors(mirror.root / path))) for path in HTML}
    assert changed(mirror, page_style="plain") == HTML
    assert styled(mirror) == set()
    assert {path: sorted(map(str, anchors(mirror.root / path))) for path in HTML} == before
    assert changed(mirror, page_style="plain") == set()
    assert changed(mirror, page_style="styled") == HTML
    assert mirror.run("--verify").status == 0


def test_large_pages_are_plain(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(plain_index_above="2 2")
    mirror.update()
    assert styled(mirror) == HTML - {"zope-event/index.html"}
    assert changed(mirror, plain_index_above="1 4") == {"index.html", "zope-event/index.html"}
    assert styled(mirror) == HTML - {"index.html"}
    filled.add("attrs", "1.0")
    mirror.configure(plain_index_above="2 2")
    mirror.update()
    assert styled(mirror) == {"six/index.html", "attrs/index.html"}


def test_one_number_counts_for_both(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(plain_index_above=2)
    mirror.update()
    assert styled(mirror) == {"index.html", "six/index.html"}


def test_an_address_to_install_from_is_on_the_pages(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    mirror.update()
    assert b"pip install" not in b"".join(mirror.contents().values())
    assert changed(mirror, base_url="https://me:secret@pypi.example.org/simple") == HTML
    page = (mirror.root / "zope-event/index.html").read_text("utf-8")
    assert "pip install --index-url https://pypi.example.org/simple/ zope-event" in page
    assert "secret" not in page
    # What nobody sees changes nothing.
    mirror.configure(page_style="plain", base_url="https://pypi.example.org/")
    mirror.update()
    assert changed(mirror, page_style="plain") == set()


def test_the_root_page_counts_what_is_held(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    mirror.update()
    size = sum(file.size for name in ("six", "zope-event") for file in mirror.page(name).files)
    assert counts(mirror) == f"2 projects, 6 files, {size_text(size)}"
    filled.add("six", "2.0", sdist=False)
    mirror.update()
    assert counts(mirror).startswith("2 projects, 7 files, ")
    filled.remove_file("six", "six-1.0.tar.gz")
    mirror.update()
    assert counts(mirror).startswith("2 projects, 6 files, ")
    assert mirror.run("--verify").status == 0
    before = mirror.tree()
    mirror.update()
    assert mirror.run("-i").status == 0
    assert mirror.tree() == before


def test_a_file_more_leaves_a_large_root_page_as_it_is(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(70):
        filled.add("many", f"{number}.0")
    filled.add("large", "1.0", sdist=False, extra_size=20_000_000)
    mirror = make_mirror()
    mirror.update()
    assert counts(mirror).startswith("4 projects, about 150 files, ")
    before = mirror.tree()
    filled.add("six", "2.0")
    mirror.update()
    after = mirror.tree()
    assert after["index.html"] == before["index.html"]
    assert after["six/index.html"] != before["six/index.html"]
    assert mirror.run("--verify").status == 0


def test_the_root_page_counts_files_that_have_no_page_yet(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    """A page that can't be written is told of, and is the only one that a look at all of them finds."""
    mirror = make_mirror()
    mirror.update()
    page = mirror.root / "six/index.html"
    page.unlink()
    page.mkdir()
    filled.add("six", "2.0", sdist=False)
    assert mirror.run("-U").status == 3
    assert counts(mirror).startswith("2 projects, 7 files, ")
    told = mirror.run("--verify", "--json").stdout
    assert '"index.html"' not in told.replace("six/index.html", "")
    page.rmdir()
    mirror.run("-U", "--project", "six")
    assert mirror.check_links() == 7


def test_a_project_is_called_as_its_files_are(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """Asked for by its normalized name, a project tells its own name by its files alone."""
    index.add("Zope.Event", "1.0", raw_name="Zope.Event")
    mirror = make_mirror(package_matches="zope-event")
    mirror.update()
    title = "<h1>Zope.Event</h1>"
    assert title in (mirror.root / "zope-event/index.html").read_text("utf-8")
    before = mirror.tree()
    assert mirror.run("-i").status == 0
    assert mirror.tree() == before


def test_pages_of_an_older_version_are_rewritten(filled: FakeIndex, make_mirror: MakeMirror) -> None:
    """An upgrade reaches every HTML page in one run; JSON pages stay as they are."""
    mirror = make_mirror(page_style="plain")
    mirror.update()
    plain = mirror.tree()
    with closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state, state:
        state.execute("UPDATE projects SET pages = 'of old'")
        state.execute("DELETE FROM meta WHERE key = 'root'")
    mirror.configure()
    mirror.update()
    after = mirror.tree()
    assert {path for path in after if after[path] != plain[path]} == HTML
