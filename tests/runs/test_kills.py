"""kill -9 at random instants: what is there is whole, and the next run ends as if nothing had happened."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror

pytestmark = pytest.mark.disk

KILLS = 6


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
    assert mirror.contents() == undisturbed.contents()


def test_an_upstream_that_restarts_in_mid_run_costs_nothing(index: FakeIndex, tmp_path: Path) -> None:
    def restart() -> None:
        index.stop()
        index.start()

    fill(index)
    index.fault("/files/project-2/*", faults.Call(restart), times=1)
    # More at once would be as many failures in a row, which give a host up.
    mirror = Mirror(tmp_path, index.url, retries=3, workers=2)
    assert mirror.run("-U") == GOOD
    assert mirror.check_links() == 36


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")
def test_no_process_outlives_a_killed_run_nor_holds_its_lock(index: FakeIndex, tmp_path: Path) -> None:
    fill(index)
    index.fault("/files/*", faults.Hang(20))
    mirror = Mirror(tmp_path, index.url, workers=4, timeout=60)
    process = mirror.start("-U")
    wait_until(lambda: any(request.path.startswith("/files/") for request in index.requests))
    members = children_of(process.pid)
    assert members
    index.clear_faults()
    process.kill()
    process.communicate()
    mirror.update()  # would be status 5, if one of them held the lock
    wait_until(lambda: not any(is_alive(member) for member in members))
    assert mirror.check_links() == 36
