"""--dry-run: says what a run would do and how it would end, and writes nothing but the log."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pypimirror.amounts import size_text
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Entry, Mirror

MakeMirror = Callable[..., Mirror]


def everything(mirror: Mirror) -> dict[str, bytes]:
    """Return every file below the mirror's folder but the log."""
    return {
        str(path.relative_to(mirror.root)): path.read_bytes()
        for path in sorted(mirror.root.rglob("*"))
        if path.is_file() and path.suffix != ".log"
    }


def dry(mirror: Mirror, *arguments: str, status: int = 0) -> str:
    before = everything(mirror)
    ended = mirror.run(*(arguments or ("-U",)), "--dry-run")
    assert (ended.status, ended.stderr) == (status, "")
    assert everything(mirror) == before | {".pypimirror/lock": b""}
    assert f"it would end with status {status}" in ended.stdout
    return ended.stdout


def fill(index: FakeIndex) -> None:
    for name in ("attrs", "six", "Zope.Event"):
        index.add(name, "1.0")


def test_an_empty_mirror(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    told = dry(mirror)
    size = sum(len(file.content) for file in index.files("six"))
    assert f"\nsix: fetch 2 ({size_text(size)})\n" in told
    assert "in all: fetch 6 " in told
    assert index.downloads() == []
    assert not mirror.tree()
    mirror.update()
    assert mirror.check_links() == 6


def test_nothing_to_do_is_told_after_conditional_requests(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    index.clear()
    assert "in all: nothing to do; 0 pages would change" in dry(mirror)
    assert [request.status for request in index.requests] == [304]


def test_what_comes_and_what_goes(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror(removal_grace_hours=0, filename_matches="*.whl *.gz")
    mirror.update()
    index.add("six", "2.0")
    index.remove_file("attrs", "attrs-1.0.tar.gz")
    mirror.configure(removal_grace_hours=0, filename_matches="*.whl *.gz", package_excludes="zope*")
    lines = dry(mirror).splitlines()
    told = {line.partition(":")[0]: line.partition(": ")[2] for line in lines}
    assert told["attrs"].startswith("keep 1 (")
    assert ", remove 1 (" in told["attrs"]
    assert told["six"].startswith("fetch 2 (")
    assert ", keep 2 (" in told["six"]
    assert told["zope-event"].startswith("remove 2 (")
    assert told["in all"].startswith("fetch 2 (")
    assert ", remove 3 (" in told["in all"]
    mirror.update()
    assert mirror.projects() == ["attrs", "six"]
    assert not (mirror.root / "zope-event").exists()


def test_what_waits_for_its_grace_is_told_apart(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    index.remove_file("attrs", "attrs-1.0.tar.gz")
    assert "attrs: keep 1 (" in (told := dry(mirror))
    assert "take off the pages 1 (" in told
    assert "remove" not in told
    mirror.update()
    mirror.age(hours=25)
    assert ", remove 1 (" in dry(mirror)


def test_removals_that_are_too_many_are_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(8):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    for number in range(4):
        index.remove(f"project-{number}")
    told = dry(mirror, status=7)
    assert "would go: project-0\n" in told
    assert "--allow-removals" in told
    assert "take off the pages 8 (" in dry(mirror, "-U", "--allow-removals")


def test_too_little_space_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    told = dry(make_mirror(min_free_space="900T"), status=6)
    assert "min_free_space" in told
    assert "six: fetch 2 (" in told


def test_a_failing_project_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    index.fault("/simple/six/", faults.Status(500))
    told = dry(make_mirror(), status=3)
    assert "  six: " in told


def test_a_list_that_can_not_be_had_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.fault("/simple/", faults.Status(500))
    assert "could not be had" in dry(make_mirror(), status=4)


@pytest.mark.parametrize("mode", ["-I", "-i"])
def test_other_modes(index: FakeIndex, make_mirror: MakeMirror, mode: str) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    (mirror.root / "six/index.html").write_text("<html>")
    if mode == "-I":
        (mirror.root / "attrs/attrs-1.0.tar.gz").unlink()
    told = dry(mirror, mode)
    assert ("attrs: fetch 1 (" in told) == (mode == "-I")
    assert "; 1 page would change" in told or mode == "-I"


def test_a_lost_state_costs_no_download(index: FakeIndex, make_mirror: MakeMirror) -> None:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    assert "in all: nothing to do" in dry(mirror)
    assert not (mirror.root / ".pypimirror/state.sqlite").exists()


def test_a_z3c_tree_stays_as_it_is(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    mirror = Mirror(tmp_path, index.url)
    folder = mirror.root / "Zope.Event"
    folder.mkdir(parents=True)
    sdist = next(file for file in index.files("Zope.Event") if file.filename.endswith(".gz"))
    (folder / sdist.filename).write_bytes(sdist.content)
    (folder / "index.html").write_text("<html>")
    before: dict[str, Entry] = mirror.tree()
    told = dry(mirror)
    assert "zope-event: fetch 1 (" in told
    assert mirror.tree() == before


def test_a_lost_state_takes_no_dependency_off_the_pages(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0", requires_dist=["six"])
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="demo", dependencies=True)
    mirror.update()
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    assert "in all: nothing to do; 0 pages would change" in mirror.run("-U", "--dry-run").stdout
    mirror.update()
    assert mirror.listed("six")
