"""What is not there: how much of it may go at once, what is told of it, and what is held back."""

import json
from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

NAMES = ("attrs", "six", "zope.event")
UNPROVEN = faults.Body(b"<html><body><p>There is nothing here.</p></body></html>", "text/html")
LIST, PAGE = "/simple/", "/simple/six/"


def fill(index: FakeIndex, versions: int = 2) -> None:
    for name in NAMES:
        for version in range(versions):
            index.add(name, f"{version}.0")


def empty(index: FakeIndex, *names: str) -> None:
    for name in names:
        for file in index.files(name):
            index.remove_file(name, file.filename)


def status_of(mirror: Mirror) -> dict[str, object]:
    found: dict[str, object] = json.loads(mirror.run("--status", "--json").stdout)
    return found


def last_run(mirror: Mirror) -> dict[str, object]:
    found = status_of(mirror)["last_run"]
    assert isinstance(found, dict)
    return found


# -- small mirrors ----------------------------------------------------------------------------


def test_the_last_file_of_a_small_mirror_never_goes_without_a_question(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0", sdist=False)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    empty(index, "six")
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "that would leave no file at all" in ended.stderr
    assert mirror.tree() == before
    assert mirror.run("-U", "--allow-removals").status == 0
    assert mirror.listed("six") == set()


def test_more_than_half_of_ten_files_never_go_without_a_question(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    empty(index, "attrs", "six")
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "8 of 12 files (within 24 hours); that is more than half of all files" in ended.stderr
    assert mirror.tree() == before


def test_half_of_them_may_go(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    empty(index, "attrs")
    index.remove_file("six", "six-1.0.tar.gz")
    index.remove_file("six", "six-0.0.tar.gz")
    mirror.update()
    assert len(mirror.listed("six")) == 2


# -- counts -----------------------------------------------------------------------------------


def test_the_summary_and_the_record_tell_what_left_the_pages(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    index.add("more", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.remove("six")
    index.remove_file("attrs", "attrs-1.0.tar.gz")
    mirror.configure(package_excludes="zope.event")
    mirror.update()
    run = last_run(mirror)
    assert (run["vanished_projects"], run["vanished_files"]) == (1, 5)
    assert (run["deselected_projects"], run["deselected_files"]) == (1, 4)
    assert "1 project and 5 files left the pages, as upstream no longer has them" in str(run["summary"])
    assert "1 project and 4 files left the pages, as they are no longer selected" in str(run["summary"])


def test_a_404_counts_as_a_project_that_could_not_be_had(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="attrs six zope.event")
    mirror.update()
    index.fault(PAGE, faults.Status(500))
    for name in ("attrs", "zope-event"):
        index.fault(f"/simple/{name}/", faults.Status(404))
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "not one project of 3 could be had" in ended.stderr


@pytest.mark.parametrize("serials", [False, True])
def test_a_404_is_called_a_404(
    index: FakeIndex,
    make_mirror: MakeMirror,
    serials: bool,
) -> None:
    fill(index)
    index.serials = serials
    mirror = make_mirror()
    mirror.update()
    index.touch("six")
    index.fault(PAGE, faults.Status(404))
    before = mirror.tree()
    ended = mirror.run("-U")
    assert ended.status == (0 if serials else 3), "without serials no page can be older than the list"
    if serials:
        mirror.age(25)
        ended = mirror.run("-U")
    assert ended.status == 3
    assert "404" in ended.stderr
    assert "has not been the one" not in ended.stderr
    assert mirror.tree() == before


def test_a_refused_change_names_the_option_and_the_line_to_put_there(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, 1)
    mirror = make_mirror()
    mirror.update()
    file = index.add_file("six", "six-0.0.tar.gz", b"other bytes")
    ended = mirror.run("-U")
    line = f"accepted_changes = six-0.0.tar.gz sha256={file.hashes['sha256']}"
    assert line in ended.stderr
    mirror.configure(accepted_changes=line.partition(" = ")[2])
    mirror.update()


# -- what is held back ------------------------------------------------------------------------


def test_removals_that_are_held_back_for_a_day_are_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.formats = ("html",)
    fill(index)
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    index.fault(PAGE, UNPROVEN)
    mirror.update()
    status = status_of(mirror)
    assert status["held_back_count"] == 1
    assert status["is_complete"] is False
    mirror.age(23)
    mirror.update()
    mirror.age(2)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "six: what is no longer listed is kept, as this page can't tell" in ended.stderr
    assert "held back since" in mirror.run("--status").stdout
    assert mirror.tree() == before
    index.clear_faults()
    mirror.update()
    assert status_of(mirror)["held_back"] == []
    assert mirror.tree() == before


def test_a_page_that_proves_nothing_is_asked_for_again(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.formats = ("html",)
    fill(index, 1)
    mirror = make_mirror()
    index.fault(PAGE, UNPROVEN)
    mirror.update()
    assert mirror.listed("six") == set()
    index.clear_faults()
    mirror.update()
    assert len(mirror.listed("six")) == 2


def test_pages_that_prove_nothing_for_all_literal_names_are_no_upstream(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.formats = ("html",)
    fill(index, 1)
    mirror = make_mirror(package_matches="attrs six")
    index.fault("/simple/*", UNPROVEN)
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "not one project of 2 could be had" in ended.stderr
    index.clear_faults()
    mirror.update()
    before = mirror.tree()
    index.fault("/simple/*", UNPROVEN)
    assert mirror.run("-U").status == 4
    assert mirror.tree() == before


def test_one_literal_name_without_files_yet_is_no_failure(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.formats = ("html",)
    fill(index, 1)
    mirror = make_mirror(package_matches="attrs six")
    index.fault(PAGE, UNPROVEN)
    mirror.update()
    assert mirror.projects() == ["attrs"]


# -- a list with an entry that can't be read --------------------------------------------------


@pytest.mark.parametrize("odd", [None, {}, {"name": None}, {"name": 5}, {"name": "si\ud800x"}])
def test_an_entry_of_the_list_without_a_name_costs_itself_and_holds_removals_back(
    index: FakeIndex, make_mirror: MakeMirror, odd: object
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="*", removal_limit=100)
    mirror.update()
    index.add("attrs", "9.0")
    sent = [{"name": "attrs"}, odd, {"name": "zope.event"}]
    body = json.dumps({"meta": {"api-version": "1.0"}, "projects": sent}).encode()
    index.fault(LIST, faults.Body(body, "application/vnd.pypi.simple.v1+json"))
    mirror.update()
    assert "attrs-9.0.tar.gz" in mirror.listed("attrs")
    assert len(mirror.listed("six")) == 4
    assert "six is not on the project list, but is kept" in mirror.log
    mirror.age(hours=25)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "the project list has an entry without a readable name" in ended.stderr
    index.clear_faults()
    index.remove("six")
    mirror.update()
    assert "six" not in mirror.projects()
    assert status_of(mirror)["held_back_count"] == 0
