"""Two files of a project whose names are one on the file system at hand."""

from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper


@pytest.fixture
def blind_stepper(monkeypatch: pytest.MonkeyPatch) -> Stepper:
    monkeypatch.setenv("PYPIMIRROR_TEST_IGNORES_CASE", "1")
    return Stepper()


def test_the_second_is_refused_and_told(index: FakeIndex, tmp_path: Path, blind_stepper: Stepper) -> None:
    index.add_file("six", "six-1.0.zip", b"the first")
    index.add_file("six", "SIX-1.0.zip", b"the second")
    mirror = Mirror(tmp_path, index.url)
    with blind_stepper as stepper:
        for _ in range(2):
            ended = stepper.run(mirror.config, "-U")
            assert ended.status == 3
        assert "refused SIX-1.0.zip: the file system does not tell it from six-1.0.zip" in mirror.log
        assert mirror.listed("six") == {"six-1.0.zip"}
        index.remove_file("six", "SIX-1.0.zip")
        assert stepper.run(mirror.config, "-U").status == 0
        assert (mirror.root / "six/six-1.0.zip").read_bytes() == b"the first"
    mirror.check_links()
