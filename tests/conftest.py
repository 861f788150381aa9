"""Fixtures for runs of the real command against a real index on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper


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


@pytest.fixture(scope="session")
def stepper() -> Iterator[Stepper]:
    """The command in forks of one process, so that hundreds of runs take seconds."""
    with Stepper() as running:
        yield running
