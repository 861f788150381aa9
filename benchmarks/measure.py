"""How long a command takes from its start to its end, and how much memory its largest process had."""

import os
import statistics
import subprocess
import sys
import time
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


def once(command: Sequence[str | Path], *, log: Path, statuses: Sequence[int] = (0,)) -> Once:
    """Run a command; end the program where it ends with another status than it should."""
    # Compiled files are kept as they are where a program is installed.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as output:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}; see {log}")
    # The peak counts in KiB, on macOS in bytes.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Once(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def in_turn(number: int, works: dict[str, Callable[[int], Once]]) -> dict[str, Runs]:
    """Do each work so many times, one after the other in each round; a round before them does not count."""
    done: dict[str, list[Once]] = {name: [] for name in works}
    for round_ in range(number + 1):
        for name, work in works.items():
            result = work(round_)
            if round_:
                done[name].append(result)
    return {name: Runs(tuple(runs)) for name, runs in done.items()}
