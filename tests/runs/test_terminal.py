"""What one sees who runs the command on a terminal, and that cron sees nothing of it."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from filelock import FileLock

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, clean_environment
from tests.terminal import Terminal, wait_for

MakeMirror = Callable[..., Mirror]

LONG = "a-project-whose-name-goes-on-and-on-and-on-until-no-row-of-a-terminal-can-have-all-of-it"
COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-8]|4[0-8]|9[0-7])[0-9;]*m")


def slow(index: FakeIndex, *, projects: int = 4) -> None:
    """Let files come so slowly that they are seen coming."""
    for number in range(projects):
        index.add(f"{LONG}-{number}", "1.0", sdist=False, extra_size=600_000)
    index.fault("/files/*", faults.Drip(30_000, 0.1))


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_bars_fill_the_width_and_no_row_is_wrapped(
    index: FakeIndex, make_mirror: MakeMirror, columns: int
) -> None:
    index.fault(f"/files/{LONG}-3/*", faults.Status(503), times=1)
    index.fault("/simple/broken/", faults.Body(b"garbage", "text/plain"))
    index.add("broken", "1.0")
    slow(index)
    terminal = Terminal(make_mirror(retries=2).config, "-U", columns=columns)
    assert terminal.end() == 3
    terminal.check_rows()
    text = terminal.text
    for told in ("projects 0/5", "files 0/4", " of 2.4", "/s", "1 failed", "1 retry", " left"):
        assert told in text, told
    bars = [row for row in terminal.rows if "━" in row]
    assert {len(row) for row in bars} == {columns}
    names = [row for row in bars if row.startswith("a_project")]
    assert any("....whl" in row or re.match(r"a_project\S*\.\.\.\S*-any\.whl ", row) for row in names)
    assert names


def test_the_table_at_the_end_tells_what_came_and_left_and_fails(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    for version in ("1.0", "2.0", "3.0"):
        index.add("demo", version)
    index.add("gone", "1.0")
    index.add("six", "1.0")
    mirror = make_mirror(removal_grace_hours=0, removal_limit="100 %")
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 0
    assert "pypimirror: up to date: 3 projects asked about" in terminal.text
    assert re.search(r"came +10 files \([\d.]+ kB\); 3 projects changed", terminal.text)
    assert re.search(r"took +\d+ s, 14 requests", terminal.text)
    assert "what to do" not in terminal.text
    index.remove("gone")
    index.remove_file("demo", "demo-1.0.tar.gz")
    index.fault("/simple/six/", faults.Body(b"garbage", "text/plain"))
    index.touch("six")
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 3
    terminal.check_rows()
    text = re.sub(r"\s+", " ", terminal.text)
    assert "pypimirror: 1 project is not up to date, all others are" in text
    assert "left the pages 1 project and 3 files: upstream no longer has them" in text
    assert "left the disk 3 files (" in text
    assert "fails six: " in text
    assert "what to do Nothing, if it passes" in text
    assert str(mirror.root / ".pypimirror/pypimirror.log") in re.sub(r"\s+", "", terminal.text)


def test_what_waits_for_its_next_try_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    index.add("demo", "1.0")
    mirror = make_mirror()
    index.fault("/simple/six/", faults.Status(500))
    assert [mirror.run("-U").status for _ in range(2)] == [3, 3]
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 3
    text = re.sub(r"\s+", " ", terminal.text)
    assert re.search(r"six waits for its next try at [\d:-]+( \d\d:\d\d)?; --project six tries it now", text)
    index.fault("/simple/demo/", faults.Status(500))
    index.touch("demo")
    assert [mirror.run("-U").status for _ in range(2)] == [3, 3]
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 3
    text = re.sub(r"\s+", " ", terminal.text)
    assert "2 projects wait for their next try, the first at" in text
    assert "(six, demo); --project NAME tries one now" in text


def test_warnings_are_told_above_the_bars(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index, projects=1)
    terminal = Terminal(make_mirror(fetch_since_days=3, package_matches="a-* nothing*").config, "-U")
    assert terminal.end() == 0
    terminal.check_rows()
    assert "fetch_since_days: not needed any more" in terminal.text
    assert "package_matches: nothing* matches nothing" in terminal.text


def test_many_warnings_are_left_to_the_log(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches=" ".join(["six", *(f"nothing-{n}" for n in range(30))]))
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 3
    # Beside the warnings the table at the end names the first of them.
    assert terminal.text.count("upstream has no such project") == 30
    assert "more warnings are in" in terminal.text


def test_quiet_is_nothing_but_trouble(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index, projects=1)
    mirror = make_mirror(fetch_since_days=3)
    terminal = Terminal(mirror.config, "-U", "-q")
    assert (terminal.end(), terminal.raw) == (0, "")
    index.fault(f"/simple/{LONG}-0/", faults.Status(500))
    index.touch(f"{LONG}-0")
    for _ in range(2):
        terminal = Terminal(mirror.config, "-U", "--quiet")
        assert terminal.end() == 3
        assert "1 project is not up to date" in terminal.text
        assert "━" not in terminal.text
    assert mirror.run("--status", "-q").stdout
    index.clear_faults()
    mirror.run("-I")
    assert mirror.run("--status", "-q") == Ended(0, "", "")


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_is_dumb_gets_plain_words(
    index: FakeIndex, make_mirror: MakeMirror, kind: str
) -> None:
    slow(index, projects=1)
    terminal = Terminal(make_mirror().config, "-U", env={"TERM": kind})
    assert terminal.end() == 0
    assert "\x1b" not in terminal.raw
    assert "━" not in terminal.raw
    assert "up to date" in terminal.raw


def test_files_that_are_taken_over_are_seen(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(30):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    for path in (mirror.root / ".pypimirror").glob("state.sqlite*"):
        path.unlink()
    index.add("six", "1.0")
    index.fault("/files/six/*", faults.Drip(60, 0.1))
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 0
    assert re.search(r"files ([1-9]|[1-5]\d)/\1\b", terminal.text), "as they are read"
    assert re.search(r"files 6[01]/62", terminal.text), "those that come are counted with them"


def test_pages_that_are_written_are_seen(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(30):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    terminal = Terminal(mirror.config, "-i")
    assert terminal.end() == 0
    terminal.check_rows()
    assert re.search(r"pages [1-9]\d?/30", terminal.text)
    assert "projects 0" not in terminal.text
    assert " of 0" not in terminal.text
    command = [sys.executable, "-c", LINES.replace("0.3", "0"), str(mirror.config), "-i", "-v"]
    ended = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=True)
    assert "pypimirror: 1 of 30 pages\n" in ended.stderr


@pytest.mark.parametrize("columns", [80, 200])
def test_what_a_look_at_the_tree_finds_stands_above_its_bars(
    index: FakeIndex, make_mirror: MakeMirror, columns: int
) -> None:
    for number in range(30):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    (mirror.root / "project-7/index.html").unlink()
    found = "page project-7/index.html"
    terminal = Terminal(mirror.config, "--verify=hash", columns=columns, has_stdout=True)
    assert terminal.end() == 3
    too_long = [row for row in terminal.rows if len(row) > columns]
    assert all(row.startswith("verified ") for row in too_long), "no bar"
    assert len(re.findall(rf"(^|[\r\n]){found} *\r\n", terminal.text)) == 1
    assert "projects 0/30" in terminal.text
    assert "bytes" not in terminal.text
    terminal = Terminal(mirror.config, "--verify=hash", columns=columns)
    assert terminal.end() == 3
    assert found not in terminal.text
    assert mirror.run("--verify").stdout.startswith(f"{found}\n")


def test_no_color_is_heard(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index, projects=1)
    terminal = Terminal(make_mirror().config, "-U", env={"NO_COLOR": "1"})
    assert terminal.end() == 0
    assert "━" in terminal.raw
    assert not COLOURS.search(terminal.raw)


def test_a_terminal_without_other_letters_gets_ascii(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index, projects=1)
    terminal = Terminal(make_mirror().config, "-U", env={"PYTHONIOENCODING": "ascii"})
    assert terminal.end() == 0
    assert terminal.raw.isascii()


def test_a_size_that_nobody_tells_is_not_shown_as_nothing(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index, projects=1)
    index.formats = ("html",)
    terminal = Terminal(make_mirror().config, "-U")
    assert terminal.end() == 0
    assert " of 0" not in terminal.text
    rows = [row for row in terminal.rows if row.startswith("bytes ")]
    assert any(re.search(r"━ +[1-9][\d.]+ kB ", row) for row in rows)
    assert not [row for row in rows if " of " in row]


def test_a_terminal_that_goes_away_ends_no_run(index: FakeIndex, make_mirror: MakeMirror) -> None:
    slow(index)
    mirror = make_mirror()
    terminal = Terminal(mirror.config, "-U")
    wait_for(lambda: "MB" in terminal.text)
    terminal.hang_up()
    assert terminal.process.wait(60) == 0
    assert len(mirror.names()) >= 4


LINES = """
import sys
from pypimirror.cli import main, progress
progress.LINE_EVERY_S = 0.3  # half a minute, for a test
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("flag", "is_told"), [("-v", True), ("-c", True), ("-q", False), ("-U", False)])
def test_without_a_terminal_a_line_now_and_then_for_who_asked_for_words(
    index: FakeIndex, make_mirror: MakeMirror, flag: str, *, is_told: bool
) -> None:
    slow(index, projects=1)
    command = [sys.executable, "-c", LINES, str(make_mirror().config), "-U", flag]
    ended = subprocess.run(command, capture_output=True, text=True, env=clean_environment(), check=True)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("pypimirror: 0 of 1 projects, ")]
    assert bool(lines) == is_told
    assert " of 0" not in ended.stderr
    assert any(re.search(r"0 of 1 files, [\d.]+ kB of 602 kB", line) for line in lines) == is_told
    assert is_told or ended.stderr == ""


