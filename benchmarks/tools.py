"""The mirrors that are measured, each as a command for one folder."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Once, once
from benchmarks.upstream import Upstream

_OURS = Path(sys.executable).with_name("pypimirror")

_BANDERSNATCH = """\
[mirror]
directory = {root}
master = {url}
allow-non-https = true
timeout = 30
workers = 10
hash-index = false
stop-on-error = false
storage-backend = filesystem
json = false
simple-format = ALL
"""


class Tool:
    """A mirror; first runs go to new folders, as a disk is slow for a while after a large removal."""

    name: str

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def root(self, key: object) -> Path:
        """Return the folder of a mirror."""
        return self._folder / f"mirror-{key}"

    def run(self, key: object, upstream: Upstream, *, only: Sequence[str] = ()) -> Once:
        """Bring a mirror up to date."""
        root = self.root(key)
        command = self._command(root, upstream.url, only)
        return once(command, log=self._folder / "log")

    def _command(self, root: Path, url: str, only: Sequence[str]) -> list[str | Path]:
        raise NotImplementedError


class Pypimirror(Tool):
    """The project itself, as it is installed beside the interpreter."""

    name = "pypimirror"

    def measured(self, root: Path, url: str, only: Sequence[str], **options: object) -> Once:
        """Bring the mirror of these names up to date, each asked for by itself, with these options."""
        path = root.with_suffix(".cfg")
        values = {"mirror_file_path": root, "index_url": f"{url}/simple/", "package_matches": " ".join(only)}
        lines = "".join(f"{name} = {value}\n" for name, value in (values | options).items())
        path.write_text(f"[DEFAULT]\n{lines}")
        return once([_OURS, path, "--update-fetch"], log=self._folder / "log")

    def configuration(self, root: Path, url: str, only: Sequence[str] = ()) -> Path:
        """Write the configuration of a mirror."""
        path = root.with_suffix(".cfg")
        # Twenty globs, and the other names as they are.
        patterns = [name[:-1] + "?" if number < 20 else name for number, name in enumerate(only)] or ["*"]
        lines = "".join(f"\n    {pattern}" for pattern in patterns)
        path.write_text(
            f"[DEFAULT]\nmirror_file_path = {root}\nindex_url = {url}/simple/\npackage_matches ={lines}\n"
        )
        return path

    def command(self, root: Path, url: str, *mode: str) -> list[str | Path]:
        """Return the command for a mirror of all."""
        return [_OURS, self.configuration(root, url), *mode]

    def _command(self, root: Path, url: str, only: Sequence[str]) -> list[str | Path]:
        return [_OURS, self.configuration(root, url, only), "--update-fetch"]


class Bandersnatch(Tool):
    """The peer, in a virtual environment of its own."""

    name = "bandersnatch"

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder)
        self._program = program

    def _command(self, root: Path, url: str, only: Sequence[str]) -> list[str | Path]:
        path = root.with_suffix(".conf")
        plugin = "[plugins]\nenabled = allowlist_project\n[allowlist]\npackages =\n" if only else ""
        names = "".join(f"    {name}\n" for name in only)
        path.write_text(_BANDERSNATCH.format(root=root, url=url) + plugin + names)
        return [self._program, "-c", path, "mirror"]


def install_bandersnatch(folder: Path, python: str) -> Path:
    """Install bandersnatch from the package index, unless it is there; return its program."""
    program = folder / "bin/bandersnatch"
    if not program.exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
        # Before 8 it asked for the list over XML-RPC, which the index here does not speak.
        subprocess.run([folder / "bin/pip", "install", "-q", "bandersnatch>=8"], check=True)
    return program
