"""kill -9 at random instants: what is there is whole, and the next run ends as if nothing had happened."""

import random
import time
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Ended, Mirror

KILLS = 6


def contents(mirror: Mirror) -> dict[str, bytes]:
    return {path: entry.content for path, entry in mirror.tree().items()}


def fill(index: FakeIndex) -> None:
    for number in range(6):
        for version in ("1.0", "1.1", "2.0"):
            index.add(f"Project.{number}", version, extra_size=2000)


@pytest.mark.parametrize("seed", range(3))
def test_killed_runs_leave_a_servable_tree_and_the_next_run_ends_the_same(
    index: FakeIndex, tmp_path: Path, seed: int
) -> None:
    instants = random.Random(seed)
    fill(index)
    undisturbed = Mirror(tmp_path / "undisturbed", index.url)
    undisturbed.update()

    index.latency = 0.02
    mirror = Mirror(tmp_path / "killed", index.url, workers=2)
    for _ in range(KILLS):
        process = mirror.start("-U")
        time.sleep(instants.uniform(0.2, 0.9))
        process.kill()
        process.communicate()
        mirror.check_links(is_settled=False)
    index.latency = 0
    mirror.update()
    mirror.check_links()
    assert contents(mirror) == contents(undisturbed)


def test_an_upstream_that_restarts_in_mid_run_costs_nothing(index: FakeIndex, tmp_path: Path) -> None:
    def restart() -> None:
        index.stop()
        index.start()

    fill(index)
    index.fault("/files/project-2/*", faults.Call(restart), times=1)
    mirror = Mirror(tmp_path, index.url, retries=3)
    assert mirror.run("-U") == Ended(0, "", "")
    assert mirror.check_links() == 36
