"""A folder that stands for a machine, in which commands of the documents run as they stand there.

Paths lead into the folder, and programs that only root may call do no more than what the next commands need.
pypimirror, pip, rsync and all others are the real ones.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.documents import TOP
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Mirror, clean_environment

PLACES = (
    "/opt/pypimirror",
    "/usr/local",
    "/var/lib/pypimirror",
    "/srv",
    "/etc",
    "/tmp/try",
    "/mnt",
    "/backup",
)
PROGRAMS = {
    "apt-get": "exit 0",
    "useradd": "exit 0",
    "userdel": "exit 0",
    "nginx": "exit 0",
    "systemctl": "exit 0",
    "sudo": 'shift 2; exec "$@"',
    "install": 'for last; do :; done; mkdir -p "$last"',
}
"""What stands in for programs that change the machine."""


class Machine:
    """A folder that stands for a machine; the mirror of its `/srv/pypi` is that of an index."""

    def __init__(self, folder: Path, index: FakeIndex, *, port: int = 80) -> None:
        self.folder = folder
        self._index = index
        self._port = port
        self._bin = folder / "usr/local/bin"
        for place in (
            "usr/local/bin",
            "opt",
            "srv",
            "tmp",
            "mnt/disk",
            "backup",
            "etc/nginx/conf.d",
            "etc/cron.d",
        ):
            (folder / place).mkdir(parents=True)
        for name, script in PROGRAMS.items():
            (self._bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (self._bin / name).chmod(0o755)

    def install(self) -> None:
        """Bring the machine to where docs/installing.md leaves it."""
        (self._bin / "pypimirror").symlink_to(COMMAND)
        (self.folder / "etc/pypimirror.cfg").write_text(
            f"[DEFAULT]\nmirror_file_path = {self.folder}/srv/pypi\nindex_url = {self._index.url}\n"
            "package_matches = *\nmin_free_space = 0\nretries = 0\n"
        )
        self.run("sudo -u pypimirror pypimirror /etc/pypimirror.cfg --update-fetch")

    def mirror(self, place: str = "srv/pypi") -> Mirror:
        """Return the mirror in a folder of the machine, to be looked at."""
        mirror = Mirror(self.folder / "tmp/look", self._index.url)
        mirror.root = self.folder / place
        return mirror

    def run(self, commands: str) -> str:
        """Run a block of commands; each has to end well."""
        environment = clean_environment() | {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        ended = subprocess.run(
            ["/bin/sh", "-euc", self._moved(commands)],
            cwd=TOP,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert ended.returncode == 0, (commands, ended.stdout, ended.stderr)
        return ended.stdout

    def _moved(self, text: str) -> str:
        """Let commands act in the folder, on the index of the test."""
        text = re.sub(rf"(?<![\w/])({'|'.join(PLACES)})\b", rf"{self.folder}\1", text)
        text = text.replace("http://pypi.example.org/", f"http://127.0.0.1:{self._port}/")
        text = text.replace("pypi.example.org", "127.0.0.1")
        text = text.replace("[DEFAULT]\n", f"[DEFAULT]\nindex_url = {self._index.url}\nmin_free_space = 0\n")
        # An installation asks PyPI for what pypimirror needs: here it is what the tests have installed.
        installed = f"ln -s {COMMAND} {self.folder}/opt/pypimirror/bin/pypimirror"
        text = re.sub(r"\S+/pip install \.$", installed, text, flags=re.MULTILINE)
        # So nobody calls the pip of that environment; to install one takes seconds.
        environment = f"python3 -m venv {self.folder}/opt"
        text = text.replace(environment, environment.replace("venv", "venv --without-pip", 1))
        return text.replace("python3 -m venv", f"{sys.executable} -m venv")
