"""The real command against real servers: files come, go and are yanked, and the server stops and starts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper
from tests.wild.offered import DEMO, FOO, YANK, Dist, offered
from tests.wild.real import Index, Pypiserver, SimpleRepositoryServer, running
from tests.wild.real_devpi import Devpi
from tests.wild.real_proxies import Proxpi, SimpleRepositoryProxy
from tests.wild.real_static import DumbPypi

Make = Callable[[Path, FakeIndex], Index]

SERVERS: dict[str, Make] = {
    "devpi-server": lambda folder, _: Devpi(folder),
    "dumb-pypi": lambda folder, _: DumbPypi(folder),
    "proxpi": Proxpi,
    "pypiserver": lambda folder, _: Pypiserver(folder),
    "simple-repository-server": lambda folder, _: SimpleRepositoryServer(folder),
    "simple-repository-server as a proxy": SimpleRepositoryProxy,
}


def _content(mirror: Mirror) -> dict[str, bytes]:
    """Return the files that the mirror's pages list."""
    names = [f"{project}/{file}" for project in (DEMO.name, FOO.name) for file in mirror.listed(project)]
    return {name: (mirror.root / name).read_bytes() for name in names}


def _of(*files: Dist) -> dict[str, bytes]:
    return {file.path_in_mirror: file.content for file in files}


def _update(stepper: Stepper, mirror: Mirror) -> None:
    ended = stepper.run(mirror.config, "-U")
    assert ended.status == 0, ended.stderr


@pytest.mark.parametrize("name", SERVERS)
def test_a_real_server_is_mirrored(name: str, tmp_path: Path, index: FakeIndex, stepper: Stepper) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    server = SERVERS[name](folder, index)
    mirror = Mirror(tmp_path, server.url, name_links=False)
    wheel, sdist, other, local, old, foo = offered()
    with running(server):
        for file in (wheel, old, foo):
            server.add(file)
        _update(stepper, mirror)
        assert _content(mirror) == _of(wheel, old, foo)
        for file in (other, local):
            server.add(file)
        _update(stepper, mirror)
        assert _content(mirror) == _of(wheel, other, local, old, foo)
        server.remove(other)
        _update(stepper, mirror)
        assert _content(mirror) == _of(wheel, local, old, foo)
        if server.has_yanks:
            server.yank(wheel, YANK)
            _update(stepper, mirror)
            assert mirror.file(DEMO.name, wheel.name).yanked == YANK
        before = mirror.tree()
        _update(stepper, mirror)
        assert mirror.tree() == before
    assert stepper.run(mirror.config, "-U").status in {3, 4}
    assert mirror.tree() == before
    with running(server):
        _update(stepper, mirror)
        assert mirror.tree() == before
        server.add(sdist)
        _update(stepper, mirror)
        assert _content(mirror) == _of(wheel, sdist, local, old, foo)
    mirror.check_links()


@pytest.mark.parametrize("names", ["*", "demo products-foo mistyped"])
def test_a_namesake_elsewhere_does_not_come_in(tmp_path: Path, index: FakeIndex, names: str) -> None:
    wheel, sdist, *_, old, foo = offered()
    index.add("demo", "99.0")
    index.add("products-foo", "99.0")
    index.add("mistyped", "99.0")
    elsewhere = index.url.replace("127.0.0.1", "localhost").rstrip("/")
    server = Pypiserver(tmp_path, elsewhere)
    mirror = Mirror(tmp_path / "mirror", server.url, package_matches=names, name_links=False)
    with running(server):
        for file in (wheel, sdist, old, foo):
            server.add(file)
        if names == "*":
            mirror.update()
        else:
            assert mirror.run("-U").status == 3
        assert _content(mirror) == _of(wheel, sdist, old, foo)
        for file in (old, foo):
            server.remove(file)
        ended = mirror.run("-U")
        assert not any("99.0" in name for name in mirror.names())
        assert "mistyped" not in mirror.projects()
        if names != "*":
            assert ended.status == 3
            assert "localhost" in ended.stderr
            assert "index_hosts" in ended.stderr
            assert _content(mirror) == _of(wheel, sdist, old, foo)
