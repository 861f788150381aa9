"""A kill and a failure at every single step of the store."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash_steps import OPTIONS
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, clean_environment

SHARES = 4


def launch(*arguments: object) -> str:
    command = [sys.executable, "-m", "tests.crash_steps", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A mirror of six projects, and an index on which each of them changed in another way."""
    folder = tmp_path_factory.mktemp("crash")
    with FakeIndex() as index:
        for number in range(6):
            for version in ("1.0", "2.0"):
                index.add(f"Project.{number}", version, extra_size=500)
        Mirror(folder / "before", index.url, **OPTIONS).update()
        index.remove("project-0")
        index.remove_file("project-1", "Project.1-1.0.tar.gz".replace("Project.1", "project_1"))
        wheel = index.project("project-2").files[0]
        wheel.yanked = "broken"
        wheel.core_metadata = b"Name: project-2\nVersion: 1.0\nSummary: mended\n"
        index.touch("project-2")
        sdist = next(file for file in index.project("project-3").files if file.filename.endswith(".gz"))
        index.add_file("project-3", sdist.filename, b"other bytes", upload_time=sdist.upload_time)
        for number in (1, 2, 4, 5):
            index.add(f"Project.{number}", "3.0")
        index.add("New", "1.0")
        yield folder, index.url


@pytest.mark.parametrize("kind", ["die", "fail"])
@pytest.mark.parametrize("share", range(SHARES))
def test_every_step_may_be_the_last(scenario: tuple[Path, str], kind: str, share: int) -> None:
    folder, url = scenario
    count = int(launch("count", folder, url))
    assert count > 100
    launch(kind, folder, url, share + 1, SHARES, count)
