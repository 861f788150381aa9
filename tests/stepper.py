"""The real command in forks of one process that has imported everything, with a hand on the store's steps.

Run as a program it takes orders as lines of JSON, and answers each with a line.
"""

import errno
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NamedTuple, NoReturn, Self

from pypimirror.cli import main
from pypimirror.publishing import tree
from pypimirror.store import Store
from pypimirror.store.spelling import Spelling
from pypimirror.store.tree import FileStore
from tests.mirror import clean_environment
from tests.quick_disk import quick_disk
from tests.warm import prepare, stay_on_one_core

KILLED = -int(signal.SIGKILL)
_LONGEST_S = 60


def is_soak() -> bool:
    """Tell whether all steps are tried, which takes hours."""
    return bool(os.environ.get("PYPIMIRROR_SOAK"))


class Stepped(NamedTuple):
    """How a run ended: `status` is negative for a signal; `steps` are all that it came to."""

    status: int
    stderr: str
    steps: list[str]
    kinds: list[str]
    """Of each step which functions led to it."""

    def one_of_each_kind(self) -> list[int]:
        """Return the number of the first step of each kind, in order; with PYPIMIRROR_SOAK all."""
        if is_soak():
            return list(range(1, len(self.kinds) + 1))
        first = {kind: number for number, kind in reversed(list(enumerate(self.kinds, 1)))}
        return sorted(first.values())


class Stepper:
    """Runs the command, and makes it fail or die at a step that is told by its number, from 1."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            cwd=Path(__file__).parents[1],
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()

    def run(
        self,
        *argv: str | Path,
        kill_at: int | str = 0,
        fail_at: int | str = 0,
        number: int = errno.EIO,
        sync_every: float | None = None,
    ) -> Stepped:
        """Run the command, and kill it at a step, or let that raise the OSError of that number.

        A step may also be told by its name: then each of that name counts.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {
            "argv": [str(argument) for argument in argv],
            "kill_at": kill_at,
            "fail_at": fail_at,
            "errno": number,
            "sync_every": sync_every,
        }
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return Stepped(*json.loads(self._process.stdout.readline()))


def _of_a_mac(_tree: FileStore) -> Spelling:
    return Spelling(ignores_case=True, ignores_form=True)


def serve() -> None:
    """Obey until there are no more orders."""
    if os.environ.get("PYPIMIRROR_TEST_IGNORES_CASE"):
        FileStore.spelling = _of_a_mac  # type: ignore[method-assign, assignment]
    prepare()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_forked(json.loads(line))) + "\n")
        sys.stdout.flush()


def _forked(order: dict[str, Any]) -> tuple[int, str, list[str], list[str]]:
    with (
        tempfile.TemporaryFile(dir=quick_disk()) as stderr,
        tempfile.TemporaryFile(dir=quick_disk()) as steps,
    ):
        child = os.fork()
        if not child:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(stderr.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            _run(order, _hook(order, steps.fileno()))
        _, waited = os.waitpid(child, 0)
        stderr.seek(0)
        steps.seek(0)
        lines = [line.split() for line in steps.read().decode().splitlines()]
        told = [list(column) for column in zip(*lines, strict=True)] or [[], []]
        return os.waitstatus_to_exitcode(waited), stderr.read().decode(), told[0], told[1]


def _hook(order: dict[str, Any], steps: int) -> Callable[[str], None]:
    numbers = itertools.count(1)
    one_by_one = threading.Lock()

    def on_step(path: str) -> None:
        step = "sync" if path.endswith("/mirror") else "step"
        with one_by_one:  # a worker writes while the main thread stores
            number = next(numbers)
            os.write(steps, f"{step} {_way(sys._getframe(1))}\n".encode())
        if order["kill_at"] in (number, step):
            os.kill(os.getpid(), signal.SIGKILL)
        if order["fail_at"] in (number, step):
            raise OSError(order["errno"], os.strerror(order["errno"]))

    return on_step


def _way(frame: FrameType | None) -> str:
    """Return the names of our functions that led here."""
    names = []
    while frame is not None:
        if "/pypimirror/" in frame.f_code.co_filename:
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    return "<".join(names)


def _run(order: dict[str, Any], on_step: Callable[[str], None]) -> NoReturn:
    if order["sync_every"] is not None:
        tree._SYNC_INTERVAL_S = order["sync_every"]
    status = 1
    stay_on_one_core()
    signal.alarm(_LONGEST_S)  # a run that hangs is killed, and its status tells
    try:
        Store.on_step = staticmethod(on_step)
        main(order["argv"])
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
