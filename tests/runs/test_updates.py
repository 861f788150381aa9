"""Updates cost what changed, follow the configuration, and wait for what upstream can't give yet."""

import hashlib
from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.index_pages import PageOptions, project_json
from tests.mirror import GOOD, Mirror, is_over

MakeMirror = Callable[..., Mirror]

WHEEL, SDIST = "six-1.0-py3-none-any.whl", "six-1.0.tar.gz"
LIST, PAGE = "/simple/", "/simple/six/"


def fill(index: FakeIndex) -> None:
    for name in ("attrs", "six", "zope.event"):
        index.add(name, "1.0")


def asked(index: FakeIndex) -> list[tuple[str, int]]:
    return [(request.path, request.status) for request in index.requests]


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    fill(index)
    made = make_mirror()
    made.update()
    index.clear()
    return made


# -- cost follows change ---------------------------------------------------------------------


def test_nothing_changed_costs_one_request(index: FakeIndex, mirror: Mirror) -> None:
    before = mirror.tree()
    mirror.update()
    assert asked(index) == [(LIST, 304)]
    assert mirror.tree() == before


def test_a_change_costs_the_list_the_page_and_the_new_files(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "2.0", wheel=False)
    mirror.update()
    assert asked(index) == [(LIST, 200), (PAGE, 200), ("/files/six/six-2.0.tar.gz", 200)]


