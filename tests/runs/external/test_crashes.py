"""A kill, and a failure, at every kind of step of an update with files of other hosts."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import crashes
from tests.crashes import Scenario, check_steps, tried
from tests.distributions import make_wheel
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.outside_host import OutsideHost
from tests.stepper import Stepper

OPTIONS = crashes.OPTIONS | {
    "external_links": True,
    "external_links_everything": True,
    "external_http": True,
    "external_hosts": "127.*",
    "external_interval_hours": 0,
}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """A mirror with files of other hosts: one moves, changes, goes, becomes the index's, and comes."""
    folder = tmp_path_factory.mktemp("crash-elsewhere")
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
        Mirror(folder / "before", index.url, **OPTIONS).update()
        host, name, content = urls[0]
        index.project("project-0").download_url = host.put(f"/moved/{name}", content)
        host, name, _ = urls[1]
        host.put(f"/{name}", make_wheel("project-1", "0.1", extra_size=10)[1])
        index.project("project-2").download_url = None
        index.add_file("project-3", urls[3][1], make_wheel("project-3", "0.1", extra_size=10)[1])
        index.project("project-4").download_url = places[4]
        for number in range(5):
            index.touch(f"project-{number}")
        yield tried(Scenario(folder / "before", index.url, OPTIONS, {}, 0), stepper)


@pytest.mark.parametrize("kind", ["kill_at", "fail_at"])
def test_every_kind_of_step_may_be_the_last(
    scenario: Scenario, stepper: Stepper, tmp_path: Path, kind: str
) -> None:
    wanted = {"project-0", "project-1", "project-3", "project-4"}
    assert {path.partition("/")[0] for path in scenario.expected if path.endswith(".whl")} == wanted
    assert len(scenario.one_of_each_kind) > 20
    check_steps(scenario, stepper, tmp_path, kind, scenario.one_of_each_kind)
