"""A kill, a change upstream, a kill of the run that recovers: what is published is true at each instant."""

import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fake_index import FakeIndex, Snapshot
from tests.mirror import Mirror
from tests.stepper import KILLED, Stepper, is_soak

SHARES = 3
REPLACING = {"removal_grace_hours": 0, "replace_changed_files": True, "workers": 1, "full_index": True}
BY_DEFAULT = {"workers": 1}
UPLOADED = "2024-01-01T00:00:00Z"


class History(NamedTuple):
    """An index that changed twice, and the mirror before both."""

    upstream: FakeIndex
    before: Path
    options: Mapping[str, object]
    first: Snapshot
    second: Snapshot
    expected: dict[str, bytes]
    """What a fresh mirror of the second change has."""
    steps: int
    """Of an update to the first change."""
    one_of_each_kind: Sequence[int] = ()

    @property
    def tried(self) -> Sequence[int]:
        """Return the steps at which it is killed: every other one, or one of each kind."""
        if self.options is REPLACING:
            return range(1, self.steps + 1, 1 if is_soak() else 2)
        return self.one_of_each_kind

    def copied(self, folder: Path) -> Mirror:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.before, folder, symlinks=True)
        return Mirror(folder, self.upstream.url, **self.options)


def sdist(index: FakeIndex, name: str) -> str:
    return next(f.filename for f in index.files(name) if f.filename.endswith(".gz"))


def replace(index: FakeIndex, name: str, content: bytes) -> None:
    index.add_file(name, f"{name.replace('-', '_')}-1.0.tar.gz", content, upload_time=UPLOADED)


def describe(index: FakeIndex, name: str, summary: str) -> None:
    wheel = next(f for f in index.project(name).files if f.filename.endswith(".whl"))
    wheel.core_metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nSummary: {summary}\n".encode()
    index.touch(name)


def set_status(index: FakeIndex, name: str, status: str) -> None:
    index.project(name).status = status
    index.touch(name)


def change(index: FakeIndex) -> None:
    """Change each project in another way."""
    replace(index, "replaced", b"other bytes")
    replace(index, "replaced-and-gone", b"other bytes")
    describe(index, "described", "mended")
    index.remove_file("uploaded-anew", sdist(index, "uploaded-anew"))
    index.remove("came-back")
    set_status(index, "quarantined", "quarantined")
    set_status(index, "freed", "active")


def change_again(index: FakeIndex) -> None:
    replace(index, "replaced", b"third bytes")
    index.remove_file("replaced-and-gone", sdist(index, "replaced-and-gone"))
    describe(index, "described", "mended once more")
    replace(index, "uploaded-anew", b"bytes anew")
    index.add("came-back", "1.0", wheel=False, extra_size=7)
    set_status(index, "quarantined", "active")
    replace(index, "quarantined", b"bytes after a quarantine")
    set_status(index, "freed", "quarantined")


@pytest.fixture(scope="module", params=["replacing", "by default"])
def history(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A mirror of seven projects, and two changes of each of them."""
    folder = tmp_path_factory.mktemp("history")
    options = REPLACING if request.param == "replacing" else BY_DEFAULT
    with FakeIndex() as index, Stepper() as stepper:
        for name in ("replaced", "replaced-and-gone", "uploaded-anew", "came-back", "quarantined", "freed"):
            index.add(name, "1.0", wheel=False)
        index.add("described", "1.0", sdist=False)
        Mirror(folder / "before", index.url, **options).update()
        set_status(index, "freed", "quarantined")
        Mirror(folder / "before", index.url, **options).update()
        change(index)
        first = index.snapshot()
        found = History(index, folder / "before", options, first, first, {}, 0)
        stepped = stepper.run(found.copied(folder / "after").config, "-U")
        assert stepped.status in (0, 3), stepped  # by default a changed file is told of, and not taken
        change_again(index)
        fresh = Mirror(folder / "fresh", index.url, **options)
        fresh.update()
        yield found._replace(
            second=index.snapshot(),
            expected=fresh.contents(),
            steps=len(stepped.steps),
            one_of_each_kind=stepped.one_of_each_kind(),
        )


@pytest.mark.parametrize("share", range(SHARES))
def test_a_recovery_may_be_cut_off_and_upstream_change_before_it(
    history: History, stepper: Stepper, tmp_path: Path, share: int
) -> None:
    instants = random.Random(share)
    for step in history.tried[share::SHARES]:
        history.upstream.restore(history.first)
        mirror = history.copied(tmp_path / "mirror")
        assert stepper.run(mirror.config, "-U", kill_at=step).status == KILLED
        mirror.check_links(is_settled=False)
        history.upstream.restore(history.second)
        again = instants.randrange(1, history.steps)
        stepper.run(mirror.config, "-U", kill_at=again)
        mirror.check_links(is_settled=False)
        ended = stepper.run(mirror.config, "-U")
        assert ended.status in ((0,) if history.options is REPLACING else (0, 3)), (step, again, ended)
        mirror.check_links()
        if history.options is REPLACING:
            assert mirror.contents() == history.expected, (step, again)


def test_each_step_of_a_recovery_may_be_its_last(history: History, stepper: Stepper, tmp_path: Path) -> None:
    """After a kill in the middle of the first change: intents are recorded, and pages not yet written."""
    for step in range(2, history.steps, history.steps // 4):
        history.upstream.restore(history.first)
        mirror = history.copied(tmp_path / "mirror")
        stepper.run(mirror.config, "-U", kill_at=step)
        killed = shutil.copytree(mirror.folder, tmp_path / f"killed-{step}", symlinks=True)
        history.upstream.restore(history.second)
        for again in range(1, history.steps, 1 if is_soak() else 7):
            mirror = history._replace(before=killed).copied(tmp_path / "mirror")
            stepper.run(mirror.config, "-U", kill_at=again)
            mirror.check_links(is_settled=False)
        ended = stepper.run(mirror.config, "-U")
        assert ended.status in (0, 3), (step, again, ended)
        mirror.check_links()
