"""Real servers that take our tree as their upstream: pip installs through each what the mirror has."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.clients.servers import http_server
from tests.fake_index import FakeIndex
from tests.mirror import Mirror, clean_environment
from tests.wild.real import Process, program, run
from tests.wild.real_devpi import _CHEAP


@pytest.fixture
def tree(index: FakeIndex, make_mirror: Callable[..., Mirror], tmp_path: Path) -> Iterator[str]:
    """The address of a mirror, whose own upstream is not there any more."""
    index.add("six", "1.0")
    index.add("zope.event", "5.0", requires_dist=["six"])
    make_mirror(base_url="https://pypi.example.org/", status_page=True).update()
    index.stop()
    (tmp_path / "web").mkdir()
    with http_server(tmp_path / "mirror", tmp_path / "web") as served:
        yield served.url


def proxpi(folder: Path, tree: str) -> tuple[Process, str]:
    process = Process(folder, {"PROXPI_INDEX_URL": tree})
    options = ["--host", "127.0.0.1", "--port", str(process.port)]
    process.command = [program("proxpi", "flask"), "--app", "proxpi.server", "run", *options]
    return process, "/index/"


def simple_repository_server(folder: Path, tree: str) -> tuple[Process, str]:
    process, name = Process(folder), "simple-repository-server"
    process.command = [program(name, name), "--host", "127.0.0.1", "--port", str(process.port), tree]
    return process, "/simple/"


def devpi(folder: Path, tree: str) -> tuple[Process, str]:
    run(program("devpi", "devpi-init"), "--serverdir", folder / "data", "--no-root-pypi", folder=folder)
    process = Process(folder)
    where = ["--host", "127.0.0.1", "--port", str(process.port)]
    process.command = [program("devpi", "devpi-server"), "--serverdir", str(folder / "data"), *_CHEAP, *where]
    return process, "/root/mirror/+simple/"


def make_devpi_mirror(process: Process, tree: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{process.origin}/+login", json={"user": "root", "password": ""}, timeout=60)
        auth = ("root", answer.json()["result"]["password"])
        options = {"type": "mirror", "mirror_url": tree}
        session.put(f"{process.origin}/root/mirror", json=options, auth=auth, timeout=60).raise_for_status()


SERVERS = {"proxpi": proxpi, "simple-repository-server": simple_repository_server, "devpi": devpi}


@pytest.mark.parametrize("name", SERVERS)
def test_pip_installs_through_a_server_that_has_our_tree_as_its_upstream(
    name: str, tree: str, tmp_path: Path
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    process, path = SERVERS[name](folder, tree)
    process.start()
    try:
        if name == "devpi":
            make_devpi_mirror(process, tree)
        pip = [sys.executable, "-m", "pip", "--isolated", "download", "--no-cache-dir"]
        where = ["--index-url", process.origin + path, "--dest", str(tmp_path / "came")]
        ended = subprocess.run(
            [*pip, *where, "Zope.Event"],
            env=clean_environment() | {"PIP_CONFIG_FILE": "/dev/null"},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
    finally:
        process.stop()
    assert ended.returncode == 0, (ended.stdout, ended.stderr, (folder / "said").read_text("utf-8"))
    came = {path.name: path.read_bytes() for path in (tmp_path / "came").iterdir()}
    assert came == {
        path.name: path.read_bytes()
        for path in (tmp_path / "mirror").glob("*/*.whl")
        if not path.parent.is_symlink()
    }
