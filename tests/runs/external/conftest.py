"""An index with links to other hosts, such a host, and a mirror that follows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.external import OPTIONS, Make
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.outside_host import OutsideHost


@pytest.fixture
def index() -> Iterator[FakeIndex]:
    """An index as old ones were: HTML alone, with a project that has a release of its own."""
    with FakeIndex(formats=("html",)) as running:
        running.add("demo", "1.0", wheel=False)
        yield running


@pytest.fixture
def host() -> Iterator[OutsideHost]:
    """A host that is not the index."""
    with OutsideHost() as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, index: FakeIndex) -> Make:
    """Make a mirror that follows links; keywords are more options."""

    def made(**options: object) -> Mirror:
        return Mirror(tmp_path, index.url, **(OPTIONS | options))

    return made
