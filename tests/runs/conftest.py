from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.missing import unable
from tests.small_disks import SmallDisk, mounted
from tests.tls import Certificate


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    try:
        return Certificate(tmp_path)
    except FileNotFoundError:
        unable("openssl is not there to make a certificate")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """An empty folder on a file system of its own, of 20 MiB."""
    with mounted(tmp_path / "disk", "size=20m") as disk:
        yield disk
