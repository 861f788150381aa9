"""Updates that are killed, or fail, at a step of the store, and what the next run makes of what is left."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mirror import Mirror
from tests.stepper import KILLED, Stepper

OPTIONS = {"removal_grace_hours": 0, "replace_changed_files": True, "workers": 2, "full_index": True}


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
