"""How long a command takes from its start to its end, and how much memory its largest process had."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Once(NamedTuple):
    """One run: seconds of wall clock and processor, MiB of the largest process."""

    wall: float
    cpu: float
    peak: float


class Runs(NamedTuple):
    """Several runs of the same work."""

    runs: tuple[Once, ...]

    @property
    def median(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    def __str__(self) -> str:
        walls = [run.wall for run in self.runs]
        return f"{self.median:.2f} ({min(walls):.2f}-{max(walls):.2f})"

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return statistics.median(run.peak for run in self.runs)


# In a process between: the peak of a process counts what its parent was when it started.
_MEASURE = """
import json, os, subprocess, sys, time
begun = time.monotonic()
process = subprocess.Popen(sys.argv[1:], stdout=2)
_, status, usage = os.wait4(process.pid, 0)
wall = time.monotonic() - begun
process.returncode = os.waitstatus_to_exitcode(status)
# The peak counts in KiB, on macOS in bytes.
unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
print(json.dumps([process.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit]))
"""


def once(command: Sequence[str | Path], *, log: Path) -> Once:
    """Run a command; end the program where it does not end well."""
    # Compiled files are kept as they are where a program is installed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as errors:
        measured = subprocess.run(
            [sys.executable, "-c", _MEASURE, *command],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            check=True,
        )
    status, *figures = json.loads(measured.stdout)
    if status:
        sys.exit(f"{' '.join(map(str, command))} ended with {status}; see {log}")
    return Once(*figures)


def in_turn(number: int, works: dict[str, Callable[[int], Once]]) -> dict[str, Runs]:
    """Do each work so many times, one after the other in each round; a round before them does not count."""
    done: dict[str, list[Once]] = {name: [] for name in works}
    for round_ in range(number + 1):
        for name, work in works.items():
            result = work(round_)
            if round_:
                done[name].append(result)
    return {name: Runs(tuple(runs)) for name, runs in done.items()}
