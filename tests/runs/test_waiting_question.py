"""A question about a changed configuration waits for its answer in runs for some projects, too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror, is_over

MakeMirror = Callable[..., Mirror]


@pytest.fixture(autouse=True)
def filled(index: FakeIndex) -> None:
    for number in range(6):
        index.add("demo", f"{number}.0")
    index.add("other", "1.0")
    index.add("app", "1.0", requires_dist=["demo"])


@pytest.mark.parametrize("first", [["-U"], ["-U", "--project", "other"]])
def test_other_patterns(index: FakeIndex, make_mirror: MakeMirror, first: list[str]) -> None:
    mirror = make_mirror()
    mirror.update()
    before = mirror.contents()
    mirror.configure(filename_matches="*.whel")
    assert mirror.run(*first).status == 7
    index.add("other", "2.0")
    for name in ("demo", "other"):
        ended = mirror.run("-U", "--project", name)
        assert ended.status == 7
        assert "no longer selects" in mirror.log.splitlines()[-1]
        assert mirror.contents() == before
    dry = mirror.run("-U", "--project", "other", "--dry-run")
    assert dry.status == 7
    assert "run once with --allow-removals" in dry.stdout
    assert mirror.run("-U").status == 7
    mirror.configure()
    assert is_over(mirror.run("-U", "--project", "other"))
    assert mirror.run("-U") == GOOD


def test_a_yes_in_a_run_for_one_project(make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    mirror.update()
    mirror.configure(package_excludes="demo")
    assert mirror.run("-U", "--project", "other").status == 7
    assert mirror.run("-U", "--project", "other", "--allow-removals").status == 0
    assert mirror.projects() == ["app", "other"]
    assert mirror.run("-U", "--project", "other") == mirror.run("-U") == GOOD


def test_other_requirements(make_mirror: MakeMirror, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    options = {"package_matches": None, "requirements": "requirements.txt", "dependencies": True}
    mirror = make_mirror(**options)
    mirror.update()
    before = mirror.contents()
    (tmp_path / "requirements.txt").write_text("other\n")
    assert mirror.run("-U").status == 7
    for more in ([], ["--allow-removals"]):
        ended = mirror.run("-U", "--project", "other", *more)
        assert ended.status == 7
        assert "run once with --allow-removals and without --project" in mirror.log
        assert mirror.contents() == before
    assert mirror.run("-U", "--allow-removals").status == 0
    assert mirror.projects() == ["other"]
    assert mirror.run("-U", "--project", "other") == GOOD


def test_an_answer_that_another_configuration_gives(make_mirror: MakeMirror, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    options = {"package_matches": None, "requirements": "requirements.txt", "dependencies": True}
    mirror = make_mirror(**options)
    mirror.update()
    (tmp_path / "requirements.txt").write_text("other\n")
    assert mirror.run("-U").status == 7
    (tmp_path / "requirements.txt").write_text("app\nother\n")
    assert mirror.run("-U", "--project", "other").status == 0
    assert mirror.run("-U").status == 0
    assert mirror.projects() == ["app", "demo", "other"]
