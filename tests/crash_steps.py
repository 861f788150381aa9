"""Runs of the real command that die or fail at one step of the store, each in a process of its own.

Started by test_crash_steps.py: a process without threads, which has all imported, and forks for each run.

    python -m tests.crash_steps count FOLDER URL
    python -m tests.crash_steps die|fail FOLDER URL FIRST STEP LAST

FOLDER holds `before`, a mirror's folder, and gets `after`, what an undisturbed run makes of it.
"""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import distlib.index
import jinja2.ext
import lxml.etree

from pypimirror import cli
from pypimirror.cli import arguments, command
from pypimirror.store import Store
from tests.mirror import Mirror

IMPORTED = (arguments, command, distlib.index, jinja2.ext, lxml.etree)
"""What the command imports when it is needed: once here, not in each of many children."""

OPTIONS = {"removal_grace_hours": 0, "replace_changed_files": True, "workers": 2, "full_index": True}


class Steps:
    """Counts the steps of a store, and does something at one of them."""

    def __init__(self, at: int = 0, action: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self._at = at
        self._action = action

    def __call__(self, _path: str) -> None:
        self.count += 1
        if self.count == self._at:
            self._action()


def run(mirror: Mirror, steps: Steps, count_into: Path | None = None) -> int:
    """Run an update in a child process; return its exit status, or minus the signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        Store.on_step = staticmethod(steps)
        cli.main([str(mirror.config), "--update-fetch"])
    except SystemExit as ended:
        if count_into:
            count_into.write_text(str(steps.count))
        os._exit(int(ended.code or 0))
    finally:
        os._exit(70)


def die() -> None:
    os.kill(os.getpid(), 9)


def fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def contents(mirror: Mirror) -> dict[str, bytes]:
    return {path: entry.content for path, entry in mirror.tree().items()}


def copied(folder: Path, url: str, name: str) -> Mirror:
    shutil.rmtree(folder / name, ignore_errors=True)
    shutil.copytree(folder / "before", folder / name, symlinks=True)
    return Mirror(folder / name, url, **OPTIONS)


def count(folder: Path, url: str) -> None:
    """Make `after`, and print how many steps that takes."""
    mirror = copied(folder, url, "after")
    assert run(mirror, Steps(), folder / "count") == 0
    mirror.check_links()
    sys.stdout.write((folder / "count").read_text())


def disturb(kind: str, folder: Path, url: str, steps: range) -> None:
    """Disturb a run at each of these steps, and look at what is there, then and after another run."""
    expected = contents(Mirror(folder / "after", url, **OPTIONS))
    for step in steps:
        mirror = copied(folder, url, f"{kind}-{steps.start}")
        status = run(mirror, Steps(step, die if kind == "die" else fail))
        assert status in ((-9,) if kind == "die" else (0, 1, 3)), (step, status)
        mirror.check_links(is_settled=False)
        status = run(mirror, Steps())
        assert status == 0, (step, status)
        mirror.check_links()
        found = contents(mirror)
        assert found == expected, (step, sorted(found.keys() ^ expected.keys()))
        shutil.rmtree(mirror.folder)


if __name__ == "__main__":
    kind, folder, url, *numbers = sys.argv[1:]
    if kind == "count":
        count(Path(folder), url)
    else:
        first, step, last = map(int, numbers)
        disturb(kind, Path(folder), url, range(first, last + 1, step))
