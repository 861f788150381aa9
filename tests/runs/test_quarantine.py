"""PEP 792: a project in quarantine offers nothing, and its files are out of reach."""

from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.runs.test_removal import MakeMirror, fill
from tests.stepper import KILLED, Stepper

FILES = 3
"""Of six."""


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    fill(index)
    mirror = make_mirror()
    mirror.update()
    return mirror


def set_status(index: FakeIndex, status: str) -> None:
    index.project("six").status = status
    index.touch("six")


def aside(mirror: Mirror) -> list[Path]:
    return [path for path in (mirror.root / ".pypimirror/aside").rglob("*") if path.is_file()]


def reachable(mirror: Mirror) -> set[str]:
    return {path for path in mirror.tree() if path.startswith("six/")}


def test_its_files_are_out_of_reach_at_the_end_of_the_run(index: FakeIndex, mirror: Mirror) -> None:
    held = mirror.names()
    set_status(index, "quarantined")
    mirror.update()
    assert reachable(mirror) == {"six/index.html", "six/index.v1_json"}
    assert mirror.listed("six") == set()
    assert mirror.page("six").project_status == {"status": "quarantined"}
    assert {path.name for path in aside(mirror)} == {
        Path(name).name for name in held if name.startswith("six/") and not name.endswith(".metadata")
    }
    mirror.check_links()
    index.clear()
    before = mirror.tree()
    mirror.update()
    assert (mirror.tree(), index.paths()) == (before, ["/simple/"])


def test_the_end_of_a_quarantine_brings_them_back_without_a_download(
    index: FakeIndex, mirror: Mirror
) -> None:
    before = mirror.tree()
    set_status(index, "quarantined")
    mirror.update()
    set_status(index, "active")
    index.clear()
    mirror.update()
    assert index.downloads() == []
    assert {path: entry.content for path, entry in mirror.tree().items()} == {
        path: entry.content for path, entry in before.items()
    }
    mirror.update()
    assert aside(mirror) == []


def test_after_the_grace_they_are_gone(index: FakeIndex, mirror: Mirror) -> None:
    set_status(index, "quarantined")
    mirror.update()
    mirror.age(25)
    mirror.update()
    assert aside(mirror) == []
    set_status(index, "active")
    index.clear()
    mirror.update()
    assert len(index.downloads()) == FILES
    mirror.check_links()


def test_what_was_in_its_grace_is_out_of_reach_too(index: FakeIndex, mirror: Mirror) -> None:
    index.remove_file("six", "six-1.0.tar.gz")
    mirror.update()
    assert "six/six-1.0.tar.gz" in reachable(mirror)
    set_status(index, "quarantined")
    mirror.update()
    assert reachable(mirror) == {"six/index.html", "six/index.v1_json"}
    assert len(aside(mirror)) == FILES


def test_a_page_that_offers_files_all_the_same_is_not_believed(index: FakeIndex, mirror: Mirror) -> None:
    page = index_page_with_files(index)
    set_status(index, "quarantined")
    index.fault("/simple/six/", page)
    mirror.run("-U")
    assert mirror.listed("six") == set()
    assert reachable(mirror) == {"six/index.html", "six/index.v1_json"}


def index_page_with_files(index: FakeIndex) -> faults.Body:
    files = ",".join(
        f'{{"filename":"{file.filename}","url":"../../files/six/{file.filename}",'
        f'"hashes":{{"sha256":"{file.hashes["sha256"]}"}}}}'
        for file in index.files("six")
    )
    status = '"project-status":{"status":"quarantined"}'
    text = f'{{"meta":{{"api-version":"1.4"}},"name":"six","files":[{files}],{status}}}'
    return faults.Body(text.encode(), "application/vnd.pypi.simple.v1+json")


def test_a_quarantined_project_that_leaves_the_selection_leaves_nothing(
    index: FakeIndex, mirror: Mirror
) -> None:
    set_status(index, "quarantined")
    mirror.update()
    mirror.configure(package_excludes="six", removal_grace_hours=0)
    mirror.update()
    mirror.update()
    assert aside(mirror) == []
    assert not (mirror.root / "six").exists()


def test_without_cleanup_they_stay_aside(index: FakeIndex, mirror: Mirror) -> None:
    mirror.configure(cleanup=False)
    set_status(index, "quarantined")
    mirror.update()
    mirror.age(1000)
    mirror.update()
    assert reachable(mirror) == {"six/index.html", "six/index.v1_json"}
    assert len(aside(mirror)) == FILES


def test_any_step_may_be_the_last(index: FakeIndex, mirror: Mirror, stepper: Stepper) -> None:
    set_status(index, "quarantined")
    killed = 0
    for step in range(1, 100):
        ended = stepper.run(mirror.config, "-U", kill_at=step)
        if ended.status != KILLED:
            break
        killed += 1
        mirror.check_links(is_settled=False)
    assert killed > FILES
    assert ended.status == 0
    assert reachable(mirror) == {"six/index.html", "six/index.v1_json"}
    assert len(aside(mirror)) == FILES


def test_a_power_cut_that_brings_a_file_back_is_mended(
    index: FakeIndex, mirror: Mirror, stepper: Stepper
) -> None:
    """A rename that was not yet on the disk, where the state was."""
    set_status(index, "quarantined")
    assert stepper.run(mirror.config, "-U", kill_at="sync").status == KILLED
    back = mirror.root / "six/six-1.0.tar.gz"
    (mirror.root / ".pypimirror/aside/six/six-1.0.tar.gz").rename(back)
    mirror.update()
    assert not back.exists()
    assert len(aside(mirror)) == FILES
