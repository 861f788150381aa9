"""A run that hangs with the lock in its hand is told: by those that find it held, and by --status."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def hanging(index: FakeIndex, make_mirror: MakeMirror) -> Iterator[Mirror]:
    """A mirror whose second run waits for its list."""
    index.add("six", "1.0")
    mirror = make_mirror(timeout=600)
    mirror.update()
    index.requests.clear()
    index.fault("/simple/", faults.Hang(600))
    running = mirror.start("-U")
    while not index.requests:
        time.sleep(0.02)
    yield mirror
    running.kill()
    running.communicate()


def test_a_lock_that_is_held_for_long_is_told_once_a_day(hanging: Mirror) -> None:
    assert hanging.run("-U") == Ended(5, "", "")
    hanging.age(23)
    assert hanging.run("-U") == Ended(5, "", "")
    hanging.age(2)
    ended = hanging.run("-U")
    assert (ended.status, ended.stdout) == (5, "")
    assert "a run has been at work since" in ended.stderr
    assert "status_max_age_hours = 24" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert hanging.run("-U") == Ended(5, "", "")
    told = hanging.root / ".pypimirror/told-lock"
    os.utime(told, (time.time() - 25 * 3600,) * 2)
    assert "a run has been at work since" in hanging.run("-U").stderr
    assert hanging.run("-U") == Ended(5, "", "")


def test_the_status_tells_of_it(hanging: Mirror) -> None:
    assert "at work since" not in hanging.run("--status").stdout
    hanging.age(25)
    ended = hanging.run("--status")
    assert ended.status == 3
    assert "why        a run has been at work since" in ended.stdout
    assert "a run has been at work since" in hanging.run("--status", "--json").stdout


def test_a_run_that_was_killed_is_not_at_work(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.fault("/simple/", faults.Hang(600))
    index.requests.clear()
    running = mirror.start("-U")
    while not index.requests:
        time.sleep(0.02)
    running.kill()
    running.communicate()
    mirror.age(25)
    ended = mirror.run("--status")
    assert "at work since" not in ended.stdout
    assert "goes on or was killed" in ended.stdout
