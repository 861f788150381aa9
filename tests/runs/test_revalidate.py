"""No hint is believed for ever: pages are asked for again, and files that have no digest looked at."""

import json
from collections.abc import Callable

import pytest

from tests import faults
from tests.distributions import make_wheel, metadata_of
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

DAY_H = 24.0
LIST, PAGE = "/simple/", "/simple/six/"
WHEEL, SDIST = "six-1.0-py3-none-any.whl", "six-1.0.tar.gz"


def asked(index: FakeIndex) -> list[tuple[str, int]]:
    return [(request.path, request.status) for request in index.requests]


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    for number in range(8):
        index.add(f"project-{number}", "1.0", wheel=False)
    index.add("six", "1.0")
    made = make_mirror()
    made.update()
    index.clear()
    return made


def sneak(index: FakeIndex) -> None:
    """Add a file that neither a serial nor the list tells of."""
    six, serial = index.project("six"), index.serial
    before = six.serial
    index.add("six", "2.0", wheel=False)
    six.serial, index.serial = before, serial


# -- pages ------------------------------------------------------------------------------------


def test_each_page_is_asked_for_within_so_many_days(index: FakeIndex, mirror: Mirror) -> None:
    sneak(index)
    mirror.age(22 * DAY_H)
    mirror.update()
    assert [path for path in index.paths() if path != LIST] == []
    mirror.age(8 * DAY_H)
    mirror.update()
    pages = {path for path in index.paths() if path.startswith("/simple/") and path != LIST}
    assert len(pages) == 9
    assert "six-2.0.tar.gz" in mirror.listed("six")
    index.clear()
    mirror.update()
    assert index.paths() == [LIST]


def test_requests_are_conditional_and_spread(index: FakeIndex, mirror: Mirror) -> None:
    before = mirror.tree()
    days = set()
    for day in range(22, 31):
        mirror.age((22 if day == 22 else 1) * DAY_H)
        index.clear()
        mirror.update()
        found = [each for each in asked(index) if each[0] != LIST]
        assert {status for _, status in found} <= {304}
        if found:
            days.add(day)
    assert len(days) >= 3
    assert mirror.tree() == before


