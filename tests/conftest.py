"""Fixtures for runs of the real command against a real index on loopback."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.clients import matrix
from tests.clients.programs import CLIENTS
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, clean_environment
from tests.quick_disk import quick_disk
from tests.stepper import Stepper

# Nothing that a test starts writes to the home of who runs it.
os.environ["XDG_STATE_HOME"] = clean_environment()["XDG_STATE_HOME"]
# Where tmp_path is.
os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", quick_disk() or tempfile.gettempdir())
# A property is tried with so many examples each time, and other ones each time; how fast they are drawn says
# what else the machine does.
hypothesis.settings.register_profile(
    "suite",
    max_examples=400 if os.environ.get("PYPIMIRROR_SOAK") else 40,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("suite")


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder of the test's own: with the marker `disk` on a real disk."""
    if request.node.get_closest_marker("disk") is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="pypimirror-test-") as folder:
        yield Path(folder)


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
def all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run see all cores of the machine, and so start as many processes as it does there."""
    monkeypatch.setenv("PYPIMIRROR_ALL_CORES", "1")


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