# -- the lock, the signals, the reader ---------------------------------------------------------------------


def test_who_holds_the_lock_is_told(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(timeout=600)
    index.fault("/simple/", faults.Hang(600))
    running = mirror.start("-U")
    wait_for(lambda: index.requests)
    terminal = Terminal(mirror.config, "-i")
    assert terminal.end() == 5
    text = terminal.text.replace("\r\n", "")
    assert f"another run holds the lock {mirror.root}/.pypimirror/lock (process {running.pid}, " in text
    assert "--update-fetch, since 20" in text
    assert "--wait-lock SECONDS waits for it" in text
    assert mirror.run("-U") == Ended(5, "", "")
    assert f"(process {running.pid}, --update-fetch, since" in mirror.log
    running.kill()
    running.communicate()
    index.clear_faults()
    mirror.update()
    assert (mirror.root / ".pypimirror/lock").read_bytes() == b""
    with FileLock(mirror.root / ".pypimirror/lock"):
        terminal = Terminal(mirror.config, "-U")
        assert terminal.end() == 5
        assert "another run holds the lock" in terminal.text
        assert "process" not in terminal.text


@pytest.mark.parametrize(
    "note", [b"", b"\xff{", b'[99999999,"update-fetch",5]' + b" " * 2000, b'[-1,"\\u001b[2J",1e99]']
)
def test_a_note_of_nobody_is_no_matter(index: FakeIndex, make_mirror: MakeMirror, note: bytes) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    lock = mirror.root / ".pypimirror/lock"
    lock.write_bytes(note)
    mirror.update()
    with FileLock(lock):
        lock.write_bytes(note)
        terminal = Terminal(mirror.config, "-U")
        assert terminal.end() == 5
        assert "process" not in terminal.text


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_is_told(
    index: FakeIndex, make_mirror: MakeMirror, signum: signal.Signals, status: int
) -> None:
    slow(index)
    terminal = Terminal(make_mirror().config, "-U")
    wait_for(lambda: "MB" in terminal.text)
    terminal.process.send_signal(signum)
    assert terminal.end() == status
    told = "pypimirror: interrupted; what is there is whole, and the next run goes on"
    assert terminal.text.count(told) == 1
    assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l"), "the cursor is back"
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["--sample-config"], 0),
        (["CONFIG", "--status"], 0),
        (["CONFIG", "--status", "--json"], 0),
        (["CONFIG", "--verify"], 3),
        (["CONFIG", "--server-config", "nginx"], 0),
        (["CONFIG", "-U", "--dry-run"], 0),
        (["--init", "new"], 0),
    ],
)
@pytest.mark.parametrize("reader", ["true", "head -1"])
def test_a_reader_that_goes_away_is_no_trouble(
    index: FakeIndex, make_mirror: MakeMirror, arguments: list[str], status: int, reader: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    if "--verify" in arguments:
        for number in range(3000):
            (mirror.root / f"foreign-{number}").touch()
        (mirror.root / "six/index.html").unlink()
    words = " ".join(str(mirror.config) if each == "CONFIG" else each for each in arguments)
    line = f"'{COMMAND}' {words} | {reader} >/dev/null; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=mirror.folder, check=False, timeout=60
    )
    assert (ended.stdout, ended.stderr) == (f"{status}\n", "")


