"""The rows of the table: each a piece of work for every tool that can do it."""

import itertools
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import full_mirror
from benchmarks.measure import Once, Runs, in_turn, once
from benchmarks.tools import Pypimirror, Tool
from benchmarks.upstream import Upstream, can_be_late

_STATS = (
    "import os, sys\n"
    "for project in os.scandir(sys.argv[1]):\n"
    "    if project.is_dir():\n"
    "        for file in os.scandir(project.path): os.stat(file.path)"
)


class Row(NamedTuple):
    """What was measured: runs by tool, or floor."""

    work: str
    runs: dict[str, Runs]


class Bench:
    """What all rows share: where to work, whom to measure, how often."""

    def __init__(self, folder: Path, tools: Sequence[Tool], *, runs: int) -> None:
        self.folder = folder
        self.tools = tools
        self.runs = runs
        self._numbers = itertools.count()

    def new(self, name: str) -> str:
        """Return a name that no other folder has."""
        return f"{name}-{next(self._numbers)}"

    @property
    def ours(self) -> Pypimirror:
        return next(tool for tool in self.tools if isinstance(tool, Pypimirror))

    def upstream(self, name: str, **what: int) -> Upstream:
        return Upstream(self.folder / f"upstream-{name}", **what)

    def first_sync(self, upstream: Upstream, *, only: Sequence[str] = ()) -> dict[str, Runs]:
        """Measure first runs; the mirrors of the last round stay, as `tool.root("kept")`."""

        def run(tool: Tool, round_: int) -> Once:
            key = "kept" if round_ == self.runs else self.new("first")
            shutil.rmtree(tool.root("kept"), ignore_errors=True)
            result = tool.run(key, upstream, only=only)
            _check(tool.root(key), upstream)
            return result

        return in_turn(self.runs, {tool.name: partial(run, tool) for tool in self.tools})

    def update(
        self, upstream: Upstream, *, only: Sequence[str] = (), before: Callable[[], object] = lambda: None
    ) -> dict[str, Runs]:
        """Measure updates of the kept mirrors; `before` changes upstream before each round."""

        def run(tool: Tool, _round: int) -> Once:
            if tool is self.tools[0]:
                before()
            return tool.run("kept", upstream, only=only)

        return in_turn(self.runs, {tool.name: partial(run, tool) for tool in self.tools})

    def floor(self, upstream: Upstream) -> Runs:
        """Measure curl, which takes the files alone and verifies nothing."""
        addresses = self.folder / "addresses"
        lines = (f'url = "{url}"\noutput = "{url.rpartition("/")[2]}"\n' for url in upstream.addresses)
        addresses.write_text("".join(lines))

        def run(_round: int) -> Once:
            target = self.folder / self.new("curl")
            target.mkdir()
            options = ["-sS", "--parallel", "--parallel-max", "32"]
            command: list[str | Path] = ["curl", *options, "--output-dir", target, "--config", addresses]
            return once(command, log=self.folder / "curl.log")

        return in_turn(self.runs, {"curl": run})["curl"]


def _check(root: Path, upstream: Upstream) -> None:
    """End where a mirror is not complete: some end well without having fetched anything."""
    wanted = {address.rpartition("/")[2] for address in upstream.addresses}
    if missing := wanted - {path.name for path in root.rglob("*") if path.is_file()}:
        sys.exit(f"{root} lacks {len(missing)} of {len(wanted)} files")


def small_files(bench: Bench) -> list[Row]:
    """Measure 500 projects with 6 files of 20 kB each, and updates of that mirror."""
    upstream = bench.upstream("small", projects=500, files=6, size=20_000)
    with upstream.served():
        floor = bench.floor(upstream)
        rows = [Row("first sync, 3,000 files of 20 kB", bench.first_sync(upstream) | {"curl": floor})]
        rows.append(Row("no-change update, 500 projects", bench.update(upstream)))
    changed: dict[str, list[Once]] = {}
    for round_ in range(bench.runs + 1):
        upstream.change(5)
        with upstream.served():  # nginx reads the serials when it starts
            for tool in bench.tools:
                result = tool.run("kept", upstream)
                if round_:
                    changed.setdefault(tool.name, []).append(result)
    rows.append(Row("update, 1 % changed", {name: Runs(tuple(runs)) for name, runs in changed.items()}))
    return rows