def test_it_can_be_turned_off_and_changed(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure(revalidate_days=0)
    mirror.update()
    mirror.age(400 * DAY_H)
    index.clear()
    mirror.update()
    assert index.paths() == [LIST]
    mirror.configure(revalidate_days=1000)
    mirror.update()
    assert index.paths() == [LIST, LIST]
    mirror.configure(revalidate_days=100)
    index.clear()
    mirror.update()
    assert len(index.paths()) == 10


def test_one_page_that_fails_then_is_a_failure_like_others(index: FakeIndex, mirror: Mirror) -> None:
    mirror.age(31 * DAY_H)
    index.fault(PAGE, faults.Status(500))
    assert mirror.run("-U").status == 3
    index.clear_faults()
    mirror.update()


# -- serials that say nothing --------------------------------------------------------------------


@pytest.mark.parametrize("package_matches", ["*", "s*"])
def test_one_serial_for_all_is_none(index: FakeIndex, make_mirror: MakeMirror, package_matches: str) -> None:
    index.constant_serial = 1_000_000_000
    index.add("attrs", "1.0")
    index.add("six", "1.0")
    mirror = make_mirror(package_matches=package_matches)
    mirror.update()
    index.add("six", "2.0", wheel=False)
    mirror.update()
    assert "six-2.0.tar.gz" in mirror.listed("six")


def test_a_serial_that_all_pages_have_makes_none_of_them_old(index: FakeIndex, mirror: Mirror) -> None:
    for number in range(3):
        index.add(f"project-{number}", "2.0", wheel=False)
        index.fault(f"/simple/project-{number}/", faults.Headers({"X-PyPI-Last-Serial": "7"}))
    index.formats = ("html",)
    assert mirror.run("-I").status == 0
    for _ in range(2):
        for number in range(3):
            index.touch(f"project-{number}")
        mirror.update()
    assert json.loads(mirror.run("--status", "--json").stdout)["pending_count"] <= 1


# -- two spellings ---------------------------------------------------------------------------------


def test_two_spellings_in_the_list_settle_in_the_first_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("Six", "1.0")
    index.add("attrs", "1.0")
    entries = b'{"name":"Six"},{"name":"six"},{"name":"attrs"}'
    index.fault(
        LIST,
        faults.Body(
            b'{"meta":{"api-version":"1.0"},"projects":[%b]}' % entries,
            "application/vnd.pypi.simple.v1+json",
        ),
    )
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    for _ in range(2):
        mirror.update()
        assert mirror.tree() == before


# -- files without a digest --------------------------------------------------------------------------


@pytest.fixture
def bare(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    """Mirror an index that offers no digests, as folder listings do."""
    index.serials = False
    index.add_file("six", SDIST, b"old bytes", hashes={}, size=None)
    index.add_file("six", WHEEL, make_wheel("six", "1.0")[1], hashes={}, size=None)
    index.add("attrs", "1.0")
    made = make_mirror()
    made.update()
    index.clear()
    return made


def held(mirror: Mirror, filename: str = SDIST) -> bytes:
    return (mirror.root / "six" / filename).read_bytes()


def swap(index: FakeIndex, content: bytes) -> None:
    """Change a file's bytes, and nothing on the page."""
    for file in index.files("six"):
        if file.filename == SDIST:
            file.content = content


def test_files_without_a_digest_are_looked_at_again(index: FakeIndex, bare: Mirror) -> None:
    bare.update()
    assert index.downloads() == []
    assert bare.run("-I").status == 0
    looked = [each for each in asked(index) if each[0].startswith("/files/six/")]
    assert sorted(looked) == [(f"/files/six/{WHEEL}", 304), (f"/files/six/{SDIST}", 304)]
    assert held(bare) == b"old bytes"


@pytest.mark.parametrize("how", ["-I", "in time"])
def test_changed_bytes_without_a_digest_are_refused_or_taken(
    index: FakeIndex, bare: Mirror, how: str
) -> None:
    swap(index, b"new bytes, and more of them")
    if how == "in time":
        bare.age(31 * DAY_H)
    ended = bare.run("-I" if how == "-I" else "-U")
    assert ended.status == 3
    assert "accepted_changes = six-1.0.tar.gz sha256=" in ended.stderr
    assert held(bare) == b"old bytes"
    assert bare.run("-U").status == 3, "it is not forgotten"
    assert held(bare) == b"old bytes"
    line = ended.stderr.partition("accepted_changes = ")[2].partition(" (since")[0]
    bare.configure(accepted_changes=line)
    bare.update()
    assert held(bare) == b"new bytes, and more of them"
    bare.check_links()
    bare.update()


def test_bytes_that_changed_back_are_right_again(index: FakeIndex, bare: Mirror) -> None:
    swap(index, b"new bytes")
    assert bare.run("-I").status == 3
    swap(index, b"old bytes")
    assert bare.run("-I").status == 0
    assert held(bare) == b"old bytes"


def test_replace_changed_files_takes_bytes_without_a_digest(index: FakeIndex, bare: Mirror) -> None:
    bare.configure(replace_changed_files=True)
    bare.update()
    swap(index, b"newer")
    assert bare.run("-I").status == 0
    assert held(bare) == b"newer"
    bare.check_links()


def test_any_change_of_an_entry_without_a_digest_is_looked_into(index: FakeIndex, bare: Mirror) -> None:
    swap(index, b"new bytes")
    next(file for file in index.files("six") if file.filename == SDIST).requires_python = ">=3.9"
    index.touch("six")
    assert bare.run("-U").status == 3
    assert held(bare) == b"old bytes"


# -- core metadata ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_digest", [True, False])
def test_core_metadata_is_the_wheel_s_own_whatever_is_offered(
    index: FakeIndex,
    make_mirror: MakeMirror,
    has_digest: bool,
) -> None:
    filename, content = make_wheel("six", "1.0")
    hashes: dict[str, str] | None = None if has_digest else {}
    index.add_file("six", filename, content, hashes=hashes, core_metadata=metadata_of(content))
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    other = b"Metadata-Version: 2.1\nName: six\nVersion: 1.0\nSummary: another\n"
    index.add_file("six", filename, content, hashes=hashes, core_metadata=other)
    mirror.update()
    assert mirror.contents()[f"six/{filename}.metadata"] == metadata_of(content)
    assert mirror.contents() == {path: entry.content for path, entry in before.items()}
    assert "core metadata that is not the wheel's own" in mirror.log


def test_a_wheel_that_was_built_anew_under_its_name_is_refused(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    filename, content = make_wheel("six", "1.0")
    index.add_file("six", filename, content, hashes={}, size=None, core_metadata=metadata_of(content))
    mirror = make_mirror()
    mirror.update()
    other = make_wheel("six", "1.0", requires_dist=["attrs"])[1]
    index.add_file("six", filename, other, hashes={}, size=None, core_metadata=metadata_of(other))
    ended = mirror.run("-U")
    assert ended.status == 3
    assert f"accepted_changes = {filename} sha256=" in ended.stderr
    assert held(mirror, filename) == content
    mirror.configure(replace_changed_files=True)
    mirror.update()
    assert held(mirror, filename) == other
    assert mirror.contents()[f"six/{filename}.metadata"] == metadata_of(other)
    mirror.check_links()
