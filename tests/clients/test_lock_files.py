"""What uv and pip write down as locked is read as they mean it."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pypimirror.model import Digest
from pypimirror.requirements.files import read
from tests.fake_index import FakeIndex
from tests.mirror import clean_environment
from tests.missing import unable

WANTED = {"application": "==2.0", "six": "==1.17", "zope-event": "==5.1"}


@pytest.fixture
def folder(index: FakeIndex, tmp_path: Path) -> Path:
    for version in ("5.0", "5.1"):
        index.add("Zope.Event", version, sdist=False)
    index.add("six", "1.17", sdist=False)
    index.add("Application", "2.0", sdist=False, requires_dist=["zope.event >= 5"])
    (tmp_path / "asked.in").write_text("Application\nsix ; python_version >= '3'\n")
    return tmp_path


def digests(index: FakeIndex) -> set[Digest]:
    files = [*index.files("application"), *index.files("six"), *index.files("zope-event")]
    return {
        Digest("sha256", hashlib.sha256(each.content).hexdigest())
        for each in files
        if "5.0" not in each.filename
    }


def run(*command: object) -> None:
    ended = subprocess.run(
        list(map(str, command)),
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def compile_by_uv(index: FakeIndex, folder: Path, *more: object) -> None:
    if shutil.which("uv") is None:
        unable("uv is not installed")
    options = [
        "--no-config",
        "--no-cache",
        "--no-header",
        "--python",
        sys.executable,
        "--index-url",
        index.url,
    ]
    run("uv", "pip", "compile", *options, *more, folder / "asked.in")


def test_a_requirements_file_of_uv(index: FakeIndex, folder: Path) -> None:
    compile_by_uv(index, folder, "--generate-hashes", "--emit-index-url", "-o", folder / "locked.txt")
    found = read([folder / "locked.txt"], folder=folder, is_exact=True)
    assert {root.name: root.want.specifier for root in found.roots} == WANTED
    assert {digest for root in found.roots for digest in root.want.digests} == digests(index)
    assert [re.sub(r"^locked\.txt:\d+: ", "", each) for each in found.ignored] == [
        "--index-url has no effect here"
    ]


def test_a_lock_file_of_uv(index: FakeIndex, folder: Path) -> None:
    compile_by_uv(index, folder, "--format", "pylock.toml", "-o", folder / "pylock.toml")
    check_lock(index, folder)


def test_a_lock_file_of_pip(index: FakeIndex, folder: Path) -> None:
    newest = Path(__file__).parents[2] / ".clients/pip/bin/python"
    python = newest if newest.exists() else Path(sys.executable)
    known = subprocess.run([python, "-m", "pip", "lock", "--help"], capture_output=True, check=False)
    if known.returncode:
        unable("no pip here is new enough to lock")
    options = ["--isolated", "--disable-pip-version-check", "--no-cache-dir", "--index-url", index.url]
    asked = ["-r", folder / "asked.in", "-o", folder / "pylock.toml"]
    run(python, "-m", "pip", "lock", *options, *asked)
    check_lock(index, folder)


def check_lock(index: FakeIndex, folder: Path) -> None:
    found = read([folder / "pylock.toml"], folder=folder, is_exact=True)
    assert {root.name: root.want.specifier for root in found.roots} == WANTED
    assert {digest for root in found.roots for digest in root.want.digests} == digests(index)
    assert found.ignored == ()
