"""What leaves the mirror: when, in which order, and what stops it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror, is_over

MakeMirror = Callable[..., Mirror]

WHEEL, SDIST = "six-1.0-py3-none-any.whl", "six-1.0.tar.gz"


def fill(index: FakeIndex, count: int = 0) -> None:
    for name in ("attrs", "six", "zope.event", *(f"project-{n}" for n in range(count))):
        index.add(name, "1.0")
        index.add(name, "2.0", wheel=False)


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    fill(index)
    made = make_mirror()
    made.update()
    index.clear()
    return made


# -- what upstream dropped -------------------------------------------------------------------


def test_a_file_leaves_the_page_at_once_and_the_tree_after_its_grace(
    index: FakeIndex, mirror: Mirror
) -> None:
    index.remove_file("six", WHEEL)
    mirror.update()
    assert mirror.listed("six") == {SDIST, "six-2.0.tar.gz"}
    assert {f"six/{WHEEL}", f"six/{WHEEL}.metadata"} <= mirror.names()
    mirror.age(hours=23)
    mirror.update()
    assert f"six/{WHEEL}" in mirror.names()
    mirror.age(hours=1.1)
    mirror.update()
    assert not {f"six/{WHEEL}", f"six/{WHEEL}.metadata"} & mirror.names()
    assert mirror.check_links() == 8


def test_a_project_leaves_the_pages_at_once_and_the_tree_after_its_grace(
    index: FakeIndex, mirror: Mirror
) -> None:
    index.remove("six")
    mirror.update()
    assert mirror.projects() == ["attrs", "zope.event"]
    assert {path for path in mirror.tree() if path.startswith("six/")} == {
        f"six/{WHEEL}",
        f"six/{WHEEL}.metadata",
        f"six/{SDIST}",
        "six/six-2.0.tar.gz",
    }
    mirror.age(hours=25)
    mirror.update()
    assert not (mirror.root / "six").exists()


def test_without_grace_files_go_at_the_end_of_the_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(removal_grace_hours=0, full_index=True)
    mirror.update()
    index.remove("attrs")
    index.remove_file("six", WHEEL)
    mirror.update()
    assert not (mirror.root / "attrs").exists()
    assert f"six/{WHEEL}" not in mirror.names()
    full = (mirror.root / "full.html").read_text()
    assert WHEEL not in full
    assert "attrs" not in full
    assert "six-2.0" in full


@pytest.mark.parametrize("whole", [True, False])
def test_what_comes_back_within_its_grace_is_kept_without_a_download(
    index: FakeIndex,
    mirror: Mirror,
    whole: bool,
) -> None:
    before = {path: entry.content for path, entry in mirror.tree().items()}
    file = next(file for file in index.files("six") if file.filename == WHEEL)
    record = index.project("six")
    if whole:
        index.remove("six")
    else:
        index.remove_file("six", WHEEL)
    mirror.update()
    assert {path: entry.content for path, entry in mirror.tree().items()} != before
    if whole:
        for each in record.files:
            index.add_file(
                "six",
                each.filename,
                each.content,
                upload_time=each.upload_time,
                core_metadata=each.core_metadata,
            )
    else:
        index.add_file(
            "six", WHEEL, file.content, upload_time=file.upload_time, core_metadata=file.core_metadata
        )
    index.clear()
    mirror.update()
    assert index.downloads() == []
    assert {path: entry.content for path, entry in mirror.tree().items()} == before
    mirror.age(hours=48)
    mirror.update()
    assert mirror.check_links() == 9


def test_what_comes_back_after_somebody_deleted_it_is_fetched(index: FakeIndex, mirror: Mirror) -> None:
    record = index.project("six")
    index.remove("six")
    mirror.update()
    (mirror.root / "six" / SDIST).unlink()
    for file in record.files:
        index.add_file("six", file.filename, file.content, core_metadata=file.core_metadata)
    mirror.update()
    assert mirror.check_links() == 9


def test_a_name_that_is_not_there_any_more_leaves_a_mirror_of_plain_names(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="attrs six")
    mirror.update()
    index.remove("six")
    assert mirror.run("-U").status == 3  # the configuration still names it
    assert mirror.projects() == ["attrs"]
    assert "WARNING six: upstream no longer has it" in mirror.log


def test_cleanup_off_keeps_what_upstream_dropped_on_the_pages(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(cleanup=False, removal_grace_hours=0)
    mirror.update()
    before = mirror.tree()
    index.remove("attrs")
    index.remove_file("six", WHEEL)
    mirror.update()
    assert mirror.tree() == before
    mirror.configure(removal_grace_hours=0)
    index.clear()
    mirror.update()
    assert mirror.projects() == ["six", "zope.event"]
    assert mirror.listed("six") == {SDIST, "six-2.0.tar.gz"}
    assert index.paths() == ["/simple/"], "the state knew"


@pytest.mark.parametrize("is_whole", [True, False])
def test_cleanup_off_keeps_what_upstream_dropped_though_it_was_damaged(
    index: FakeIndex, make_mirror: MakeMirror, *, is_whole: bool
) -> None:
    """Nobody else has it any more, and perhaps something can be saved of it."""
    fill(index)
    mirror = make_mirror(cleanup=False, removal_grace_hours=0)
    mirror.update()
    if is_whole:
        index.remove("six")
    else:
        index.remove_file("six", WHEEL)
    mirror.update()
    damaged = mirror.root / "six" / WHEEL
    damaged.write_bytes(damaged.read_bytes() + b"!")
    for arguments in (["-I"], ["--verify", "--repair"], ["-U"]):
        mirror.run(*arguments)
        assert damaged.exists(), arguments
        assert WHEEL not in mirror.listed("six")
    mirror.check_links()


@pytest.mark.parametrize("is_whole", [True, False])
def test_cleanup_off_keeps_nothing_of_what_never_came(
    index: FakeIndex, make_mirror: MakeMirror, *, is_whole: bool
) -> None:
    fill(index)
    index.add("new", "1.0")
    index.fault("/files/new/*" if is_whole else "/files/new/*.whl", faults.Status(404))
    mirror = make_mirror(cleanup=False)
    assert mirror.run("-U").status == 3
    for file in index.files("new"):
        if is_whole or file.filename.endswith(".whl"):
            index.remove_file("new", file.filename)
    mirror.run("-U")
    assert "in grace   0 (0 B)" in mirror.run("--status").stdout


# -- what the configuration deselects ----------------------------------------------------------


def test_a_deselected_project_leaves_the_pages_and_after_its_grace_the_tree(
    index: FakeIndex, mirror: Mirror
) -> None:
    mirror.configure(package_matches="*", package_excludes="six")
    mirror.update()
    assert mirror.projects() == ["attrs", "zope.event"]
    assert not (mirror.root / "six/index.html").exists()
    assert f"six/{SDIST}" in mirror.names()
    mirror.age(hours=25)
    mirror.update()
    assert not (mirror.root / "six").exists()
    mirror.configure()
    mirror.update()
    assert mirror.check_links() == 9


def test_deselected_files_leave_the_pages_also_of_a_project_that_fails(
    index: FakeIndex, mirror: Mirror
) -> None:
    index.fault("/simple/six/", faults.Status(500))
    mirror.configure(filename_excludes="*.whl")
    assert mirror.run("-U").status == 3
    assert mirror.listed("six") == {SDIST, "six-2.0.tar.gz"}
    assert mirror.listed("attrs") == {"attrs-1.0.tar.gz", "attrs-2.0.tar.gz"}
    assert index.downloads() == []


def test_without_cleanup_deselected_files_stay_on_the_disk(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(cleanup=False, removal_grace_hours=0)
    mirror.update()
    names = mirror.names()
    mirror.configure(
        cleanup=False, removal_grace_hours=0, package_excludes="attrs", filename_excludes="*.whl"
    )
    mirror.update()
    assert mirror.projects() == ["six", "zope.event"]
    assert mirror.listed("six") == {SDIST, "six-2.0.tar.gz"}
    assert not (mirror.root / "attrs/index.html").exists()
    assert mirror.names() == names


def test_deselecting_everything_but_one_is_asked_about_first(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, count=10)
    mirror = make_mirror(removal_grace_hours=0)
    mirror.update()
    mirror.configure(removal_grace_hours=0, package_matches="six")
    assert mirror.run("-U").status == 7
    assert is_over(mirror.run("-U", "--allow-removals"))
    assert {path.partition("/")[0] for path in mirror.names()} == {"six"}


def test_a_deselected_project_that_fails_is_no_failure_any_more(index: FakeIndex, mirror: Mirror) -> None:
    index.add("six", "3.0")
    index.fault("/simple/six/", faults.Status(500))
    assert mirror.run("-U").status == 3
    mirror.configure(package_excludes="six")
    mirror.update()


def test_a_pattern_that_changes_back_within_the_grace_costs_no_download(
    index: FakeIndex, mirror: Mirror
) -> None:
    before = {path: entry.content for path, entry in mirror.tree().items()}
    mirror.configure(filename_matches="*.tar.gz", package_excludes="attrs")
    mirror.update()
    mirror.configure()
    mirror.update()
    assert index.downloads() == []
    assert {path: entry.content for path, entry in mirror.tree().items()} == before


def test_indexes_only_takes_off_what_is_deselected(mirror: Mirror) -> None:
    mirror.configure(package_excludes="six")
    assert mirror.run("-i") == Ended(0, "", "")
    assert mirror.projects() == ["attrs", "zope.event"]
    assert not (mirror.root / "six/index.html").exists()


# -- the limit ------------------------------------------------------------------------------------


def lose(index: FakeIndex, count: int) -> None:
    for number in range(count):
        index.remove(f"project-{number}")


def test_too_many_projects_stop_all_removals_of_the_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, count=10)
    mirror = make_mirror(removal_grace_hours=0)
    mirror.update()
    lose(index, 4)
    index.remove_file("six", WHEEL)
    index.add("six", "3.0", wheel=False)
    index.add("new", "1.0")
    before = mirror.tree()
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "4 of 13 projects and 13 of 39 files" in ended.stderr
    assert "would go: project-0\n" in ended.stderr
    assert "--allow-removals" in ended.stderr
    assert set(before) <= set(mirror.tree())
    assert "new" in mirror.projects()
    assert WHEEL in mirror.listed("six")
    assert "six-3.0.tar.gz" in mirror.listed("six")
    index.clear()
    assert mirror.run("-U") == Ended(7, "", ""), "told once a day"
    assert index.paths() == ["/simple/"]
    mirror.configure(removal_grace_hours=0, removal_limit=5)
    assert mirror.run("-U").status == 7
    assert is_over(mirror.run("-U", "--allow-removals"))
    assert "project-0" not in mirror.projects()
    assert not (mirror.root / "project-0").exists()
    assert WHEEL not in mirror.listed("six")
    assert mirror.check_links() == (13 - 4) * 3 - 1 + 1 + 2


def test_a_limit_that_is_not_reached_stops_nothing(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, count=10)
    mirror = make_mirror(removal_limit="40 %")
    mirror.update()
    lose(index, 4)
    mirror.update()
    assert len(mirror.projects()) == 9


def test_three_projects_may_always_go(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index, count=4)
    mirror = make_mirror(removal_limit=0)
    mirror.update()
    for name in ("attrs", "six", "zope.event"):
        index.remove(name)
    mirror.update()
    assert mirror.projects() == ["project-0", "project-1", "project-2", "project-3"]


def test_too_many_files_stop_all_removals_of_the_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(102):
        index.add_file("six", f"six-{number}.tar.gz", b"%d" % number)
    mirror = make_mirror()
    mirror.update()
    for number in range(51):
        index.remove_file("six", f"six-{number}.tar.gz")
    ended = mirror.run("-U")
    assert ended.status == 7
    assert "0 of 1 project and 51 of 102 files" in ended.stderr
    assert "would go: six/six-0.tar.gz\n" in ended.stderr
    assert len(mirror.listed("six")) == 102
    index.add_file("six", "six-0.tar.gz", b"0")
    mirror.update()
    assert len(mirror.listed("six")) == 52


def test_every_project_never_goes(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(package_matches="six", removal_limit=100)
    mirror.update()
    before = mirror.tree()
    index.remove("six")
    assert mirror.run("-U").status == 7
    assert mirror.tree() == before


def test_a_wrong_index_that_answers_404_to_all_removes_nothing(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(package_matches="six attrs", removal_limit=100)
    mirror.update()
    before = mirror.tree()
    mirror.index_url = f"{index.origin}/other/"
    mirror.configure(package_matches="six attrs", removal_limit=100)
    assert mirror.run("-U").status == 7
    assert mirror.tree() == before


def test_what_is_deselected_goes_even_where_upstream_lost_too_much(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index, count=10)
    mirror = make_mirror()
    mirror.update()
    lose(index, 4)
    mirror.configure(package_excludes="six")
    assert mirror.run("-U").status == 7
    assert "six" not in mirror.projects()
    assert "project-0" in mirror.projects()


# -- only a good answer removes ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(404),
        faults.Status(410),
        faults.Status(500),
        faults.Cut(60),
        faults.Body(
            b'{"meta":{"api-version":"1.0"},"name":"six","files":', "application/vnd.pypi.simple.v1+json"
        ),
        faults.Body(b"<html><a href=/login>log in</a></html>", "text/html"),
        faults.Body(
            b'<html><meta name="pypi:repository-version" content="1.0"></html>',
            "application/vnd.pypi.simple.v1+html",
        ),
        faults.Redirect("http://localhost:{port}/empty/"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_page_that_is_not_good_removes_nothing(
    index: FakeIndex, mirror: Mirror, fault: faults.Fault
) -> None:
    if isinstance(fault, faults.Redirect):
        port = index.origin.rpartition(":")[2]
        index.fault(
            "/empty/",
            faults.Body(
                b'{"meta":{"api-version":"1.0"},"name":"six","files":[]}',
                "application/vnd.pypi.simple.v1+json",
            ),
        )
        fault = faults.Redirect(fault.location.format(port=port))
    index.touch("six")
    index.fault("/simple/six/", fault)
    before = mirror.tree()
    assert mirror.run("-U").status in (0, 3)
    assert mirror.tree() == before


def test_a_page_older_than_the_list_removes_nothing(index: FakeIndex, mirror: Mirror) -> None:
    stale = b'{"meta":{"api-version":"1.0","_last-serial":1},"name":"six","files":[]}'
    index.touch("six")
    index.fault("/simple/six/", faults.Body(stale, "application/vnd.pypi.simple.v1+json"))
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_one_bad_entry_keeps_nothing_but_itself(index: FakeIndex, mirror: Mirror) -> None:
    index.remove_file("six", WHEEL)
    (kept, *_) = index.files("six")
    kept.url = "ftp://index.example.org/" + kept.filename
    index.touch("six")
    mirror.update()
    assert WHEEL not in mirror.listed("six")
    assert kept.filename in mirror.listed("six")
    assert "is none of http or https" in mirror.log


@pytest.mark.parametrize(
    "fault",
    [
        faults.Body(b'{"meta":{"api-version":"1.0"},"projects":[]}', "application/vnd.pypi.simple.v1+json"),
        faults.Cut(60),
        faults.Body(b"<html><a href=/simple/attrs/>attrs</a></html>", "text/html"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_list_that_is_not_good_removes_nothing(
    index: FakeIndex, mirror: Mirror, fault: faults.Fault
) -> None:
    index.touch("six")
    index.fault("/simple/", fault)
    before = mirror.tree()
    assert mirror.run("-U").status == 4
    assert mirror.tree() == before


def test_a_list_from_another_host_removes_nothing(index: FakeIndex, mirror: Mirror) -> None:
    port = index.origin.rpartition(":")[2]
    short = b'{"meta":{"api-version":"1.0"},"projects":[{"name":"attrs"}]}'
    index.fault("/simple/", faults.Redirect(f"http://localhost:{port}/short/"))
    index.fault("/short/", faults.Body(short, "application/vnd.pypi.simple.v1+json"))
    index.touch("six")
    before = mirror.tree()
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "index_hosts" in ended.stderr
    assert mirror.tree() == before


# -- order, and what is foreign -----------------------------------------------------------------------


def test_foreign_files_are_never_touched(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(removal_grace_hours=0)
    mirror.update()
    foreign = ("six/README.txt", "six/six-0.1.tar.gz", "notes/todo.txt", "robots.txt", "attrs/.htaccess")
    for name in foreign:
        path = mirror.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    index.remove("six")
    mirror.configure(removal_grace_hours=0, package_excludes="attrs")
    mirror.update()
    assert [name for name in foreign if not (mirror.root / name).exists()] == []
    assert mirror.names() == {*foreign, *(path for path in mirror.names() if path.startswith("zope-event/"))}


def test_a_folder_where_a_file_was_is_left_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(removal_grace_hours=0)
    mirror.update()
    place = mirror.root / "six" / SDIST
    place.unlink()
    place.mkdir()
    index.remove_file("six", SDIST)
    mirror.update()
    assert place.is_dir()


def test_turning_pages_off_removes_ours_alone(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    fill(index)
    mirror = make_mirror(full_index=True)
    mirror.update()
    names = mirror.names() - {"full.html"}
    (mirror.root / "attrs/index.html").write_text("<html>somebody's own</html>")
    mirror.configure(create_indexes=False)
    mirror.update()
    assert set(mirror.tree()) == names | {"attrs/index.html"}
    (mirror.root / "attrs/index.html").unlink()
    mirror.configure()
    mirror.update()
    assert mirror.check_links() == 9
    mirror.configure(full_index=True)
    mirror.update()
    mirror.configure()
    mirror.update()
    assert not (mirror.root / "full.html").exists()


def test_a_mirror_that_never_had_pages_leaves_a_front_page_alone(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    fill(index)
    mirror = make_mirror(create_indexes=False)
    mirror.root.mkdir()
    front = '<html><meta name="pypi:repository-version" content="1.0"></html>'
    (mirror.root / "index.html").write_text(front)
    mirror.update()
    assert (mirror.root / "index.html").read_text() == front
