"""A mirror that the real command made, and servers that serve it to real clients."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients import servers
from tests.clients.browser import Tab, browser
from tests.clients.servers import Served
from tests.distributions import make_built_sdist, make_wheel
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, clean_environment
from tests.missing import program, unable

Serve = Callable[[Path], "contextlib.AbstractContextManager[Served]"]

TAMPERED = "tampered"
"""A project whose file is not what the mirror's page says, as somebody changed it there."""


@pytest.fixture(scope="session")
def upstream() -> Iterator[FakeIndex]:
    """An index with what clients have to get right: names, dependencies, yanks, requires-python, sdists."""
    with FakeIndex() as index:
        for version in ("5.0", "5.1"):
            index.add("Zope.Event", version, sdist=False)
            index.add_file("Zope.Event", *make_built_sdist("Zope.Event", version))
        index.add("Application", "2.0", sdist=False, requires_dist=["zope.event >= 5", "Yanked_Later"])
        # What nobody can have: a client finds out by its core metadata, and goes back to 2.0.
        index.add("Application", "2.1", sdist=False, requires_dist=["zope.event >= 9"])
        index.add("yanked-later", "1.0", sdist=False)
        index.add("yanked-later", "1.1", sdist=False, yanked="eats <files> & disks")
        index.add("tomorrow", "3.0", sdist=False)
        index.add("tomorrow", "4.0", sdist=False, requires_python=">=99")
        index.add_file("sdist-only", *make_built_sdist("sdist-only", "0.5"))
        index.add("Products.CMFPlone", "6.0", raw_name="Products.CMFPlone")
        index.add("needs-more", "1.0", sdist=False, requires_dist=["needed"])
        for name in ("needed", TAMPERED):
            index.add(name, "1.0", sdist=False)
        index.add("dated", "1.0", sdist=False, upload_time="2024-01-02T03:04:05Z")
        index.add("dated", "2.0", sdist=False, upload_time="2025-01-02T03:04:05Z")
        index.add("local", "1.0+cpu.1", sdist=False)
        for name in ("index.html", "run", "A__b--c", "x" * 60):
            index.add(name, "1.0", sdist=False)
        yield index


@pytest.fixture(scope="session")
def tree(upstream: FakeIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a mirror of `upstream`. Not to be changed."""
    mirror = Mirror(tmp_path_factory.mktemp("mirror"), upstream.url)
    command = [sys.executable, "-m", "pypimirror", str(mirror.config), "-U"]
    ended = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    (wheel,) = (mirror.root / TAMPERED).glob("*.whl")
    wheel.write_bytes(make_wheel(TAMPERED, "1.0", extra_size=100)[1])
    return mirror.root


@pytest.fixture
def tree_copy(tree: Path, tmp_path: Path) -> Path:
    """A copy of the tree, which may be changed."""
    return shutil.copytree(tree, tmp_path / "tree", symlinks=True)


@pytest.fixture(scope="session", params=["http.server", "nginx", "Apache"])
def serve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Serve a folder, by each of the servers in turn."""
    if request.param == "http.server":
        return lambda root: servers.http_server(root, tmp_path_factory.mktemp("http.server"))
    if request.param == "nginx":
        nginx = require_nginx()
        return lambda root: servers.nginx(nginx, root, tmp_path_factory.mktemp("nginx"))
    apache = require_apache()
    return lambda root: servers.apache(apache, root, tmp_path_factory.mktemp("apache"))


@pytest.fixture(scope="session")
def _served(serve: Serve, tree: Path) -> Iterator[Served]:
    with serve(tree) as served:
        yield served


@pytest.fixture
def served(_served: Served) -> Served:
    """The tree, served by each of the servers in turn, with a log that begins now."""
    _served.logged()
    return _served


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A page of a real browser, which starts once for all tests of a module."""
    with browser(tmp_path_factory.mktemp("browser") / "profile") as tab:
        yield tab


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures of pages are kept."""
    folder = Path(os.environ.get("PYPIMIRROR_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def require_nginx() -> str:
    """Return nginx's path; skip, or in CI fail, where it is missing."""
    return program("nginx") or unable("nginx is not installed")


def require_apache() -> str:
    """Return Apache's path; skip, or in CI fail, where it is missing."""
    return program("apache2") or unable("Apache is not installed")
