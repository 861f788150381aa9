"""Whatever a hostile index does, each promise holds: the run ends, the tree is whole, and all heals."""

import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.fake_index import FakeIndex
from tests.hostile_index import CASES, Case
from tests.mirror import GOOD, Ended, Mirror, clean_environment, is_over
from tests.warm import Warm

MOST_SECONDS = 60
MOST_LOG = 200_000
MOST_MEMORY_MIB = 256
OPTIONS = {"timeout": 0.5, "retries": 0, "workers": 2, "removal_grace_hours": 0, "package_matches": "*"}
HONEST = {**OPTIONS, "timeout": 30}
STATUSES = {0, 3, 4, 6, 7}

# No request may leave this machine: what is tried is noted and refused.
GUARD = """
import os, socket

def _note(host):
    with open(os.environ["ASKED"], "a") as asked:
        asked.write(f"{host}\\n")
    raise OSError(101, "a test asks nobody else")

def _connect(self, address, connect=socket.socket.connect):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not address[0].startswith("127."):
        _note(address[0])
    return connect(self, address)

def _resolve(host, *rest, resolve=socket.getaddrinfo, **named):
    if isinstance(host, str) and host.strip("0123456789abcdef.:") and host != "localhost":
        raise socket.gaierror(-2, "a test asks nobody else")
    return resolve(host, *rest, **named)

socket.socket.connect, socket.getaddrinfo = _connect, _resolve
"""


class Measured(NamedTuple):
    """How a run ended, and what its largest process took at most."""

    ended: Ended
    peak_mib: int
    asked: list[str]
    """Addresses beyond this machine that it tried to reach."""


class Guarded:
    """Runs of the command in which nobody else is asked."""

    def __init__(self, folder: Path) -> None:
        (folder / "sitecustomize.py").write_text(GUARD)
        self._asked = folder / "asked"
        self._environment = clean_environment() | {"PYTHONPATH": str(folder), "ASKED": str(self._asked)}
        self._warm = Warm(self._environment)

    def end(self) -> None:
        self._warm.end()

    def run(self, mirror: Mirror, *arguments: str) -> Measured:
        """Run the command to its end, which has to come within MOST_SECONDS."""
        self._asked.write_text("")
        status, *told, peak = self._warm.run(
            [str(mirror.config), *arguments], self._environment, longest=MOST_SECONDS
        )
        assert status != -signal.SIGALRM, f"the run did not end within {MOST_SECONDS} s"
        unit = 1 if sys.platform == "darwin" else 1024
        return Measured(Ended(status, *told), peak * unit >> 20, self._asked.read_text().split())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    running = Guarded(tmp_path_factory.mktemp("guard"))
    yield running
    running.end()


def filled(index: FakeIndex) -> None:
    """Put a sound project and the one whose answers are spoiled on an index."""
    for name in ("good", "bad"):
        index.add(name, "1.0")


@pytest.fixture
def hostile(index: FakeIndex) -> FakeIndex:
    filled(index)
    return index


class Quiet(NamedTuple):
    """What a run that meets nothing bad takes, and the tree that it makes."""

    peak_mib: int
    tree: Mapping[str, bytes]


@pytest.fixture(scope="module")
def quiet(guarded: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Quiet:
    with FakeIndex() as index:
        filled(index)
        mirror = Mirror(tmp_path_factory.mktemp("quiet"), index.url, **HONEST)
        run = guarded.run(mirror, "-U")
        assert run.ended == Ended(0, "", "")
        return Quiet(run.peak_mib, mirror.contents())


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_promises_hold_and_all_heals(
    hostile: FakeIndex, tmp_path: Path, guarded: Guarded, quiet: Quiet, case: Case
) -> None:
    case.begin(hostile)
    mirror = Mirror(tmp_path, hostile.url, **{**OPTIONS, **case.options})
    run = guarded.run(mirror, "-U")
    check_run(case, run, mirror, quiet)
    check_tree(case, hostile, mirror)
    heal(hostile)
    mirror.configure(**HONEST)
    mirror.age(hours=48)
    was_trouble = mirror.has_told_trouble()
    healed = mirror.run("-U")
    assert is_over(healed) if was_trouble else healed == GOOD, healed
    assert mirror.contents() == quiet.tree
    mirror.check_links()


def heal(index: FakeIndex) -> None:
    """Let the index be as it should be."""
    index.clear_faults()
    index.remove("bad")
    index.add("bad", "1.0")


def check_run(case: Case, run: Measured, mirror: Mirror, quiet: Quiet) -> None:
    """Check how it ended, and what it said and took."""
    status, stdout, stderr = run.ended
    assert (status in case.statuses, status in STATUSES, stdout) == (True, True, ""), run.ended
    for told in (stderr, mirror.log):
        assert "Traceback" not in told
        assert "a bug" not in told
        assert not [c for c in told if not c.isprintable() and c != "\n"]
        assert len(told) < MOST_LOG
    assert run.asked == []
    assert run.peak_mib < quiet.peak_mib + MOST_MEMORY_MIB


def check_tree(case: Case, index: FakeIndex, mirror: Mirror) -> None:
    """Check that the tree is whole, has only what the index vouches for, and that nothing left it."""
    if (mirror.root / "index.html").exists():
        mirror.check_links()
    else:
        assert mirror.contents() == {}
    true = {f"{name}/{file.filename}": file.content for name in index.records() for file in index.files(name)}
    for path, content in files_of(mirror):
        assert content == true[path], path
    assert {path.name for path in mirror.folder.iterdir()} <= {"mirror", "pypimirror.cfg"}
    if case.spares_others:
        assert len(mirror.listed("good")) == 2


def files_of(mirror: Mirror) -> Iterator[tuple[str, bytes]]:
    """Yield the files of the tree that are neither pages nor made out of files."""
    for path in mirror.names():
        if not path.endswith(".metadata"):
            yield path, (mirror.root / path).read_bytes()
