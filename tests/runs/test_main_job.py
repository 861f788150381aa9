"""The main job from the outside: the old configuration, selection, both representations, updates."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex, Format
from tests.index_pages import Serials
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]

pytestmark = pytest.mark.usefixtures("cold")

OLD_CONFIG = Path(__file__).parents[1] / "data/z3c.pypimirror.cfg"


def fill(index: FakeIndex) -> None:
    """Eight projects in mixed spellings; five of them are selected by `zope.*` and `plone.*`."""
    for name in ("zope.interface", "Zope.Event", "zope_schema", "Plone-API", "plone.app.content"):
        index.add(name, "1.0", raw_name=name)
        index.add(name, "1.1", wheel=False, suffix=".zip", raw_name=name, requires_python=">=3.8")
    for name in ("zopeish", "Six", "Products.CMFPlone"):
        index.add(name, "1.0")


def old_mirror(index: FakeIndex, folder: Path) -> Mirror:
    mirror = Mirror(folder, index.url)
    text = OLD_CONFIG.read_text("utf-8")
    for path in ("/tmp/mirror", "/tmp/pypi-poll-access.lock", "/tmp/pypimirror.log"):
        assert path in text
        text = text.replace(path, str(folder / path.removeprefix("/tmp/")))
    mirror.config.write_text(f"{text}\nindex_url = {index.url}\n", "utf-8")
    return mirror


SELECTED = {
    "zope-interface": "zope.interface",
    "zope-event": "Zope.Event",
    "zope-schema": "zope_schema",
    "plone-api": "Plone-API",
    "plone-app-content": "plone.app.content",
}


@pytest.mark.parametrize("workers", [1, 16])
@pytest.mark.parametrize("formats", [("json", "html"), ("json",), ("html",)])
def test_old_configuration_mirrors_exactly_what_its_globs_say(
    index: FakeIndex, tmp_path: Path, formats: tuple[Format, ...], workers: int
) -> None:
    index.formats = formats
    fill(index)
    mirror = old_mirror(index, tmp_path)
    with mirror.config.open("a") as config:
        config.write(f"workers = {workers}\n")
    assert mirror.run("--update-fetch") == Ended(0, "", "")
    expected = {
        f"{name}/{raw}-{version}" for name, raw in SELECTED.items() for version in ("1.0.tar.gz", "1.1.zip")
    }
    assert mirror.names() == expected
    assert mirror.check_links() == 10
    assert [name.lower().replace(".", "-").replace("_", "-") for name in mirror.projects()] == sorted(
        SELECTED
    )
    assert mirror.file("zope-event", "Zope.Event-1.1.zip").requires_python == ">=3.8"

    before = mirror.tree()
    index.clear()
    assert mirror.run("--update-fetch") == Ended(0, "", "")
    assert mirror.tree() == before
    if "json" in formats:
        assert index.paths() == ["/simple/"]
    else:
        assert [request.status for request in index.requests[1:]] == [304] * 5


def test_a_second_update_of_a_list_without_validators_asks_for_nothing_but_the_list(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.validators = False
    fill(index)
    mirror = make_mirror(package_matches="zope.*")
    mirror.update()
    index.clear()
    mirror.update()
    assert index.paths() == ["/simple/"]


@pytest.mark.parametrize("serials", [False, "strings"])
def test_serials_may_be_missing_or_text(index: FakeIndex, make_mirror: MakeMirror, serials: Serials) -> None:
    index.serials = serials
    fill(index)
    mirror = make_mirror(package_matches="zope.*")
    mirror.update()
    before = mirror.tree()
    index.clear()
    mirror.update()
    assert mirror.tree() == before
    index.add("Zope.Event", "2.0")
    mirror.update()
    assert len(mirror.listed("zope-event")) == 5
    assert mirror.check_links() == 11


def test_api_1_0_with_nulls_gives_the_same_files(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.api_version = "1.0"
    fill(index)
    mirror = make_mirror(package_matches="zope.*")
    mirror.update()
    assert mirror.check_links() == 9
    assert mirror.file("zope-event", "Zope.Event-1.0.tar.gz").upload_time is None


def test_api_2_is_an_error(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    index.api_version = "2.0"
    mirror = make_mirror()
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "API version 2.0" in ended.stderr
    assert not mirror.tree()


def test_names_without_a_wildcard_are_asked_for_one_by_one(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="Zope_Event six\n  # a comment\n  plone.API ; and another")
    mirror.update()
    assert sorted({path for path in index.paths() if path.startswith("/simple/")}) == [
        "/simple/plone-api/",
        "/simple/six/",
        "/simple/zope-event/",
    ]
    assert mirror.check_links() == 8
    index.clear()
    before = mirror.tree()
    mirror.update()
    assert [request.status for request in index.requests] == [304] * 3
    assert mirror.tree() == before


def test_pages_without_validators_are_known_by_their_own_serial(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.validators = False
    fill(index)
    mirror = make_mirror(package_matches="six zope.event")
    mirror.update()
    before = mirror.tree()
    index.clear()
    mirror.update()
    assert sorted(index.paths()) == ["/simple/six/", "/simple/zope-event/"]
    assert mirror.tree() == before


@pytest.mark.parametrize("pattern", ["*", "*.*", "zope.* *"])
def test_everything(index: FakeIndex, make_mirror: MakeMirror, pattern: str) -> None:
    fill(index)
    mirror = make_mirror(package_matches=pattern)
    mirror.update()
    assert len(mirror.projects()) == 8
    assert mirror.check_links() == 5 * 3 + 3 * 2


def test_excludes_win(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(
        package_matches="zope.* SIX", package_excludes="*interface", filename_excludes="*.zip *1.0-py3*"
    )
    mirror.update()
    assert mirror.names() == {
        "zope-event/Zope.Event-1.0.tar.gz",
        "zope-schema/zope_schema-1.0.tar.gz",
        "six/six-1.0.tar.gz",
    }


def test_a_selected_project_without_a_matching_file_has_an_empty_page(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="six zope.event", filename_matches="zope*")
    mirror.update()
    assert mirror.listed("six") == set()
    assert mirror.projects() == ["six", "Zope.Event"]


def test_patterns_that_match_nothing_are_named_in_the_log(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(
        package_matches="zope.* pIone.*", package_excludes="zope-foo", filename_matches="*.whl *.rpm"
    )
    ended = mirror.run("-U")
    assert ended.status == 0
    assert "package_matches: pIone.* matches nothing" in ended.stderr
    assert "package_matches: pIone.* matches nothing" in mirror.log
    assert "nothing upstream matches package_excludes: zope-foo\n" in mirror.log
    assert "filename_matches: *.rpm matches nothing" in mirror.log
    assert "matches package_matches: zope.*" not in mirror.log
    assert "*.whl" not in mirror.log


def test_changed_projects_alone_are_asked_for(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    index.clear()
    index.add("six", "2.0", sdist=False)
    mirror.update()
    assert sorted(index.paths()) == ["/files/six/six-2.0-py3-none-any.whl", "/simple/", "/simple/six/"]
    after = mirror.tree()
    changed = {path for path in after if after[path] != before.get(path)}
    assert changed == {
        "index.html",  # with the number of files
        "index.v1_json",  # with the digest of the project's page
        "six/index.html",
        "six/index.v1_json",
        "six/six-2.0-py3-none-any.whl",
        "six/six-2.0-py3-none-any.whl.metadata",
    }


def test_a_widened_selection_brings_old_projects_and_files(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="zope.*", filename_matches="*.whl")
    mirror.update()
    assert mirror.check_links() == 3
    mirror.configure(package_matches="zope.* six", filename_matches="*.whl *.zip")
    mirror.update()
    assert mirror.check_links() == 7


def test_yanks_and_unyanks_follow_without_a_file_changing(index: FakeIndex, make_mirror: MakeMirror) -> None:
    (wheel,) = index.add("six", "1.0", sdist=False)
    mirror = make_mirror(package_matches="six")
    mirror.update()
    for yanked, shown in (('broken <on> "3.9"', 'broken <on> "3.9"'), ("", True), (None, None)):
        wheel.yanked = yanked
        index.touch("six")
        mirror.update()
        assert mirror.file("six", wheel.filename).yanked == shown
        mirror.check_links()


def test_initial_fetch_brings_back_what_somebody_deleted(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    whole = mirror.tree()
    lost = mirror.root / "six/six-1.0-py3-none-any.whl"
    for gone in (
        lost,
        "six/index.html",
        "index.v1_json",
        "zope-event/zope_event-1.0-py3-none-any.whl.metadata",
    ):
        (mirror.root / gone).unlink()
    (mirror.root / "zope-event/Zope.Event-1.0.tar.gz").write_bytes(b"cut")
    mirror.update()
    assert not lost.exists()
    assert mirror.run("--initial-fetch") == Ended(0, "", "")
    assert {path: entry.content for path, entry in mirror.tree().items()} == {
        path: entry.content for path, entry in whole.items()
    }


def test_only_the_named_projects_are_fetched(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="zope.*")
    ended = mirror.run("-U", "--project", "Zope.Event", "--project", "zope-schema")
    assert ended == Ended(0, "", "")
    assert "/simple/" not in index.paths()
    assert mirror.projects() == ["Zope.Event", "zope_schema"]
    mirror.update()
    assert len(mirror.projects()) == 3


def test_only_selected_projects_can_be_named(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="zope.*")
    ended = mirror.run("-U", "--project", "six")
    assert ended.status == 2
    assert "six is not selected" in ended.stderr
    assert not mirror.root.exists()