def late_answers(bench: Bench) -> list[Row]:
    """Measure the same with 20 ms before each answer."""
    if not can_be_late():
        print("nginx has no lua module here: no row with late answers", file=sys.stderr)
        return []
    upstream = bench.upstream("late", projects=500, files=6, size=20_000)
    with upstream.served(is_late=True):
        runs = bench.first_sync(upstream) | {"curl": bench.floor(upstream)}
    return [Row("the same, each answer 20 ms late", runs)]


def large_files(bench: Bench) -> list[Row]:
    """Measure 60 projects with 4 files of 10 MB each: many gigabytes of disk."""
    upstream = bench.upstream("large", projects=60, files=4, size=10_000_000)
    with upstream.served():
        runs = bench.first_sync(upstream) | {"curl": bench.floor(upstream)}
    return [Row("first sync, 240 files of 10 MB", runs)]


def long_list(bench: Bench) -> list[Row]:
    """Measure 50 projects out of a list of 886,000 names."""
    upstream = bench.upstream("list", projects=50, files=4, size=20_000, names=886_000)
    only = upstream.projects
    with upstream.served():
        first = bench.first_sync(upstream, only=only)
        again = bench.update(upstream, only=only)
    return [Row("50 projects of 886,000 names, first run", first), Row("its no-change update", again)]


def bookkeeping(bench: Bench) -> list[Row]:
    """Measure an update with 5,000 changed serials of mirrors that hold 10,000 and 886,000 projects."""
    rows = []
    for number in (10_000, 886_000):
        upstream = bench.upstream(f"full-{number}", projects=5000, files=2, size=1000, names=number)
        with upstream.served():
            runs = []
            for _ in range(min(bench.runs, 3)):
                root = bench.ours.root(bench.new(f"full-{number}"))
                full_mirror.hold(root, bench.ours.configuration(root, upstream.url), upstream)
                runs.append(once(bench.ours.command(root, upstream.url, "-U"), log=bench.folder / "full.log"))
        rows.append(
            Row(f"{number:,} projects held, 5,000 of them changed", {"pypimirror": Runs(tuple(runs))})
        )
    return rows


def looks(bench: Bench) -> list[Row]:
    """Measure --status and --verify on 60,000 files, beside one stat for each."""
    upstream = bench.upstream("looks", projects=10_000, files=6, size=800)
    root = bench.ours.root("looks")
    command = partial(bench.ours.command, root, upstream.url)
    log = bench.folder / "looks.log"
    with upstream.served():
        once(command("-U"), log=log)
    works: dict[str, Callable[[int], Once]] = {
        "--status": lambda _: once(command("--status"), log=log),
        "--verify": lambda _: once(command("--verify"), log=log),
        "a stat for each file": lambda _: once([sys.executable, "-c", _STATS, root], log=log),
    }
    return [Row("10,000 projects, 60,000 files", in_turn(bench.runs, works))]


def closure(bench: Bench) -> list[Row]:
    """Measure 2,000 projects that one requires, beside the same projects named one by one."""
    upstream = bench.upstream("closure", projects=2000, files=4, size=20_000, requires=4)
    runs: dict[str, dict[str, list[Once]]] = {"first": {}, "again": {}}
    lines = {"named": upstream.projects, "dependencies": upstream.projects[:1]}
    with upstream.served():
        for round_ in range(bench.runs + 1):
            for how, only in lines.items():
                root = bench.ours.root(bench.new(f"closure-{how}"))
                for each in runs.values():
                    followed = {"dependencies": True} if how == "dependencies" else {}
                    result = bench.ours.measured(root, upstream.url, only, **followed)
                    if round_:
                        each.setdefault(how, []).append(result)
                _check(root, upstream)
    works = {"first": "first sync, 2,000 projects", "again": "its no-change update"}
    return [
        Row(works[kind], {how: Runs(tuple(each)) for how, each in by_tool.items()})
        for kind, by_tool in runs.items()
    ]


ROWS = {
    "closure": closure,
    "small": small_files,
    "late": late_answers,
    "large": large_files,
    "list": long_list,
    "full": bookkeeping,
    "looks": looks,
}
