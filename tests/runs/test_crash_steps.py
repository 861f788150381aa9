"""A kill at every single step of the store, and a failure at every kind of step."""

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.distributions import make_wheel
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.outside_host import OutsideHost
from tests.stepper import KILLED, Stepper

SHARES = 4
OPTIONS = {"removal_grace_hours": 0, "replace_changed_files": True, "workers": 2, "full_index": True}
ELSEWHERE = {
    "external_links": True,
    "external_links_everything": True,
    "external_http": True,
    "external_hosts": "127.*",
    "external_interval_hours": 0,
}


class Scenario(NamedTuple):
    """A mirror's folder before an update, and what an undisturbed one makes of it, in so many steps."""

    before: Path
    index_url: str
    options: Mapping[str, object]
    expected: dict[str, bytes]
    steps: int
    one_of_each_kind: Sequence[int] = ()

    def copied(self, folder: Path) -> Mirror:
        """Return a fresh mirror in `folder` that is as it was before the update."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.before, folder, symlinks=True)
        return Mirror(folder, self.index_url, **self.options)


def folders(mirror: Mirror) -> set[str]:
    return {p.name for p in mirror.root.iterdir() if p.is_dir() and not p.is_symlink()} - {".pypimirror"}


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


@pytest.fixture(scope="module")
def scenario_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """A mirror with files of other hosts: one moves, changes, goes, becomes the index's, and comes."""
    folder = tmp_path_factory.mktemp("crash-elsewhere")
    options = OPTIONS | ELSEWHERE
    with FakeIndex() as index, Stepper() as stepper, contextlib.ExitStack() as hosts:
        index.has_documents = True
        urls = []
        for number in range(5):
            name, content = make_wheel(f"project-{number}", "0.1")
            index.add(f"project-{number}", "1.0", wheel=False)
            urls.append((hosts.enter_context(OutsideHost()), name, content))
        places = [host.put(f"/{name}", content) for host, name, content in urls]
        for number in range(4):
            index.project(f"project-{number}").download_url = places[number]
        Mirror(folder / "before", index.url, **options).update()
        host, name, content = urls[0]
        index.project("project-0").download_url = host.put(f"/moved/{name}", content)
        host, name, _ = urls[1]
        host.put(f"/{name}", make_wheel("project-1", "0.1", extra_size=10)[1])
        index.project("project-2").download_url = None
        index.add_file("project-3", urls[3][1], make_wheel("project-3", "0.1", extra_size=10)[1])
        index.project("project-4").download_url = places[4]
        for number in range(5):
            index.touch(f"project-{number}")
        yield tried(Scenario(folder / "before", index.url, options, {}, 0), stepper)


def tried(scenario: Scenario, stepper: Stepper) -> Scenario:
    """Return the scenario with what an undisturbed update makes of it."""
    mirror = scenario.copied(scenario.before.with_name("after"))
    stepped = stepper.run(mirror.config, "-U")
    assert stepped.status == 0, stepped
    mirror.check_links()
    return scenario._replace(
        expected=mirror.contents(),
        steps=len(stepped.steps),
        one_of_each_kind=stepped.one_of_each_kind(),
    )


@pytest.mark.parametrize("share", range(SHARES))
def test_every_step_may_be_the_last(scenario: Scenario, stepper: Stepper, tmp_path: Path, share: int) -> None:
    assert scenario.steps > 100
    check_steps(scenario, stepper, tmp_path, "kill_at", range(share + 1, scenario.steps + 1, SHARES))


def test_every_kind_of_step_may_fail(scenario: Scenario, stepper: Stepper, tmp_path: Path) -> None:
    assert len(scenario.one_of_each_kind) > 20
    check_steps(scenario, stepper, tmp_path, "fail_at", scenario.one_of_each_kind)


@pytest.mark.parametrize("kind", ["kill_at", "fail_at"])
def test_every_kind_of_step_with_files_of_other_hosts_may_be_the_last(
    scenario_elsewhere: Scenario, stepper: Stepper, tmp_path: Path, kind: str
) -> None:
    wanted = {"project-0", "project-1", "project-3", "project-4"}
    assert {path.partition("/")[0] for path in scenario_elsewhere.expected if path.endswith(".whl")} == wanted
    assert len(scenario_elsewhere.one_of_each_kind) > 20
    check_steps(scenario_elsewhere, stepper, tmp_path, kind, scenario_elsewhere.one_of_each_kind)


def check_steps(
    scenario: Scenario, stepper: Stepper, tmp_path: Path, kind: str, steps: Iterable[int]
) -> None:
    for step in steps:
        mirror = scenario.copied(tmp_path / "mirror")
        disturbed = stepper.run(mirror.config, "-U", **{kind: step})
        assert disturbed.status in ((KILLED,) if kind == "kill_at" else (0, 1, 3)), (step, disturbed)
        mirror.check_links(is_settled=False)
        mended = stepper.run(mirror.config, "-U")
        assert mended.status == 0, (step, mended)
        mirror.check_links()
        assert mirror.contents() == scenario.expected, step
        assert folders(mirror) == {path.partition("/")[0] for path in scenario.expected if "/" in path}, step
