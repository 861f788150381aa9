"""`--init DIR`: a configuration to begin with, and what comes next."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, clean_environment


def run(*arguments: str | Path, cwd: Path) -> Ended:
    ended = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=clean_environment(),
        check=False,
        timeout=60,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize("folder", ["pypi", "a/b/pypi", ".", "with a space", "100%-mirror"])
def test_what_it_writes_works_as_it_says(index: FakeIndex, tmp_path: Path, folder: str) -> None:
    for name in ("iniconfig", "pluggy", "six"):
        index.add(name, "1.0")
    ended = run("--init", folder, cwd=tmp_path)
    assert (ended.status, ended.stderr) == (0, "")
    config = Path(os.path.normpath(tmp_path / folder)) / "pypimirror.cfg"
    assert (config.parent / "mirror").is_dir()
    assert "# " in config.read_text()
    steps = [line.strip() for line in ended.stdout.splitlines() if line.startswith("     ")]
    assert len(steps) == 3
    try_it, cron, serve = steps
    config.write_text(config.read_text().replace("#index_url", f"index_url = {index.url}\n#"))
    words = shlex.split(try_it)
    assert words == [str(COMMAND), str(config), "--update-fetch"]
    assert run(*words[1:], cwd=Path("/")) == Ended(0, "", "")
    assert (config.parent / "mirror/six/index.html").exists()
    when, user, command = cron[:11], cron.split()[5], cron.split(maxsplit=6)[6]
    assert (when, user) == ("*/6 * * * *", "root" if os.geteuid() == 0 else os.environ.get("USER", user))
    assert command.replace("\\%", "%") == try_it
    assert "%" not in command.replace("\\%", "")
    shown = run(*shlex.split(serve)[1:], cwd=tmp_path)
    assert shown.status == 0
    assert str(config.parent / "mirror") in shown.stdout


def test_it_never_overwrites(tmp_path: Path) -> None:
    assert run("--init", "pypi", cwd=tmp_path).status == 0
    config = tmp_path / "pypi/pypimirror.cfg"
    config.write_text("mine")
    ended = run("--init", "pypi", cwd=tmp_path)
    assert (ended.status, ended.stdout) == (2, "")
    assert f"{config}: is there already, and stays as it is" in ended.stderr
    assert config.read_text() == "mine"
    config.unlink()
    config.symlink_to("nowhere")
    assert run("--init", "pypi", cwd=tmp_path).status == 2
    assert sorted(path.name for path in config.parent.iterdir()) == ["mirror", "pypimirror.cfg"]


def test_a_mirror_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/index.html").write_text("mine")
    assert run("--init", ".", cwd=tmp_path).status == 0
    assert (tmp_path / "mirror/index.html").read_text() == "mine"


@pytest.mark.parametrize("inside", ["", "/below", "/far/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("mine")
    ended = run("--init", f"file{inside}", cwd=tmp_path)
    assert (ended.status, ended.stdout) == (2, "")
    assert "--init: " in ended.stderr
    assert "name another" in ended.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("folder", ["/proc/nowhere", "x" * 300, "/dev/full/x"])
def test_a_folder_that_can_t_be_made_is_named(tmp_path: Path, folder: str) -> None:
    ended = run("--init", folder, cwd=tmp_path)
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith("pypimirror: --init: ")
    assert "; name a" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--init"], "expected one argument"),
        (["x.cfg", "--init", "pypi"], "--init writes a configuration; give it a folder, and no CONFIG"),
        (["--init", "pypi", "-U"], "--init and --update-fetch are two modes"),
        (["--init", "pypi", "--wait-lock", "5"], "--wait-lock is for runs that take the lock"),
        (["--init", "pypi", "--frobnicate"], "unrecognized arguments"),
        (["--init", ""], "--init: name a folder"),
    ],
)
def test_wrong_usage_writes_nothing(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = run(*arguments, cwd=tmp_path)
    assert (ended.status, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_of_a_configuration(tmp_path: Path) -> None:
    line = f"ulimit -f 1; trap '' XFSZ; '{COMMAND}' --init pypi"
    ended = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=clean_environment(),
        check=False,
    )
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert not (tmp_path / "pypi/pypimirror.cfg").exists()
