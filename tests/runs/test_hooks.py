"""Commands that are called when a run is over."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror

MakeMirror = Callable[..., Mirror]


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def noting(tmp_path: Path) -> Path:
    """A command that notes each of its calls."""
    calls = shlex.quote(str(tmp_path / "calls"))
    line = "$PYPIMIRROR_HOOK $PYPIMIRROR_STATUS $PYPIMIRROR_CHANGED $PYPIMIRROR_NEWS"
    return script(tmp_path, "note", f'echo "{line}" >> {calls}')


def calls(folder: Path) -> list[str]:
    """Return what was called since the last look: the hook, the status, changed paths, and if it is news."""
    path = folder / "calls"
    found = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + 30
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.05)


def watchdogs(parent: int) -> list[int]:
    """Return the processes that end a command when the run is killed."""
    command = ["pgrep", "-P", str(parent), "-f", "watchdog.py"]
    return [int(pid) for pid in subprocess.run(command, capture_output=True, check=False).stdout.split()]


# -- which is called when ----------------------------------------------------------------------


def test_each_is_called_in_its_case(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, noting: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(on_success=noting, on_failure=noting, on_change=noting)
    mirror.update()
    number = len(mirror.tree())
    assert calls(tmp_path) == [f"on_change 0 {number} 0", f"on_success 0 {number} 0"]
    mirror.update()
    assert calls(tmp_path) == ["on_success 0 0 0"]
    assert mirror.run("-U", "--dry-run").status == 0
    assert mirror.run("--status").status == 0
    assert calls(tmp_path) == []
    index.fault("/simple/", faults.Status(503))
    assert mirror.run("-U").status == 4
    assert mirror.run("-U").status == 4
    assert calls(tmp_path) == ["on_failure 4 0 1", "on_failure 4 0 0"]


def test_what_a_command_is_told(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    out = shlex.quote(str(tmp_path / "told"))
    told = script(
        tmp_path,
        "tell",
        f'env | grep ^PYPIMIRROR_ > {out}; cp "$PYPIMIRROR_CHANGED_PATHS" "$PYPIMIRROR_REPORT" "$1"',
    )
    (tmp_path / "a folder").mkdir()
    mirror = make_mirror(on_change="./tell 'a folder'", base_url="https://pypi.example.org/")
    assert told.parent == mirror.config.parent
    process = mirror.start("-U", env={"PWD": str(tmp_path)}, before=lambda: os.chdir(tmp_path))
    assert process.communicate(timeout=60) == ("", "")
    environment = dict(line.split("=", 1) for line in (tmp_path / "told").read_text().splitlines())
    environment = {name: value for name, value in environment.items() if name not in os.environ}
    private = mirror.root / ".pypimirror"
    assert environment == {
        "PYPIMIRROR_HOOK": "on_change",
        "PYPIMIRROR_STATUS": "0",
        "PYPIMIRROR_SUMMARY": environment["PYPIMIRROR_SUMMARY"],
        "PYPIMIRROR_NEWS": "0",
        "PYPIMIRROR_MIRROR": str(mirror.root),
        "PYPIMIRROR_BASE_URL": "https://pypi.example.org/",
        "PYPIMIRROR_REPORT": str(private / "report.json"),
        "PYPIMIRROR_CHANGED_PATHS": str(private / "changed-paths.txt"),
        "PYPIMIRROR_CHANGED": str(len(mirror.tree())),
    }
    assert environment["PYPIMIRROR_SUMMARY"].startswith("up to date: 1 project asked about")
    assert (tmp_path / "a folder/changed-paths.txt").read_text().splitlines() == sorted(mirror.tree())
    assert (tmp_path / "a folder/report.json").exists()


def test_a_mirror_without_its_state_is_a_failure_to_be_told(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, noting: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(on_failure=noting, state_dir="state")
    mirror.update()
    mirror.root.rename(tmp_path / "unmounted")
    assert mirror.run("-U").status == 1
    assert mirror.run("-U").status == 1
    assert calls(tmp_path) == ["on_failure 1 0 1", "on_failure 1 0 0"]
    shutil.rmtree(mirror.root)
    (tmp_path / "unmounted").rename(mirror.root)
    mirror.update()


# -- what fails ----------------------------------------------------------------------------------


def test_a_command_that_fails_is_told_and_called_again_with_the_same_paths(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, noting: Path
) -> None:
    index.add("six", "1.0")
    failing = script(tmp_path, "purge", "echo no answer; exit 7")
    mirror = make_mirror(on_change=failing, on_success=noting, on_failure=noting, changed_paths="changed.txt")
    ended = mirror.run("-U")
    assert ended == Ended(
        1,
        "",
        f"pypimirror: on_change: {failing} ended with status 7: no answer\n"
        "  the mirror itself is as the run left it\n",
    )
    first = sorted(mirror.tree())
    assert calls(tmp_path) == [f"on_failure 1 {len(first)} 1"]
    assert mirror.check_links() == 2
    assert mirror.run("--status").status == 0
    index.add("attrs", "1.0")
    assert mirror.run("-U") == Ended(1, "", "")  # told once a day
    assert set((tmp_path / "changed.txt").read_text().splitlines()) >= set(first)
    assert calls(tmp_path)[0].endswith(" 0")
    script(tmp_path, "purge", 'cp "$PYPIMIRROR_CHANGED_PATHS" "$0.paths"')
    mirror.update()  # nothing changed, but two lists wait
    assert (tmp_path / "purge.paths").read_text().splitlines() == sorted(mirror.tree())
    (tmp_path / "purge.paths").unlink()
    mirror.update()
    assert not (tmp_path / "purge.paths").exists()
    assert "on_change" not in mirror.run("--status").stdout


def test_a_command_that_is_not_there(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(on_success="no-such-command --really")
    ended = mirror.run("-U")
    assert ended.status == 1
    assert "on_success: there is no command no-such-command in the folders of PATH (" in ended.stderr
    assert mirror.check_links() == 2


def test_a_file_that_is_no_program(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    (tmp_path / "text").write_text("no program")
    for mode, reason in ((0o644, "Permission denied"), (0o755, "Exec format error")):
        (tmp_path / "text").chmod(mode)
        mirror = make_mirror(on_success="./text")
        ended = mirror.run("-U")
        assert ended.status == 1
        assert f"{tmp_path}/text can't be called ({reason})" in mirror.log


def test_a_graver_status_gives_way_to_the_machine_and_the_report_keeps_it(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    index.fault("/files/six/six-1.0.tar.gz", faults.Status(500))
    mirror = make_mirror(on_failure="false", report="report.json")
    ended = mirror.run("-U")
    assert ended.status == 1
    assert "six/six-1.0.tar.gz" in ended.stderr
    assert "on_failure: false ended with status 1" in ended.stderr
    assert '"status": 3,' in (tmp_path / "report.json").read_text()


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    pids = shlex.quote(str(tmp_path / "pids"))
    # It does not heed SIGTERM, and neither does what it starts.
    slow = script(
        tmp_path, "slow", f"trap '' TERM; sleep 300 & echo $$ $! > {pids}; echo I wait; wait; sleep 300"
    )
    mirror = make_mirror(on_success=slow, hook_timeout=1)
    ended = mirror.run("-U")
    assert ended.status == 1
    expected = f"on_success: {slow} took longer than hook_timeout = 1 seconds, and was ended: I wait"
    assert expected in ended.stderr
    for pid in (tmp_path / "pids").read_text().split():
        wait_until_gone(int(pid))


def test_a_signal_ends_the_command_and_the_run(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    pids = tmp_path / "pids"
    slow = script(tmp_path, "slow", f"sleep 300 & echo $$ $! > {shlex.quote(str(pids))}; wait")
    mirror = make_mirror(on_success=slow, on_failure="false")
    process = mirror.start("-U")
    while not (pids.exists() and pids.read_text().endswith("\n")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    stdout, _ = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (143, "")
    for pid in pids.read_text().split():
        wait_until_gone(int(pid))
    mirror.check_links()


# -- what a command says, and does ---------------------------------------------------------------


def test_much_output_is_taken_in_and_the_log_stays_short(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    text = "printf 'f\\303\\274r \\033[31mdich\\n'; yes line | head -c 20000000; printf %0300000d 1"
    mirror = make_mirror(on_success=script(tmp_path, "chatty", text))
    mirror.update()
    assert "on_success: für \\x1b[31mdich" in mirror.log
    assert "on_success said 3,999,802 more lines" in mirror.log
    assert len(mirror.log) < 50_000


def test_a_service_that_a_command_leaves_behind_is_not_waited_for(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    pid = tmp_path / "pid"
    mirror = make_mirror(
        on_success=script(tmp_path, "start", f"sleep 300 & echo $! > {shlex.quote(str(pid))}"),
        hook_timeout=60,
    )
    mirror.update()
    number = int(pid.read_text())
    assert is_alive(number)
    os.kill(number, signal.SIGKILL)


def test_a_command_that_closes_its_output_is_waited_for(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(on_success=script(tmp_path, "quiet", "exec >&- 2>&-; sleep 1; exit 9"))
    ended = mirror.run("-U")
    assert ended.status == 1
    assert "quiet ended with status 9\n" in ended.stderr


@pytest.mark.parametrize("heeds", ["", "trap '' TERM; "])
def test_a_run_that_is_killed_while_a_command_works_ends_it_and_lets_it_be_called_again(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, noting: Path, heeds: str
) -> None:
    index.add("six", "1.0")
    pids = tmp_path / "pids"
    text = f"{heeds}sleep 300 & echo $$ $! > {shlex.quote(str(pids))}; wait; sleep 300"
    mirror = make_mirror(on_change=script(tmp_path, "slow", text))
    process = mirror.start("-U")
    while not (pids.exists() and pids.read_text().endswith("\n") and watchdogs(process.pid)):
        assert process.poll() is None
        time.sleep(0.05)
    watching = watchdogs(process.pid)
    process.kill()
    process.communicate()
    for pid in [*map(int, pids.read_text().split()), *watching]:
        wait_until_gone(pid)
    mirror.configure(on_change=noting)
    mirror.update()
    assert calls(tmp_path) == [f"on_change 0 {len(mirror.tree())} 0"]
    mirror.update()
    assert calls(tmp_path) == []


def test_what_may_be_a_secret_is_not_logged(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(on_success="true https://chat.example.org/hook/s3cret")
    mirror.update()
    assert "on_success: calls true" in mirror.log
    assert "s3cret" not in mirror.log


def test_no_command_gets_a_password(index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    index.add("six", "1.0")
    out = shlex.quote(str(tmp_path / "told"))
    failing = script(tmp_path, "purge", "echo https://me:s3cret@cdn.example.org/ did not answer; exit 7")
    telling = script(tmp_path, "tell", f"env | grep ^PYPIMIRROR_ > {out}")
    options = {"on_change": failing, "on_failure": telling, "status_page": True}
    mirror = make_mirror(base_url="https://me:s3cret@pypi.example.org/", **options)
    ended = mirror.run("-U")
    assert ended.status == 1
    environment = dict(line.split("=", 1) for line in (tmp_path / "told").read_text().splitlines())
    assert environment["PYPIMIRROR_BASE_URL"] == "https://pypi.example.org/"
    assert "https://cdn.example.org/ did not answer" in environment["PYPIMIRROR_SUMMARY"]
    assert "https://pypi.example.org/" in (mirror.root / "status.html").read_text()
    written = [path for path in (mirror.root, *mirror.root.rglob("*")) if path.is_file()]
    assert [path for path in written if b"s3cret" in path.read_bytes()] == []
    assert "s3cret" not in f"{environment} {ended}"


def test_a_command_that_starts_pypimirror_finds_the_lock_held(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    config = shlex.quote(str(tmp_path / "pypimirror.cfg"))
    again = f"{shlex.quote(str(COMMAND))} {config}"
    mirror = make_mirror(
        on_success=script(tmp_path, "again", f"{again} -U; echo ended $?; {again} --status; echo ended $?")
    )
    mirror.update()
    assert "on_success: ended 5" in mirror.log
    assert "on_success: complete   yes" in mirror.log
    assert "on_success: ended 0" in mirror.log


def test_what_no_shell_understands_is_refused(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for value, reason in {
        "purge | mail root": "no shell runs it, so | means nothing",
        "purge > /dev/null": "no shell runs it, so > means nothing",
        "a && b": "no shell runs it",
        "purge $PYPIMIRROR_CHANGED_PATHS": "no shell runs it, so $PYPIMIRROR_CHANGED_PATHS means nothing",
        'purge "${HOME}" x': 'no shell runs it, so "${HOME}" means nothing; name a script',
        "purge `date`": "no shell runs it, so `date` means nothing",
        "purge $(date)": "no shell runs it, so $(date) means nothing",
        "say 'unfinished": "no command: no closing quotation; quote its words as for a shell",
        "''": "no command",
    }.items():
        mirror = make_mirror(on_change=value)
        ended = mirror.run("-U")
        assert ended.status == 2
        assert f"on_change = {value}: {reason}" in ended.stderr
    assert not index.requests
    index.add("six", "1.0")
    make_mirror(on_change="true '|' \"&&\" '$HOME' pa$$word a$b sh -c 'true $HOME'").update()


def test_what_is_not_there_is_told_before_a_run(
    make_mirror: MakeMirror, tmp_path: Path, noting: Path
) -> None:
    (tmp_path / "text").write_text("no program")
    mirror = make_mirror(on_success="no-such-command", on_failure="./text", on_change=noting, metrics="m.txt")
    ended = mirror.run("--check-config")
    assert ended.status == 0
    for option, program in (("on_success", "no-such-command"), ("on_failure", f"{tmp_path}/text")):
        assert f"warning: {option}: there is no program {program} for this user; name it" in ended.stdout
    assert "on_change" not in ended.stdout
    assert "reads files that end in .prom alone" in ended.stdout
