"""Fixtures for runs of the real command against a real index on loopback."""

import os
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.clients import matrix
from tests.clients.programs import CLIENTS
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper

_THINNED = ("test_crash_steps", "test_hostile_index", "test_interrupted_recovery", "test_damaged_state")
_ONE_OF = 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take a third of the cases of the longest files, another one each day; all with PYPIMIRROR_SOAK.

    A case that is named on the command line is taken always.
    """
    if os.environ.get("PYPIMIRROR_SOAK") or any("::" in argument for argument in config.args):
        return
    day = datetime.now(UTC).toordinal()
    left = [
        item
        for item in items
        if item.path.stem in _THINNED
        and "[" in item.name
        and (zlib.crc32(item.nodeid.encode()) + day) % _ONE_OF
    ]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    """An empty index that speaks JSON and HTML."""
    with FakeIndex() as running:
        yield running


@pytest.fixture
def make_mirror(tmp_path: Path, index: FakeIndex) -> Callable[..., Mirror]:
    """Make a mirror of `index`; keywords are options of its configuration."""

    def make(**options: object) -> Mirror:
        return Mirror(tmp_path, index.url, **options)

    return make


@pytest.fixture
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run be a new process of the installed script, as cron's is."""
    monkeypatch.setenv("PYPIMIRROR_COLD", "1")


@pytest.fixture(scope="session")
def stepper() -> Iterator[Stepper]:
    """The command in forks of one process, so that hundreds of runs take seconds."""
    with Stepper() as running:
        yield running


_rows: list[matrix.Row] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Gather what clients did behind servers."""
    if report.when == "call":
        _rows.extend(matrix.row(value) for key, value in report.user_properties if key == matrix.PROPERTY)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hold the table in docs/clients.md against what was seen, or write it there."""
    if hasattr(session.config, "workerinput") or len(_rows) < len(CLIENTS) * 3:
        return
    seen = matrix.table(_rows)
    if os.environ.get("PYPIMIRROR_WRITE_TABLE"):
        matrix.write(seen)
    elif seen != matrix.on_page():
        print(f"\n{matrix.PAGE} has another table; with PYPIMIRROR_WRITE_TABLE=1 this is written:\n\n{seen}")  # noqa: T201
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
