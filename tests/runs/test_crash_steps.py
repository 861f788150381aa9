"""A kill at every single step of the store, and a failure at every kind of step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crashes import OPTIONS, Scenario, check_steps, tried
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper

SHARES = 4


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """A mirror of six projects, and an index on which each of them changed in another way."""
    folder = tmp_path_factory.mktemp("crash")
    with FakeIndex() as index, Stepper() as stepper:
        for number in range(6):
            for version in ("1.0", "2.0"):
                index.add(f"Project.{number}", version, extra_size=500)
        wheel, sdist = index.files("project-2")[:2]
        sdist.core_metadata = b"Name: project-2\nVersion: 1.0\n"
        Mirror(folder / "before", index.url, **OPTIONS).update()
        index.remove("project-0")
        index.remove_file("project-1", index.files("project-1")[1].filename)
        wheel.yanked = "broken"
        sdist.core_metadata = b"Name: project-2\nVersion: 1.0\nSummary: mended\n"
        index.touch("project-2")
        sdist = next(file for file in index.project("project-3").files if file.filename.endswith(".gz"))
        index.add_file("project-3", sdist.filename, b"other bytes", upload_time=sdist.upload_time)
        for number in (1, 2, 4):
            index.add(f"Project.{number}", "3.0")
        index.project("project-4").name = "PROJECT_4"
        index.project("project-5").status = "quarantined"
        index.touch("project-5")
        index.add("New", "1.0")
        yield tried(Scenario(folder / "before", index.url, OPTIONS, {}, 0), stepper)


@pytest.mark.parametrize("share", range(SHARES))
def test_every_step_may_be_the_last(scenario: Scenario, stepper: Stepper, tmp_path: Path, share: int) -> None:
    assert scenario.steps > 100
    check_steps(scenario, stepper, tmp_path, "kill_at", range(share + 1, scenario.steps + 1, SHARES))


def test_every_kind_of_step_may_fail(scenario: Scenario, stepper: Stepper, tmp_path: Path) -> None:
    assert len(scenario.one_of_each_kind) > 20
    check_steps(scenario, stepper, tmp_path, "fail_at", scenario.one_of_each_kind)