# -- what is asked, and told before a run ------------------------------------------------------


@pytest.mark.parametrize(("answer", "left", "status"), [("yes\n", 1, 0), ("no\n", 24, 7), ("\n", 24, 7)])
def test_one_who_sits_there_is_asked_whether_so_much_may_go(
    index: FakeIndex, make_mirror: MakeMirror, answer: str, left: int, status: int
) -> None:
    for number in range(12):
        index.add("demo", f"{number}.0")
    mirror = make_mirror()
    mirror.update()
    mirror.configure(filename_matches="demo-11.0.tar.gz")
    terminal = Terminal(mirror.config, "-U", types=answer)
    assert terminal.end() == status
    assert "no longer selects 23 of 24 files" in terminal.text
    assert len(mirror.listed("demo")) == left


def test_the_first_run_of_everything_says_what_that_takes(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(package_matches="*")
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 0
    assert "40 TB" in terminal.text
    again = Terminal(mirror.config, "-U")
    assert again.end() == 0
    assert "40 TB" not in again.text


def test_what_pip_would_miss_is_told_after_a_change(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["six>=2"])
    mirror = make_mirror(package_matches="app")
    terminal = Terminal(mirror.config, "-U")
    assert terminal.end() == 0
    assert "app 1.0 requires six>=2" in terminal.text
    again = Terminal(mirror.config, "-U")
    assert again.end() == 0
    assert "six" not in again.text