def test_without_validators_an_equal_list_costs_itself_alone(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    index.validators = False
    mirror = make_mirror()
    mirror.update()
    index.clear()
    mirror.update()
    assert asked(index) == [(LIST, 200)]


def test_without_serials_each_page_is_asked_for_conditionally(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    index.serials = False
    mirror = make_mirror()
    mirror.update()
    index.clear()
    mirror.update()
    assert sorted(asked(index)) == [
        (LIST, 200),
        ("/simple/attrs/", 304),
        (PAGE, 304),
        ("/simple/zope-event/", 304),
    ]


# -- pages that are older than the list -----------------------------------------------------------


def old_page(index: FakeIndex) -> faults.Fault:
    """Answer from now on with the page as it is now."""
    options = PageOptions(
        api_version="1.4", serials=True, core_metadata=True, files_url="../../files", serial_comment=False
    )
    return faults.Body(project_json(index.project("six"), options), "application/vnd.pypi.simple.v1+json")


def test_an_old_page_is_asked_for_past_the_caches(index: FakeIndex, mirror: Mirror) -> None:
    old = old_page(index)
    index.add("six", "2.0", wheel=False)
    index.fault(PAGE, old, times=1)
    mirror.update()
    pages = [request.headers for request in index.requests if request.path == PAGE]
    assert [headers.get("cache-control") for headers in pages] == [None, "no-cache"]
    assert "six-2.0.tar.gz" in mirror.listed("six")
    index.clear()
    mirror.update()
    assert asked(index) == [(LIST, 304)]


def test_an_old_page_is_waited_for_silently_for_a_day(index: FakeIndex, mirror: Mirror) -> None:
    old = old_page(index)
    index.add("six", "2.0", wheel=False)
    index.add("attrs", "2.0", wheel=False)
    index.fault(PAGE, old)
    mirror.update()
    assert "attrs-2.0.tar.gz" in mirror.listed("attrs"), "nothing else is held up"
    for _ in range(3):
        mirror.age(hours=7)
        mirror.update()
    mirror.age(hours=4)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "  six: upstream's page has not been the one that its list speaks of" in ended.stderr
    index.clear_faults()
    mirror.age(hours=25)
    mirror.update()
    assert "six-2.0.tar.gz" in mirror.listed("six")


def test_a_404_of_a_project_that_the_list_names_is_waited_for(index: FakeIndex, mirror: Mirror) -> None:
    index.touch("six")
    index.add("new", "1.0")
    for page in (PAGE, "/simple/new/"):
        index.fault(page, faults.Status(404))
    before = mirror.tree()
    mirror.update()
    mirror.age(hours=23)
    mirror.update()
    assert mirror.tree() == before
    mirror.age(hours=2)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "2 projects are not up to date" in ended.stderr
    assert mirror.tree() == before
    index.clear_faults()
    mirror.age(hours=25)
    mirror.update()
    assert mirror.projects() == ["attrs", "new", "six", "zope.event"]


# -- the configuration is the truth -------------------------------------------------------------------


def test_newly_selected_old_projects_come_without_asking_about_the_others(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="s* a*", package_excludes="attrs")
    mirror.update()
    mirror.configure(package_matches="s* a*")
    index.clear()
    mirror.update()
    assert [path for path in index.paths() if path.startswith("/simple/")] == [LIST, "/simple/attrs/"]
    assert mirror.projects() == ["attrs", "six"]


def test_newly_selected_old_files_come(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(filename_matches="*.whl")
    mirror.update()
    assert mirror.listed("six") == {WHEEL}
    mirror.configure()
    mirror.update()
    assert mirror.listed("six") == {WHEEL, SDIST}


def test_a_deselected_project_costs_no_request_beyond_the_list(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure(package_excludes="six")
    mirror.update()
    assert index.paths() == [LIST]
    assert mirror.projects() == ["attrs", "zope.event"]


def test_an_option_that_shows_in_pages_reaches_unchanged_projects(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure(full_index=True)
    mirror.update()
    assert asked(index) == [(LIST, 304)]
    assert "six-1.0.tar.gz" in (mirror.root / "full.html").read_text()


# -- what changed though no file did --------------------------------------------------------------------


def test_what_upstream_says_of_files_and_projects_reaches_the_pages(index: FakeIndex, mirror: Mirror) -> None:
    wheel, sdist = index.project("six").files
    wheel.yanked = "broken"
    sdist.requires_python = ">=3.9"
    sdist.provenance = "https://index.example.org/provenance"
    index.project("six").status, index.project("six").status_reason = "archived", "old"
    index.touch("six")
    mirror.update()
    assert asked(index) == [(LIST, 200), (PAGE, 200)]
    assert mirror.file("six", WHEEL).yanked == "broken"
    assert mirror.file("six", SDIST).requires_python == ">=3.9"
    assert mirror.file("six", SDIST).provenance == "https://index.example.org/provenance"
    assert mirror.page("six").project_status == {"status": "archived", "reason": "old"}
    html = (mirror.root / "six/index.html").read_text()
    assert 'data-yanked="broken"' in html
    assert 'content="archived"' in html
    wheel.yanked = sdist.requires_python = sdist.provenance = None
    index.project("six").status, index.project("six").status_reason = "active", None
    index.touch("six")
    mirror.update()
    assert mirror.file("six", WHEEL).yanked is None
    assert mirror.file("six", SDIST).requires_python is None
    assert mirror.file("six", SDIST).provenance is None
    assert mirror.page("six").project_status is None


# -- the same name with other bytes -----------------------------------------------------------------------


def change(index: FakeIndex, content: bytes = b"other bytes") -> str:
    index.add_file("six", SDIST, content, upload_time="2024-01-02T03:04:05Z")
    return hashlib.sha256(content).hexdigest()


def held(mirror: Mirror) -> bytes:
    return (mirror.root / "six" / SDIST).read_bytes()


def test_other_bytes_are_refused_and_reported(index: FakeIndex, mirror: Mirror) -> None:
    before = held(mirror)
    digest = change(index)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"  six/{SDIST}: refused: upstream's page now says sha256 {digest}" in ended.stderr
    assert held(mirror) == before
    assert mirror.check_links() == 6


@pytest.mark.parametrize("how", ["replace_changed_files", "accepted_changes"])
def test_other_bytes_that_are_accepted_come_without_a_wrong_link(
    index: FakeIndex, mirror: Mirror, how: str
) -> None:
    digest = change(index)
    assert mirror.run("-U").status == 3
    assert mirror.run("-U").status == 3, "now it is in a pause"
    seen: list[int] = []
    index.fault(f"/files/six/{SDIST}", faults.Call(lambda: seen.append(mirror.check_links(is_settled=False))))
    value: object = True if how == "replace_changed_files" else f"{SDIST} sha256={digest}"
    mirror.configure(**{how: value}, full_index=True)
    mirror.update()
    assert seen == [6]
    assert held(mirror) == b"other bytes"
    assert mirror.check_links() == 6
    assert digest in (mirror.root / "full.html").read_text()
    index.clear()
    mirror.update()
    assert asked(index) == [(LIST, 304)]


def test_another_digest_than_the_accepted_one_is_refused(index: FakeIndex, mirror: Mirror) -> None:
    change(index)
    mirror.configure(accepted_changes=f"{SDIST} sha256={'ab' * 32}")
    assert mirror.run("-U").status == 3
    assert held(mirror) != b"other bytes"


def test_accepted_bytes_that_can_not_be_had_leave_the_held_ones(index: FakeIndex, mirror: Mirror) -> None:
    before = held(mirror)
    change(index)
    index.fault(f"/files/six/{SDIST}", faults.Corrupt())
    mirror.configure(replace_changed_files=True)
    assert mirror.run("-U").status == 3
    assert held(mirror) == before
    assert mirror.check_links() == 6
    index.clear_faults()
    mirror.update()
    assert held(mirror) == b"other bytes"


def test_bytes_that_change_back_are_right_again(index: FakeIndex, mirror: Mirror) -> None:
    before = held(mirror)
    change(index)
    assert mirror.run("-U").status == 3
    change(index, before)
    mirror.update()
    assert mirror.check_links() == 6


# -- what keeps failing ------------------------------------------------------------------------------------


def test_what_keeps_failing_is_tried_again_after_growing_pauses(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "2.0")
    index.fault(PAGE, faults.Status(500))

    def is_tried_after(minutes: float) -> bool:
        mirror.age(hours=minutes / 60)
        index.clear()
        assert mirror.run("-U").status == 3
        return PAGE in index.paths()

    assert is_tried_after(0)
    assert is_tried_after(0), "the next run tries again"
    for pause in (10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440):
        assert not is_tried_after(pause - 1)
        assert is_tried_after(1.1)
    assert mirror.check_links() == 6
    assert "six: " in mirror.log
    index.clear_faults()
    mirror.age(hours=24)
    mirror.update()
    assert mirror.check_links() == 8
    index.add("six", "3.0")
    index.fault(PAGE, faults.Status(500))
    assert is_tried_after(0)
    assert is_tried_after(0), "success forgets"


@pytest.mark.parametrize("what", ["serial", "configuration", "--project", "-I"])
def test_a_pause_ends_early(index: FakeIndex, mirror: Mirror, what: str) -> None:
    index.add("six", "2.0")
    index.fault(PAGE, faults.Status(500), times=2)
    for _ in range(3):
        assert mirror.run("-U").status == 3
    arguments = ["-U"]
    if what == "serial":
        index.touch("six")
    elif what == "configuration":
        mirror.configure(workers=3)
    elif what == "--project":
        arguments = ["-U", "--project", "six"]
    else:
        arguments = ["-I"]
    assert is_over(mirror.run(*arguments))
    assert mirror.check_links() == 8


def test_a_file_that_keeps_failing_pauses_too_and_the_summary_says_since_when(
    index: FakeIndex, mirror: Mirror
) -> None:
    index.add("six", "2.0")
    index.fault("/files/six/six-2.0.tar.gz", faults.Status(500))
    ended = mirror.run("-U")
    assert "(since 20" in ended.stderr
    assert mirror.run("-U").status == 3
    index.clear()
    assert mirror.run("-U").status == 3
    assert asked(index) == [(LIST, 304)]


def test_what_fails_is_asked_about_after_what_is_new(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("a", "b", "c"):
        index.add(name, "1.0")
        index.fault(f"/simple/{name}/", faults.Status(500))
    mirror = make_mirror(workers=1)
    assert mirror.run("-U").status == 3
    index.clear()
    for name in ("d", "e"):
        index.add(name, "1.0")
    assert mirror.run("-U").status == 3
    pages = [path for path in index.paths() if path.startswith("/simple/") and path != LIST]
    assert pages == [f"/simple/{name}/" for name in ("d", "e", "a", "b", "c")]


def test_an_outage_of_a_mirror_of_plain_names_pauses_nothing(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="attrs six")
    mirror.update()
    index.add("six", "2.0")
    index.stop()
    for _ in range(4):
        assert mirror.run("-U").status == 4
    index.start()
    mirror.update()
    assert mirror.check_links() == 6


def test_a_full_check_mends_core_metadata_that_was_cut(index: FakeIndex, mirror: Mirror) -> None:
    before = {path: entry.content for path, entry in mirror.tree().items()}
    (mirror.root / "six" / f"{WHEEL}.metadata").write_bytes(b"")
    assert mirror.run("-I") == GOOD
    assert {path: entry.content for path, entry in mirror.tree().items()} == before
