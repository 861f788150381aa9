"""Real index servers, each in a process and a virtual environment of its own that `.ci/servers` made."""

import contextlib
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tests.clients.servers import _wait_for, free_port
from tests.mirror import clean_environment
from tests.missing import unable
from tests.wild.offered import Dist

FOLDER = Path(os.environ.get("PYPIMIRROR_SERVERS") or Path(__file__).parents[2] / ".servers")

_PATIENCE_S = 60


def program(server: str, name: str) -> str:
    """Return the path of a program of a server; skip, or in CI fail, where it is missing."""
    path = FOLDER / server / "bin" / name
    if not path.exists():
        unable(f"{server} is not there; .ci/servers makes it")
    return str(path)


class Process:
    """A server's process on a port of loopback, which stays the same from one start to the next."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.command: list[str] = []
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        own = {"HOME": str(self.folder), "PYTHONWARNINGS": "ignore", **self._env}
        said = (self.folder / "said").open("ab")
        with said:
            self._process = process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=clean_environment() | own,
                cwd=self.folder,
            )
        _wait_for(lambda: answers(self.origin) or process.poll() is not None)
        assert process.poll() is None, (self.folder / "said").read_text("utf-8")

    def stop(self) -> None:
        """Stop it."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(_PATIENCE_S)


def answers(url: str) -> bool:
    """Say whether a server gives any answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_PATIENCE_S):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def run(*command: str | Path, folder: Path) -> None:
    """Run a program of a server to its end."""
    subprocess.run(
        command, env=clean_environment() | {"HOME": str(folder)}, cwd=folder, capture_output=True, check=True
    )


class Index(Protocol):
    """An index that runs at `url`."""

    url: str
    process: Process
    has_yanks: bool

    def ready(self) -> None:
        """Do what has to be done after each start."""

    def add(self, file: Dist) -> None:
        """Let the index have a file."""

    def remove(self, file: Dist) -> None:
        """Take a file away."""

    def yank(self, file: Dist, reason: str) -> None:
        """Yank a file."""


class Folder:
    """Files in a folder, which a server looks at whenever it is asked."""

    has_yanks = False

    def __init__(self, folder: Path, *, by_project: bool = False) -> None:
        self.files = folder / "files"
        self.files.mkdir()
        self._by_project = by_project

    def ready(self) -> None:
        pass

    def add(self, file: Dist) -> None:
        self._path(file).parent.mkdir(exist_ok=True)
        self._path(file).write_bytes(file.content)

    def remove(self, file: Dist) -> None:
        self._path(file).unlink()

    def yank(self, file: Dist, reason: str) -> None:
        raise NotImplementedError

    def _path(self, file: Dist) -> Path:
        return self.files / (file.path_in_mirror if self._by_project else file.name)


class Pypiserver(Folder):
    """pypiserver over a folder; unknown projects are 404, or redirected to `fallback`."""

    def __init__(self, folder: Path, fallback: str | None = None) -> None:
        super().__init__(folder)
        self.process = Process(folder)
        port, where = str(self.process.port), str(self.files)
        fall_back = ["--fallback-url", fallback] if fallback else ["--disable-fallback"]
        options = ["-i", "127.0.0.1", "-p", port, "--server", "wsgiref", *fall_back]
        self.process.command = [program("pypiserver", "pypi-server"), "run", *options, where]
        self.url = f"{self.process.origin}/simple/"


class SimpleRepositoryServer(Folder):
    """simple-repository-server over a folder for each project."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, by_project=True)
        self.process = Process(folder)
        name, options = "simple-repository-server", ["--host", "127.0.0.1", "--port", str(self.process.port)]
        self.process.command = [program(name, name), *options, str(self.files)]
        self.url = f"{self.process.origin}/simple/"


@contextlib.contextmanager
def running(index: Index) -> Iterator[None]:
    """Run the index's process."""
    index.process.start()
    try:
        index.ready()
        yield
    finally:
        index.process.stop()
