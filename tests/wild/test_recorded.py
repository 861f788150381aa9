"""Each recorded server as pip and uv see it, and as the real command mirrors it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mirror import Mirror
from tests.stepper import Stepper
from tests.wild.clients import Seen, pip_sees, uv_chooses
from tests.wild.offered import DEMO, FOO, REMOVED, Dist
from tests.wild.play import Login, Played, Recorded
from tests.wild.servers import RECORDED

LOGINS: tuple[Login, ...] = ("answer", "redirect")


@pytest.fixture(params=RECORDED)
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    """Each recorded server in turn."""
    with Played(RECORDED[request.param]) as running:
        yield running


def _seen(file: Dist, recorded: Recorded) -> Seen:
    """Return what a client sees of a file on the recorded page."""
    facts = recorded.facts
    digest = f"sha256={file.sha256}" if "sha256" in facts else f"md5={file.md5}" if "md5" in facts else None
    yank = {"yanks": file.yanked, "yanks-bare": file.yanked and ""}
    yanked = next((yank[fact] for fact in yank if fact in facts), None)
    return Seen(file.name, digest, file.requires_python if "python" in facts else None, yanked)


def _mirror(played: Played, folder: Path) -> Mirror:
    names = "*" if played.recorded.list else f"{DEMO.name} {FOO.name}"
    return Mirror(folder, played.url, package_matches=names, name_links=False)


def _files(mirror: Mirror) -> dict[str, set[Seen]]:
    """Return what the mirror's pages say, in the digest that they always have."""
    return {
        name: {
            Seen(file.filename, f"sha256={file.hashes['sha256']}", file.requires_python, _reason(file.yanked))
            for file in mirror.page(name).files
        }
        for name in (DEMO.name, FOO.name)
        if (mirror.root / name).exists()
    }


def _reason(yanked: object) -> str | None:
    return "" if yanked is True else str(yanked) if yanked else None


def _expected(played: Played) -> dict[str, set[Seen]]:
    return {
        project.name: {
            _seen(file, played.recorded)._replace(digest=f"sha256={file.sha256}")
            for file in played.files
            if file.project == project.raw
        }
        for project in (DEMO, FOO)
    }


def test_clients_see_what_was_recorded(played: Played, tmp_path: Path) -> None:
    seen = pip_sees(played.url, DEMO.name, FOO.name)
    for project in (DEMO, FOO):
        is_found = project is DEMO or not played.recorded.only_raw
        files = [file for file in played.files if file.project == project.raw and is_found]
        assert seen[project.name] == {_seen(file, played.recorded) for file in files}
    assert uv_chooses(played.url, DEMO.name, tmp_path) == "demo==2.0+cpu.1"


def test_a_mirror_has_the_same_files_and_loses_one_that_is_removed(played: Played, tmp_path: Path) -> None:
    mirror = _mirror(played, tmp_path)
    mirror.update()
    assert _files(mirror) == _expected(played)
    for file in played.files:
        assert (mirror.root / file.path_in_mirror).read_bytes() == file.content
    mirror.check_links()
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before
    played.remove(REMOVED)
    mirror.update()
    assert _files(mirror) == _expected(played)
    assert REMOVED not in mirror.listed(DEMO.name)


def test_a_login_page_removes_nothing(played: Played, tmp_path: Path, stepper: Stepper) -> None:
    mirror = _mirror(played, tmp_path)
    assert stepper.run(mirror.config, "-U").status == 0
    before = mirror.contents()
    played.login_spares_list = True
    for login in LOGINS:
        played.login = login
        assert stepper.run(mirror.config, "-U").status in {3, 4}
        assert mirror.contents() == before


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("names", ["*", "demo products-foo"])
def test_a_login_page_is_no_index(tmp_path: Path, login: Login, names: str) -> None:
    with Played(RECORDED["devpi"]) as played:
        played.login = login
        empty = Mirror(tmp_path / "empty", played.url, package_matches=names)
        assert empty.run("-U").status == 4
        assert empty.names() == set()
        played.login = None
        mirror = Mirror(tmp_path / "filled", played.url, package_matches=names)
        mirror.update()
        before = mirror.contents()
        played.login = login
        assert mirror.run("-U").status == 4
        assert mirror.contents() == before


def test_a_name_is_shown_as_the_files_spell_it(tmp_path: Path) -> None:
    with Played(RECORDED["devpi"]) as played:
        mirror = Mirror(tmp_path, played.url)
        mirror.update()
        assert mirror.projects() == [DEMO.raw, FOO.raw]
        mirror.check_links()
