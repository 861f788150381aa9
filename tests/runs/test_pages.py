"""Pages in the tree: options, rewriting from the state, and nothing written for nothing."""

import os
from collections.abc import Callable

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror, anchors
from tests.missing import unable

MakeMirror = Callable[..., Mirror]

PAGES = ("index.html", "index.v1_json")


def test_without_indexes_no_page_is_written(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(create_indexes=False, full_index=True)
    mirror.update()
    assert set(mirror.tree()) == {
        "six/six-1.0-py3-none-any.whl",
        "six/six-1.0-py3-none-any.whl.metadata",
        "six/six-1.0.tar.gz",
    }
    mirror.configure(create_indexes=True)
    mirror.update()
    assert mirror.check_links() == 2
    assert mirror.projects() == ["six"]


def test_the_page_of_all_files_is_complete_after_every_kind_of_run(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    def links() -> set[str]:
        return {href.partition("#")[0] for href, _, _ in anchors(mirror.root / "full.html")}

    index.add("six", "1.0", sdist=False)
    index.add("attrs", "1.0", sdist=False)
    mirror = make_mirror(full_index=True)
    mirror.update()
    first = {"attrs/attrs-1.0-py3-none-any.whl", "six/six-1.0-py3-none-any.whl"}
    assert links() == first
    index.add("six", "2.0", sdist=False)
    mirror.update()
    assert links() == first | {"six/six-2.0-py3-none-any.whl"}
    index.add("six", "3.0", sdist=False)
    assert mirror.run("-U", "--project", "six").status == 0
    third = first | {"six/six-2.0-py3-none-any.whl", "six/six-3.0-py3-none-any.whl"}
    assert links() == third
    (mirror.root / "full.html").unlink()
    assert mirror.run("-i") == Ended(0, "", "")
    assert links() == third
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_indexes_only_rewrites_what_differs_without_network(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("six", "attrs"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    (mirror.root / "six/index.html").write_text("spoiled")
    (mirror.root / "index.v1_json").unlink()
    index.stop()
    assert mirror.run("-i") == Ended(0, "", "")
    after = mirror.tree()
    assert {path: entry.content for path, entry in after.items()} == {
        path: entry.content for path, entry in before.items()
    }
    assert {path for path in after if after[path] != before[path]} <= {"six/index.html", "index.v1_json"}


def test_pages_that_a_killed_run_left_behind_are_written_by_the_next(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    """The state knows that pages are due: nothing upstream has to change for them to come."""
    index.add("six", "1.0")
    mirror = make_mirror()
    # A folder in the place of a page: the files come in, the page can't.
    (mirror.root / "six/index.html").mkdir(parents=True)
    (mirror.root / ".pypimirror").mkdir(mode=0o700)
    (mirror.root / ".pypimirror/id").write_text("0")
    assert mirror.run("-U").status == 3
    (mirror.root / "six/index.html").rmdir()
    mirror.update()
    assert mirror.check_links() == 2


def test_something_in_the_way_of_one_project_holds_back_no_other(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for name in ("attrs", "six", "zope.event"):
        index.add(name, "1.0")
    mirror = make_mirror()
    mirror.root.mkdir()
    (mirror.root / "six").write_text("a file in the place of a folder")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "six/six-1.0.tar.gz: " in ended.stderr
    assert "something else is in the way" in ended.stderr
    assert len(mirror.listed("attrs")) == len(mirror.listed("zope-event")) == 2
    (mirror.root / "six").unlink()
    mirror.update()
    assert mirror.check_links() == 6


def test_a_setgid_root_gives_its_group_to_everything(index: FakeIndex, make_mirror: MakeMirror) -> None:
    if os.geteuid() != 0:
        unable("only root can give a folder to any group")
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.root.mkdir()
    os.chown(mirror.root, -1, 12345)
    mirror.root.chmod(0o2755)
    mirror.update()
    assert {path.stat().st_gid for path in mirror.root.rglob("*")} == {12345}


def test_everything_that_upstream_says_of_a_file_is_on_its_page(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    provenance = "https://index.example.org/integrity/six/1.0/provenance?a=1&b=2"
    index.add(
        "six",
        "1.0",
        sdist=False,
        requires_python=">=3.8,<4",
        yanked='it\'s "broken" <b>&amp;</b>',
        provenance=provenance,
    )
    index.project("six").status = "archived"
    index.project("six").status_reason = '<done> & "gone"'
    index.touch("six")
    mirror = make_mirror()
    mirror.update()
    file = mirror.file("six", "six-1.0-py3-none-any.whl")
    assert file.requires_python == ">=3.8,<4"
    assert file.yanked == 'it\'s "broken" <b>&amp;</b>'
    assert file.upload_time == "2024-01-02T03:04:05.678901Z"
    assert file.provenance == provenance
    page = mirror.page("six")
    assert page.versions == ["1.0"]
    assert page.project_status == {"status": "archived", "reason": '<done> & "gone"'}
    ((_, _, attributes),) = anchors(mirror.root / "six/index.html")
    assert attributes == {
        "data-requires-python": ">=3.8,<4",
        "data-yanked": 'it\'s "broken" <b>&amp;</b>',
        "data-core-metadata": f"sha256={(file.core_metadata or {})['sha256']}",
        "data-provenance": provenance,
    }


def test_a_quarantined_project_offers_no_file(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.project("six").status = "quarantined"
    index.touch("six")
    mirror.update()
    assert mirror.listed("six") == set()
    assert mirror.page("six").project_status == {"status": "quarantined"}
    index.project("six").status = "active"
    index.touch("six")
    mirror.update()
    assert mirror.check_links() == 2


def test_a_page_that_changes_without_meaning_writes_nothing(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    for _ in range(2):
        index.touch("six")
        mirror.update()
    assert mirror.tree() == before


def test_html_where_json_used_to_come_loses_no_upload_time(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    index.formats = ("html",)
    index.touch("six")
    mirror.update()
    assert mirror.tree() == before


def test_unpublished_names_and_shapes_of_upstream(index: FakeIndex, make_mirror: MakeMirror) -> None:
    """Names that are no names, and folders that only look like pages, never reach the tree."""
    body = (
        b'{"meta":{"api-version":"1.4"},"projects":[{"name":"../etc"},{"name":"index.html"},'
        b'{"name":"-x"},{"name":""},{"name":"six"},{"name":"a b"}]}'
    )
    index.add("six", "1.0")
    index.add("index.html", "1.0")
    index.fault("/simple/", faults.Body(body, "application/vnd.pypi.simple.v1+json"))
    mirror = make_mirror()
    mirror.update()
    assert mirror.projects() == ["index.html", "six"]
    assert mirror.check_links() == 4
    assert {path.name for path in mirror.root.iterdir()} == {".pypimirror", "index-html", "six", *PAGES}
