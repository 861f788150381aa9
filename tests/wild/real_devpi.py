"""devpi-server with an index of its own that has no bases, so that nothing comes from elsewhere."""

import base64
from pathlib import Path
from typing import Any

import requests

from tests.wild.offered import Dist
from tests.wild.real import Process, program, run

_INDEX = "root/dev"
_PATIENCE_S = 30
# Half a minute of deriving a key is for servers that have something to guard.
_CHEAP = ("--argon2-memory-cost", "1024", "--argon2-parallelism", "1", "--argon2-time-cost", "1")


class Devpi:
    """devpi-server, to which files are uploaded as twine does."""

    has_yanks = False

    def __init__(self, folder: Path) -> None:
        server, data = program("devpi", "devpi-server"), folder / "data"
        run(program("devpi", "devpi-init"), "--serverdir", data, "--no-root-pypi", folder=folder)
        self.process = Process(folder)
        where = ["--host", "127.0.0.1", "--port", str(self.process.port)]
        self.process.command = [server, "--serverdir", str(data), "--offline-mode", *_CHEAP, *where]
        self.url = f"{self.process.origin}/{_INDEX}/+simple/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._is_made = False

    def ready(self) -> None:
        """Log in, which no restart survives, and make the index the first time."""
        answer = self._ask("POST", "/+login", json={"user": "root", "password": ""})
        secret = base64.b64encode(f"root:{answer.json()['result']['password']}".encode()).decode()
        self._session.headers["X-Devpi-Auth"] = secret
        if not self._is_made:
            self._ask("PUT", f"/{_INDEX}", json={"type": "stage", "bases": [], "volatile": True})
            self._is_made = True

    def add(self, file: Dist) -> None:
        kind = "bdist_wheel" if file.name.endswith(".whl") else "sdist"
        fields = {":action": "file_upload", "name": file.project, "version": file.version, "filetype": kind}
        if file.requires_python:
            fields["requires_python"] = file.requires_python
        self._ask("POST", f"/{_INDEX}/", data=fields, files={"content": (file.name, file.content)})

    def remove(self, file: Dist) -> None:
        self._ask("DELETE", f"/{_INDEX}/{file.project}/{file.version}")

    def yank(self, file: Dist, reason: str) -> None:
        raise NotImplementedError

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        url = self.process.origin + path
        answer = self._session.request(method, url, timeout=_PATIENCE_S, **more)
        answer.raise_for_status()
        return answer
