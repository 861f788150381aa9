"""The tutorial, from its first command to its last, on this machine, against an index on loopback.

What would change the machine is kept in a folder: paths lead there, and programs that only root may call do
no more than what the next commands need. pypimirror, nginx, curl and pip are the real ones.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients import servers
from tests.documents import TOP, blocks
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Mirror, clean_environment
from tests.missing import unable

PAGE = TOP / "docs/tutorial.md"
PLACES = ("/opt/pypimirror", "/usr/local", "/var/lib/pypimirror", "/srv/pypi", "/etc", "/tmp/try")
PROGRAMS = {
    "apt-get": "exit 0",
    "useradd": "exit 0",
    "nginx": "exit 0",
    "systemctl": "exit 0",
    "sudo": 'shift 2; exec "$@"',
    "install": 'for last; do :; done; mkdir -p "$last"',
}
"""What stands in for programs that change the machine."""


class Machine:
    """A folder that stands for the machine of the tutorial."""

    def __init__(self, folder: Path, index: FakeIndex, port: int) -> None:
        self.folder = folder
        self._index = index
        self._port = port
        self._bin = folder / "usr/local/bin"
        for place in ("usr/local/bin", "opt", "srv", "tmp", "etc/nginx/conf.d", "etc/cron.d"):
            (folder / place).mkdir(parents=True)
        for name, script in PROGRAMS.items():
            (self._bin / name).write_text(f"#!/bin/sh\n{script}\n")
            (self._bin / name).chmod(0o755)

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
        text = re.sub(r"^\S+/pip install \.$", installed, text, flags=re.MULTILINE)
        return text.replace("python3 -m venv", f"{sys.executable} -m venv")


def test_every_command(index: FakeIndex, tmp_path: Path) -> None:
    programs = {name: shutil.which(name) for name in ("nginx", "curl")}
    for name, program in programs.items():
        if program is None:
            unable(f"{name} is not installed")
    fill(index)
    port = servers.free_port()
    machine = Machine(tmp_path / "machine", index, port)
    mirror = Mirror(tmp_path / "look", index.url)
    mirror.root = machine.folder / "srv/pypi"
    said = {}
    with contextlib.ExitStack() as running:
        for block in blocks(PAGE, "sh"):
            said[block.text] = machine.run(block.text)
            if "--dry-run" in block.text:
                assert mirror.names() == set()
            if "systemctl reload nginx" in block.text:
                configuration = (machine.folder / "etc/nginx/conf.d/pypimirror.conf").read_text()
                served = servers.nginx_as_configured(
                    str(programs["nginx"]), configuration, machine.folder, port
                )
                running.enter_context(served)
    mirror.check_links()
    assert {path for path in mirror.names() if path.endswith(".whl")} == {
        "click/click-8.0.0-py3-none-any.whl",
        "flask/flask-3.0.0-py3-none-any.whl",
        "idna/idna-3.4-py3-none-any.whl",
        "requests/requests-2.32.0-py3-none-any.whl",
        "rich/rich-13.7.0-py3-none-any.whl",
    }
    assert any("complete   yes" in text for text in said.values())
    (installed,) = [text for command, text in said.items() if command.endswith("install requests\n")]
    assert f"Looking in indexes: http://127.0.0.1:{port}/" in installed
    assert "Successfully installed idna-3.4 requests-2.32.0" in installed
    assert machine.run("crontab() { :; }; cat /etc/cron.d/pypimirror").count("*/6 * * * * pypimirror ") == 1


def fill(index: FakeIndex) -> None:
    """Let the index have what the tutorial asks for, and a wheel for nobody there."""
    index.add("requests", "2.32.0", requires_dist=["idna>=2.5,<4"])
    index.add("rich", "13.7.0")
    index.add("idna", "3.4")
    index.add("flask", "3.0.0", requires_dist=["click"])
    index.add("click", "8.0.0")
    index.add("click", "8.1.0", tag="cp27-cp27m-win32", sdist=False)
