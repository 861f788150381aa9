"""What runs the command where nobody watches: cron, systemd, and what they can ask of it."""

import configparser
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from pypimirror.cli import arguments
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, clean_environment
from tests.missing import unable
from tests.terminal import Terminal, wait_for

MakeMirror = Callable[..., Mirror]

DOCS = Path(__file__).parents[2] / "docs"
CRONTAB = DOCS / "crontab"
UNITS = (DOCS / "systemd/pypimirror.service", DOCS / "systemd/pypimirror.timer")
CRON_LINE = re.compile(r"#?(?P<when>[*/\d]+( [*\d]+){4}) (?P<user>[a-z]+) (?P<command>/.*)")


# -- cron --------------------------------------------------------------------------------------------------


def cron_commands() -> Iterator[str]:
    """Yield the commands of the crontab, those that are commented out, too."""
    for line in CRONTAB.read_text().splitlines():
        if match := CRON_LINE.fullmatch(line):
            assert match["user"] == "pypimirror"
            yield match["command"]


def as_cron(mirror: Mirror, command: str) -> Ended:
    """Run a command as cron does: by /bin/sh, in next to no environment, without a terminal."""
    command = command.replace("/usr/bin/pypimirror", str(COMMAND)).replace(
        "/etc/pypimirror.cfg", str(mirror.config)
    )
    environment = {"HOME": str(mirror.folder), "LOGNAME": "x", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(
        ["/bin/sh", "-c", command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        start_new_session=True,
        check=False,
        timeout=120,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def test_the_crontab_has_the_form_of_old() -> None:
    lines = [line for line in CRONTAB.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == [
        "*/6 * * * * pypimirror /usr/bin/pypimirror /etc/pypimirror.cfg --update-fetch",
    ]
    assert len(list(cron_commands())) == 3


@pytest.mark.parametrize("command", list(cron_commands()))
def test_each_line_of_the_crontab_runs_and_cron_has_nothing_to_mail(
    index: FakeIndex, make_mirror: MakeMirror, command: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    quick = command.replace("--random-delay 240", "--random-delay 0.1")
    assert as_cron(mirror, quick) == Ended(0, "", "")


@pytest.mark.parametrize("more", ["", "--random-delay 0.05", "--wait-lock 0.3", "-q"])
def test_cron_has_nothing_to_mail_where_the_lock_is_held(
    index: FakeIndex, make_mirror: MakeMirror, more: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    command = f"/usr/bin/pypimirror /etc/pypimirror.cfg --update-fetch {more}"
    assert as_cron(mirror, command) == Ended(0, "", "")
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert as_cron(mirror, command) == Ended(5, "", "")


# -- systemd -----------------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """The units, with a command that is there."""
    if shutil.which("systemd-analyze") is None:
        unable("systemd-analyze is not installed")
    for unit in UNITS:
        text = unit.read_text().replace("/usr/bin/pypimirror", str(COMMAND))
        (tmp_path / unit.name).write_text(text)
    return [tmp_path / unit.name for unit in UNITS]


def analyzed(*words: str | Path) -> str:
    ended = subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_systemd_takes_the_units(units: list[Path]) -> None:
    assert analyzed("verify", *units) == ""


def test_systemd_calls_the_service_safe(units: list[Path]) -> None:
    service, _ = units
    # In tenths: below 2.0 of 10 is "OK".
    told = analyzed("security", "--offline=yes", "--threshold=20", "--no-pager", service)
    assert "Overall exposure level" in told


def service_options() -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for line in UNITS[0].read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            options.setdefault(name, []).append(value)
    return options


def test_the_service_runs_what_the_command_understands() -> None:
    options = service_options()
    (command,) = options["ExecStart"]
    words = command.split()
    assert words[0] == "/usr/bin/pypimirror"
    assert arguments.parse(words[1:]).mode == "update-fetch"
    assert options["ProtectSystem"] == ["strict"]
    assert options["ReadWritePaths"] == options["RequiresMountsFor"]
    assert options["NoNewPrivileges"] == ["yes"]
    assert options["User"] == ["pypimirror"]
    assert options["SuccessExitStatus"] == ["5 143"]
    assert configparser.ConfigParser(strict=False).read(UNITS[1])


def syscalls(group: str) -> set[str]:
    """Return the system calls of one of systemd's groups."""
    found = set()
    for line in analyzed("syscall-filter", "--no-pager", group).splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            found |= syscalls(word)
        elif not word.startswith("#"):
            found.add(word)
    return found


def test_a_run_makes_no_system_call_that_the_service_forbids(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    for tool in ("strace", "systemd-analyze"):
        if shutil.which(tool) is None:
            unable(f"{tool} is not installed")
    allowed = syscalls("@system-service") - syscalls("@privileged") - syscalls("@resources")
    assert service_options()["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    index.add("six", "1.0")
    mirror = make_mirror()
    trace = tmp_path / "trace"
    for mode in ("-U", "--verify=hash"):
        command: list[str | Path] = ["strace", "-f", "-qq", "-o", trace, COMMAND, mirror.config, mode]
        subprocess.run(command, env=clean_environment(), check=True, stdout=subprocess.DEVNULL)
        used = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
        # SQLite gives a journal to the owner of its database where it runs as root, as the service does not.
        assert used - allowed - {"fchown"} == set()
        assert "PROT_WRITE|PROT_EXEC" not in trace.read_text()


# -- --random-delay and --wait-lock ------------------------------------------------------------------------


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_delay_at_once(
    index: FakeIndex, make_mirror: MakeMirror, signum: signal.Signals, status: int
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    terminal = Terminal(mirror.config, "-U", "--random-delay", "604800")
    wait_for(lambda: re.search(r"this run begins in \d[^(]* \(--random", terminal.text))
    assert not mirror.root.exists()
    mirror.update()  # it does not wait with the lock in its hand
    index.requests.clear()
    terminal.process.send_signal(signum)
    assert terminal.end() == status
    assert "interrupted; what is there is whole" in terminal.text
    assert not index.requests


def test_a_configuration_that_is_wrong_is_told_before_the_delay(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(workers="many")
    assert mirror.run("-U", "--random-delay", "604800").status == 2


def test_a_lock_that_is_held_is_waited_for(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    lock = FileLock(mirror.root / ".pypimirror/lock")
    lock.acquire()
    terminal = Terminal(mirror.config, "-U", "--wait-lock", "600")
    wait_for(lambda: "waiting for it, 10:00 min at most" in terminal.text)
    index.requests.clear()
    lock.release()
    assert terminal.end() == 0
    assert index.requests
    assert "up to date" in terminal.text


def test_of_many_that_wait_each_has_its_turn(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(lock_file_name="my.lock")
    mirror.update()
    ended: list[Ended] = []
    lock = FileLock(mirror.root / "my.lock")
    lock.acquire()
    wait = threading.Event()

    def run() -> None:
        wait.wait()
        process = mirror.start("-U", "--wait-lock", "100")
        ended.append(Ended(process.wait(120), *process.communicate()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait.set()
    lock.release()
    for thread in threads:
        thread.join()
    assert ended == [Ended(0, "", "")] * 3


def test_a_signal_ends_the_wait_for_a_lock(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    with FileLock(mirror.root / ".pypimirror/lock"):
        terminal = Terminal(mirror.config, "-U", "--wait-lock", "600")
        wait_for(lambda: "waiting for it" in terminal.text)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == 143


@pytest.mark.parametrize("option", ["--random-delay", "--wait-lock"])
@pytest.mark.parametrize("value", ["soon", "-1", "nan", "inf", "1e9", ""])
def test_seconds_that_are_none_are_told(make_mirror: MakeMirror, option: str, value: str) -> None:
    ended = make_mirror().run("-U", f"{option}={value}")
    assert ended.status == 2
    assert f"argument {option}: '{value}' is no number of seconds from 0 to 604800" in ended.stderr


@pytest.mark.parametrize("option", ["--random-delay", "--wait-lock"])
@pytest.mark.parametrize("mode", ["--status", "--server-config=nginx"])
def test_what_takes_no_lock_waits_for_none(make_mirror: MakeMirror, option: str, mode: str) -> None:
    ended = make_mirror().run(mode, option, "5")
    assert ended.status == 2
    assert f"{option} is for runs that take the lock" in ended.stderr
