"""A program that writes an index as files, which the standard library's server serves."""

import json
from pathlib import Path

from tests.wild.offered import Dist
from tests.wild.real import Process, program, run


class DumbPypi:
    """dumb-pypi's pages, written anew whenever something changes, behind the standard library's server."""

    has_yanks = True

    def __init__(self, folder: Path) -> None:
        self.process = Process(folder)
        self._program = program("dumb-pypi", "dumb-pypi")
        python = program("dumb-pypi", "python")
        self._root = folder / "root"
        (self._root / "pool").mkdir(parents=True)
        serve = ["-m", "http.server", "--bind", "127.0.0.1", "--directory", str(self._root)]
        self.process.command = [python, *serve, str(self.process.port)]
        self.url = f"{self.process.origin}/simple/"
        self._files: dict[str, dict[str, object]] = {}

    def ready(self) -> None:
        pass

    def add(self, file: Dist) -> None:
        (self._root / "pool" / file.name).write_bytes(file.content)
        entry: dict[str, object] = {"filename": file.name, "hash": f"sha256={file.sha256}"}
        if file.requires_python:
            entry["requires_python"] = file.requires_python
        if file.metadata is not None:
            (self._root / "pool" / f"{file.name}.metadata").write_bytes(file.metadata)
            entry["core_metadata"] = f"sha256={file.metadata_sha256}"
        self._files[file.name] = entry
        self._write()

    def remove(self, file: Dist) -> None:
        del self._files[file.name]
        self._write()

    def yank(self, file: Dist, reason: str) -> None:
        self._files[file.name]["yanked_reason"] = reason
        self._write()

    def _write(self) -> None:
        listed = self.process.folder / "listed"
        listed.write_text("".join(json.dumps(entry) + "\n" for entry in self._files.values()), "utf-8")
        where = ["--output-dir", str(self._root), "--packages-url", "../../pool"]
        run(self._program, "--package-list-json", str(listed), *where, folder=self.process.folder)
