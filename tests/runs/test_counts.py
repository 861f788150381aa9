"""What a run costs, counted rather than timed: requests, system calls, bytes, statements, imports."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Mirror, clean_environment
from tests.missing import unable

_COUNTED = """
import json, os, sqlite3, sys
statements = []
said = []  # to workers, by pipes
write = os.write
def noted(descriptor, content):
    said.append(write(descriptor, content))
    return said[-1]
os.write = noted
connect = sqlite3.connect
def counted(*args, **kwargs):
    connection = connect(*args, **kwargs)
    connection.set_trace_callback(lambda each: each.startswith("--") or statements.append(each))
    return connection
sqlite3.connect = counted
from pypimirror.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
with open("/proc/self/io") as io:
    written = next(int(line.split()[1]) for line in io if line.startswith("wchar"))
written -= sum(said)
print(json.dumps({"modules": sorted(sys.modules), "statements": len(statements), "written": written}))
"""


_IMPORTED = """
import sys
from pypimirror.cli import main
try:
    main(sys.argv[2:])
finally:
    with open(sys.argv[1], "w") as file:
        file.write("\\n".join(sys.modules))
"""

OF_A_RUN = {"requests", "urllib3", "filelock", "pypimirror.sync", "pypimirror.upstream", "pypimirror.workers"}
OF_A_STATE = {"sqlite3", "pypimirror.state"}
OF_A_CONFIGURATION = {"msgspec", "packaging", "configparser", "pypimirror.config"}

MORE = 10 * 20 * 2
"""Files: ten projects with twenty versions more, each a wheel and an sdist."""

WAITING = ("futex", "poll", "epoll_wait", "clock_nanosleep", "recvfrom", "total")
"""System calls that wait for another thread or the network: how often they are made is a matter of time."""


class Counted(NamedTuple):
    """What the main process of a run did."""

    modules: set[str]
    statements: int
    written: int


def counted(mirror: Mirror) -> Counted:
    """Run an update, and count."""
    if sys.platform != "linux":
        unable("bytes written are counted by Linux")
    ended = subprocess.run(
        [sys.executable, "-c", _COUNTED, str(mirror.config), "-U"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    return Counted(set(found["modules"]), found["statements"], found["written"])


def fill(index: FakeIndex, projects: int, files: int) -> None:
    for number in range(projects):
        for version in range(files):
            index.add(f"project-{number}", f"{version}.0")


@pytest.mark.parametrize(
    ("arguments", "status", "most", "needless"),
    [
        ("--version", 0, 120, OF_A_RUN | OF_A_STATE | OF_A_CONFIGURATION),
        ("--help", 0, 120, OF_A_RUN | OF_A_STATE | OF_A_CONFIGURATION),
        ("--sample-config", 0, 150, OF_A_RUN | OF_A_STATE | OF_A_CONFIGURATION),
        ("{folder}/none.cfg -U", 2, 220, OF_A_RUN | OF_A_STATE),
        ("{config} --check-config", 0, 220, OF_A_RUN | OF_A_STATE),
        ("{config} --why demo", 0, 260, OF_A_RUN),
        ("{config} --status", 0, 260, OF_A_RUN),
        ("{config} --check", 0, 320, OF_A_RUN),
        ("{config} --server-config nginx", 0, 320, OF_A_RUN | OF_A_STATE),
    ],
)
def test_who_only_asks_waits_for_no_needless_imports(
    *, index: FakeIndex, tmp_path: Path, arguments: str, status: int, most: int, needless: set[str]
) -> None:
    index.add("demo", "1.0")
    mirror = Mirror(tmp_path, index.url)
    mirror.update()
    told = tmp_path / "modules"
    words = arguments.format(folder=tmp_path, config=mirror.config).split()
    ended = subprocess.run(
        [sys.executable, "-c", _IMPORTED, str(told), *words],
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == status, ended
    modules = set(told.read_text().split())
    assert not modules & needless
    assert len(modules) < most


def test_an_update_without_changes_does_next_to_nothing(index: FakeIndex, tmp_path: Path) -> None:
    fill(index, 40, 2)
    mirror = Mirror(tmp_path, index.url)
    mirror.update()
    before = mirror.tree()
    index.requests.clear()
    found = counted(mirror)
    assert len(index.requests) == 1
    assert mirror.tree() == before
    slow = {
        "lxml",
        "jinja2",
        "rich",
        "pip_requirements_parser",
        "distlib.index",
        "asyncio",
        "subprocess",
        "multiprocessing",
    }
    assert not found.modules & slow
    assert len(found.modules) < 540
    assert found.statements < 68
    assert found.written < 100_000


def test_what_follows_a_run_without_changes_costs_little(index: FakeIndex, tmp_path: Path) -> None:
    fill(index, 40, 2)
    mirror = Mirror(
        tmp_path, index.url, status_page=True, report="r.json", metrics="m.prom", changed_paths="c.txt"
    )
    mirror.update()
    before = mirror.tree()
    found = counted(mirror)
    assert mirror.tree() == before
    assert not found.modules & {"lxml", "jinja2", "rich", "asyncio", "multiprocessing"}
    assert found.statements < 110


def test_what_an_update_asks_and_writes_grows_with_what_changed_alone(
    index: FakeIndex, tmp_path: Path
) -> None:
    fill(index, 60, 2)
    mirror = Mirror(tmp_path, index.url, full_index=False)
    mirror.update()
    index.add("project-7", "9.0")
    index.requests.clear()
    found = counted(mirror)
    # The list, the page, and the two files of the new version at most.
    assert len(index.requests) <= 4
    assert found.statements < 140


def test_statements_and_bytes_for_a_file_are_few(index: FakeIndex, tmp_path: Path) -> None:
    def run(name: str, files: int) -> Counted:
        fill(index, 10, files)
        # One after the other, which takes the most: how many come at once is a matter of time.
        return counted(Mirror(tmp_path / name, index.url, workers=1))

    few, many = run("few", 4), run("many", 24)
    assert (many.statements - few.statements) / MORE < 7.5
    # 4,600 where nothing else runs; a batch holds less, and commits are more, where a machine is busy.
    assert (many.written - few.written) / MORE < 6_000


def test_system_calls_for_a_file_are_few(index: FakeIndex, tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        unable("strace is not installed")

    def calls(name: str, files: int) -> int:
        fill(index, 10, files)
        mirror = Mirror(tmp_path / name, index.url, workers=1)
        report = tmp_path / f"{name}.txt"
        command: list[str | Path] = [strace, "-f", "-c", "-o", report, COMMAND, mirror.config, "-U"]
        subprocess.run(command, env=clean_environment(), check=True)
        lines = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) .*?(\w+)$", report.read_text(), re.MULTILINE)
        return sum(int(number) for number, call in lines if call not in WAITING)

    few, many = calls("few", 4), calls("many", 24)
    assert (many - few) / MORE < 27
