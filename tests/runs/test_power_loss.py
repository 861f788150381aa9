"""Power cuts: what was stored since the last sync point is read again after a run that did not end well.

A run that is killed, and files that are cut, zeroed or gone afterwards, are what a power cut leaves.
"""

import shutil
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import KILLED, Stepper

READ_AGAIN = "the last run did not come to its end"


@pytest.fixture
def mirror(index: FakeIndex, tmp_path: Path) -> Mirror:
    for number in range(4):
        for version in ("1.0", "1.1"):
            index.add(f"project-{number}", version, extra_size=2000)
    return Mirror(tmp_path / "cut", index.url, removal_grace_hours=0, removal_limit=100)


@pytest.fixture
def undisturbed(index: FakeIndex, mirror: Mirror, tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / "undisturbed", index.url, removal_grace_hours=0, removal_limit=100)


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def downloads(index: FakeIndex) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in index.paths() if path.startswith("/files/"))


def test_what_a_power_cut_damaged_is_mended(
    index: FakeIndex, mirror: Mirror, undisturbed: Mirror, stepper: Stepper
) -> None:
    assert stepper.run(mirror.config, "-U", kill_at="sync").status == KILLED
    root = mirror.root
    (root / "project-0/project_0-1.0-py3-none-any.whl").write_bytes(b"")
    zero(root / "project-1/project_1-1.1.tar.gz")
    (root / "project-2/project_2-1.0.tar.gz").unlink()
    zero(root / "project-0/project_0-1.1-py3-none-any.whl.metadata")
    (root / "project-1/project_1-1.0-py3-none-any.whl.metadata").unlink()
    (root / "project-2/project_2-1.0-py3-none-any.whl.metadata").write_bytes(b"")
    (root / "project-1/index.html").write_bytes(b"")
    zero(root / "project-2/index.v1_json")
    (root / "project-3/index.html").unlink()
    zero(root / "index.html")
    (root / "index.v1_json").write_bytes(b"")
    index.clear()
    mirror.update()
    assert READ_AGAIN in mirror.log
    assert downloads(index) == [
        "project_0-1.0-py3-none-any.whl",
        "project_1-1.1.tar.gz",
        "project_2-1.0.tar.gz",
    ]
    undisturbed.update()
    assert mirror.check_links() == 16
    assert mirror.contents() == undisturbed.contents()


def test_pages_lose_their_links_to_what_a_power_cut_took_while_upstream_is_down(
    index: FakeIndex, mirror: Mirror, stepper: Stepper
) -> None:
    assert stepper.run(mirror.config, "-U", kill_at="sync").status == KILLED
    zero(mirror.root / "project-1/project_1-1.1.tar.gz")
    assert stepper.run(mirror.config, "-i").status == 3
    assert mirror.check_links() == 15


def test_removals_that_a_power_cut_took_back_are_done_again(
    index: FakeIndex, mirror: Mirror, undisturbed: Mirror, stepper: Stepper
) -> None:
    mirror.update()
    before = shutil.copytree(mirror.root, mirror.folder / "before", symlinks=True)
    index.remove("project-0")
    index.remove_file("project-1", "project_1-1.0.tar.gz")
    assert stepper.run(mirror.config, "-U", kill_at="sync").status == KILLED
    assert not (mirror.root / "project-0/index.html").exists()
    for name in ("project-0", "project-1"):
        shutil.copytree(before / name, mirror.root / name, dirs_exist_ok=True)
    mirror.update()
    undisturbed.update()
    assert mirror.check_links() == 11
    assert mirror.contents() == undisturbed.contents()
    assert not (mirror.root / "project-0").exists()


def test_a_run_has_one_sync_point_a_long_one_several_and_one_without_news_none(
    mirror: Mirror, stepper: Stepper, tmp_path: Path
) -> None:
    assert stepper.run(mirror.config, "-U").steps.count("sync") == 1
    assert stepper.run(mirror.config, "-U").steps.count("sync") == 0
    long = Mirror(tmp_path / "long", mirror.index_url)
    ended = stepper.run(long.config, "-U", sync_every=0)
    assert ended.status == 0
    assert ended.steps.count("sync") > 1


def test_a_sync_that_fails_is_no_clean_end(index: FakeIndex, mirror: Mirror, stepper: Stepper) -> None:
    assert stepper.run(mirror.config, "-U", fail_at="sync").status == 1
    damaged = mirror.root / "project-1/project_1-1.1.tar.gz"
    content = damaged.read_bytes()
    zero(damaged)
    mirror.update()
    assert damaged.read_bytes() == content
