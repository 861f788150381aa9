"""What upstream says, on its way to the log and to people: bounded, fit for a terminal, never in the way."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pypimirror.printable import printable
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Mirror, clean_environment
from tests.missing import unable

MakeMirror = Callable[..., Mirror]

JSON = "application/vnd.pypi.simple.v1+json"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\n2026-01-01 ERROR forged\u202egnp\u2066\x9b31m\x00\u2028"
"""Sets a terminal's title and clears it, forges a line, and turns the direction."""


def is_plain(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain é 日本", "plain é 日本"),
        ("a\x1b[31mb\nc", "a\\x1b[31mb\\nc"),
        ("\u202e\ud800\U000e0001", "\\u202e\\ud800\\U000e0001"),
        ("a" * 11, "aaaaaaaaaa... (11 characters)"),
        ("\n" * 8, "\\n\\n\\n\\n\\n... (8 characters)"),
    ],
)
def test_words_are_made_printable(text: str, told: str) -> None:
    assert printable(text, 10 if len(text) == 11 or text.startswith("\n") else 2000) == told


def hostile_page(project: str, entries: int, words: str) -> bytes:
    files = [
        {"filename": f"{project}-{n}{words}.zip", "url": f"x{words}", "hashes": {}} for n in range(entries)
    ]
    return json.dumps({"meta": {"api-version": "1.0"}, "name": project, "files": files}).encode()


def test_upstreams_words_reach_log_and_console_as_plain_text(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("demo", "1.0")
    index.fault("/simple/demo/", faults.Body(hostile_page("demo", 3, HOSTILE), content_type=JSON))
    index.add("six", "1.0")
    index.fault("/simple/six/", faults.Body(b"{" + HOSTILE.encode(), content_type=f"text/{HOSTILE[2:6]}"))
    mirror = make_mirror(verbose=True)
    ended = mirror.run("-U", "-c")
    assert is_plain(ended.stderr)
    assert is_plain(mirror.log)
    assert "\\x1b]0;owned" in mirror.log
    for mode in ("--status", "--dry-run", "--verify"):
        told = mirror.run(*(["-U"] if mode == "--dry-run" else []), mode)
        assert is_plain(told.stdout + told.stderr)


def test_a_page_adds_so_much_to_the_log(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0")
    index.fault("/simple/demo/", faults.Body(hostile_page("demo", 2000, "/" + "x" * 3000), content_type=JSON))
    mirror = make_mirror()
    mirror.run("-U")
    assert len(mirror.log) < 100_000
    assert "demo: refused 1,980 more" in mirror.log
    assert mirror.log.count("refused") == 21


# -- standard streams that are closed, full, or nobody's ---------------------------------------------------


def shell(mirror: Mirror, line: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell, in which $m is the command with its configuration."""
    return subprocess.run(
        ["bash", "-c", line.replace("$m", f"'{COMMAND}' '{mirror.config}'")],
        capture_output=True,
        text=True,
        env=clean_environment() | env,
        check=False,
        timeout=120,
    )


REDIRECTIONS = ["2>&-", "<&- >&- 2>&-", "2>/dev/full", ">/dev/full"]


@pytest.mark.parametrize("redirection", REDIRECTIONS)
@pytest.mark.parametrize("mode", ["-U", "-U -c", "-U --dry-run", "--verify", "--status", "--status --json"])
def test_streams_change_no_status(
    index: FakeIndex, make_mirror: MakeMirror, redirection: str, mode: str
) -> None:
    if "/dev/full" in redirection and not Path("/dev/full").exists():
        unable("there is no /dev/full here")
    index.add("demo", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.add("demo", "2.0")
    index.add("six", "1.0")
    index.fault("/simple/six/", faults.Body(b"garbage", content_type=JSON))
    (mirror.root / "demo/index.html").unlink()
    expected = {"-U": 3, "-U -c": 3, "-U --dry-run": 3, "--verify": 3}.get(mode, 0)
    ended = shell(mirror, f"$m {mode} {redirection}")
    assert (ended.returncode, "Traceback" in ended.stderr + mirror.log) == (expected, False)
    assert "Exception" not in ended.stderr
    if mode.startswith("-U") and "dry" not in mode:
        assert "demo/demo-2.0.tar.gz" in mirror.names()


def test_a_reader_that_went_away_changes_no_status(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(300):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    ended = shell(mirror, "set -o pipefail; $m -U --dry-run | true")
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = shell(mirror, "set -o pipefail; $m -U -c 2>&1 | true")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(mirror.projects()) == 300


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}


def test_an_ascii_locale(index: FakeIndex, tmp_path: Path) -> None:
    index.add_file("demo", "demo-1é日.zip", b"PK")
    mirror = Mirror(tmp_path / "spiegel-ü", index.url)
    before = mirror.run("-U", env=ASCII)
    assert (before.status, before.stderr) == (0, "")
    assert "demo/demo-1é日.zip" in mirror.names()
    (mirror.root / "demo/demo-1é日.zip").unlink()
    ended = mirror.run("--verify", env=ASCII)
    assert (ended.status, ended.stdout.isascii()) == (3, True)
    assert "demo/demo-1\\xe9\\u65e5.zip" in ended.stdout
    assert "\\xfc" in mirror.run("--status", env=ASCII).stdout


# -- what may lie in the place of the log ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fifo", "device", "link to a device", "link to a fifo"])
def test_a_log_that_is_no_file_is_refused_at_once(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, kind: str
) -> None:
    index.add("demo", "1.0")
    path = tmp_path / "log"
    target = tmp_path / "fifo"
    os.mkfifo(target)
    if kind == "fifo":
        path = target
    elif kind == "device":
        path = Path("/dev/zero")
    else:
        path.symlink_to(target if kind.endswith("fifo") else "/dev/zero")
    mirror = make_mirror(log_filename=path)
    ended = mirror.run("-U")
    assert ended.status == 2
    assert "it is no regular file" in ended.stderr
    assert path.lstat()
    mirror.configure()
    default = mirror.root / ".pypimirror/pypimirror.log"
    default.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    default.unlink(missing_ok=True)
    os.mkfifo(default)
    assert mirror.run("-U").status == 2


def test_a_log_may_be_nowhere(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("demo", "1.0")
    make_mirror(log_filename="/dev/null").update()
    assert not Path("/dev/null").is_file() or sys.platform == "win32"
