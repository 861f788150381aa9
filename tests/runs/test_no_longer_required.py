"""Why something left that nobody asks for any more: in the log, the summary, and `--why`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror

MakeMirror = Callable[..., Mirror]


@pytest.fixture(autouse=True)
def filled(index: FakeIndex) -> None:
    index.add("Plone.api", "1.0", requires_dist=["lib>=1"], sdist=False)
    index.add("lib", "1.0", requires_dist=["deep"], sdist=False)
    index.add("deep", "1.0", sdist=False)
    index.add("other", "1.0", sdist=False)
    index.add("other", "2.0", sdist=False)


def why(mirror: Mirror, name: str) -> str:
    ended = mirror.run("--why", name)
    assert ended.status == 0
    return ended.stdout


@pytest.mark.parametrize("pattern", ["plone.api other", "p* o*"])
def test_a_new_release_requires_less(index: FakeIndex, make_mirror: MakeMirror, pattern: str) -> None:
    mirror = make_mirror(package_matches=pattern, dependencies=True, latest_releases=1)
    mirror.update()
    assert "lib: plone-api 1.0 requires lib>=1" in why(mirror, "lib")
    index.add("Plone.api", "2.0", sdist=False)
    mirror.update()
    assert "lib: no longer required by plone-api" in mirror.log
    assert "deep: no longer required by lib" in mirror.log
    assert "2 projects and 2 files left the pages, as nothing requires them any more" in mirror.log
    index.stop()
    assert "lib is not mirrored: no longer required by plone-api" in why(mirror, "lib")
    assert "deep is not mirrored: no longer required by lib" in why(mirror, "deep")
    index.start()
    index.add("Plone.api", "3.0", requires_dist=["lib"], sdist=False)
    mirror.update()
    assert "lib: plone-api 3.0 requires lib" in why(mirror, "lib")
    assert mirror.run("-U") == GOOD


def test_upstream_drops_who_required_it(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="plone.api other", dependencies=True)
    mirror.update()
    index.remove("Plone.api")
    assert mirror.run("-U").status == 3, "what is named and not there is told"
    assert "lib: no longer required by plone-api" in mirror.log
    assert "lib is not mirrored: no longer required by plone-api" in why(mirror, "lib")


@pytest.mark.parametrize("dependencies", [True, False])
def test_a_line_goes(make_mirror: MakeMirror, tmp_path: Path, dependencies: bool) -> None:
    mirror = make_mirror(package_matches=None, requirements="r.txt", dependencies=dependencies)
    (tmp_path / "r.txt").write_text("other\nlib\n")
    mirror.update()
    (tmp_path / "r.txt").write_text("other\n")
    assert mirror.run("-U", "--allow-removals").status == 0
    assert "lib: no longer required by r.txt:2" in mirror.log
    assert "lib is not mirrored: no longer required by r.txt:2" in why(mirror, "lib")
    (tmp_path / "r.txt").write_text("lib\nother\n")
    mirror.update()
    assert "lib: r.txt:1 requires lib" in why(mirror, "lib")


def test_another_pattern_is_told_as_such(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="lib other")
    mirror.update()
    mirror.configure(package_matches="other")
    mirror.update()
    assert "lib: no longer selected" in mirror.log
    assert "as they are no longer selected" in mirror.log
    assert "lib is not mirrored: nothing selects it" in why(mirror, "lib")
