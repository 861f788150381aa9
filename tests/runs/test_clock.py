"""A clock that jumps by years and back."""

from collections.abc import Callable

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

YEARS = 10 * 365 * 24.0


@pytest.fixture
def mirror(index: FakeIndex, make_mirror: MakeMirror) -> Mirror:
    for number in range(4):
        index.add(f"project-{number}", "1.0")
    made = make_mirror()
    made.update()
    return made


def test_a_grace_that_began_in_the_future_begins_now(index: FakeIndex, mirror: Mirror) -> None:
    index.remove_file("project-0", "project_0-1.0.tar.gz")
    index.remove("project-1")
    mirror.update()
    mirror.age(-YEARS)
    mirror.update()
    assert "project-0/project_0-1.0.tar.gz" in mirror.names()
    mirror.age(24.1)
    mirror.update()
    assert not [
        path for path in mirror.names() if path.startswith(("project-1/", "project-0/project_0-1.0.t"))
    ]


def test_a_last_good_run_in_the_future_is_not_good(mirror: Mirror) -> None:
    assert mirror.run("--status").status == 0
    mirror.age(-YEARS)
    ended = mirror.run("--status")
    assert ended.status == 3
    assert "the clock was wrong" in ended.stdout
    mirror.update()
    assert mirror.run("--status").status == 0


@pytest.mark.parametrize("hours", [-YEARS, YEARS])
def test_trouble_and_pauses_outlive_no_jump(index: FakeIndex, mirror: Mirror, hours: float) -> None:
    index.fault("/simple/project-2/", faults.Status(503))
    index.touch("project-2")
    for _ in range(3):
        assert mirror.run("-U").status == 3
    mirror.age(hours)
    index.clear_faults()
    mirror.update()
    assert "failing    0" in mirror.run("--status").stdout


def test_what_fails_is_told_with_a_moment_that_was(index: FakeIndex, mirror: Mirror) -> None:
    index.fault("/simple/project-2/", faults.Status(503))
    index.touch("project-2")
    assert mirror.run("-U").status == 3
    mirror.age(-YEARS)
    mirror.run("-U")
    assert "(since 203" not in mirror.log.splitlines()[-1]
    assert "failing since 203" not in mirror.run("--status").stdout
