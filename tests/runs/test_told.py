"""What mail, log and --status say of trouble, damage, wrong places, modes, and of what is left out."""

import contextlib
import json
import os
import pty
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pypimirror.state.schema import FORMAT
from tests import faults, small_disks
from tests.fake_index import FakeIndex, Format
from tests.mirror import COMMAND, GOOD, Ended, Mirror, clean_environment, is_over

MakeMirror = Callable[..., Mirror]
SILENT = ""


def cron_environment(home: Path) -> dict[str, str]:
    """Return all that cron gives."""
    return {"HOME": str(home), "LOGNAME": "root", "SHELL": "/bin/sh", "PATH": "/usr/bin:/bin"}


def from_cron(*arguments: str | Path, home: Path, env: Mapping[str, str] = {}) -> Ended:
    """Run the command with nothing but what cron gives: no terminal, and four variables."""
    process = subprocess.run(
        [COMMAND, *arguments],
        env=cron_environment(home) | dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd=home,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


def on_terminal(*arguments: str | Path) -> tuple[int, str]:
    """Run the command on a terminal of its own; return its status and what it showed."""
    ours, theirs = pty.openpty()
    environment = clean_environment() | {"TERM": "dumb", "COLUMNS": "200"}
    process = subprocess.Popen(
        [COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 1 << 16)
        except OSError:  # EIO: nobody has the other end any more
            break
        if not block:
            break
        shown += block
    os.close(ours)
    return process.wait(), shown.decode()


def status(mirror: Mirror, expected: int) -> dict[str, Any]:
    told = mirror.run("--status", "--json")
    assert told.status == expected, told
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def user_version(mirror: Mirror, version: int) -> None:
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        state.execute(f"PRAGMA user_version = {version}")


# -- mail ------------------------------------------------------------------------------------------------


def test_status_1_is_told_when_it_is_new_and_once_a_day_and_then_that_it_is_over(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    user_version(mirror, 99)
    first = from_cron(mirror.config, "-U", home=mirror.folder)
    assert (first.status, first.stdout) == (1, "")
    assert first.stderr.count("\n") == 1
    assert from_cron(mirror.config, "-U", home=mirror.folder) == Ended(1, "", SILENT)
    mirror.age(hours=25)
    assert from_cron(mirror.config, "-U", home=mirror.folder) == first
    user_version(mirror, FORMAT)
    over = from_cron(mirror.config, "-U", home=mirror.folder)
    assert over.status == 0
    assert over.stderr.startswith("pypimirror: all is well again: up to date: ")
    assert from_cron(mirror.config, "-U", home=mirror.folder) == Ended(0, "", "")


def test_a_configuration_that_is_wrong_is_told_once_a_day_by_what_the_user_keeps(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(workers="many")
    first = from_cron(mirror.config, "-U", home=mirror.folder)
    assert first.status == 2
    assert "workers = many" in first.stderr
    assert from_cron(mirror.config, "-U", home=mirror.folder) == Ended(2, "", SILENT)
    mirror.configure(workers="more")
    assert "workers = more" in from_cron(mirror.config, "-U", home=mirror.folder).stderr, "that is new"
    other = mirror.folder / "other.cfg"
    shutil.copy(mirror.config, other)
    assert from_cron(other, "-U", home=mirror.folder).stderr, "of another configuration nothing was told"
    for told in (mirror.folder / ".local/state/pypimirror").glob("*/*"):
        os.utime(told, (told.stat().st_mtime - 90_000,) * 2)
    assert from_cron(mirror.config, "-U", home=mirror.folder).stderr, "a day later"
    mirror.configure()
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    assert is_over(ended)
    assert "all is well again" in ended.stderr
    assert not mirror.root.exists() or not list((mirror.root / ".pypimirror").glob("trouble-*"))


def test_a_home_that_is_not_there_costs_no_words(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(workers="many")
    nowhere = {"HOME": "/dev/null"}
    for _ in range(2):
        ended = from_cron(mirror.config, "-U", home=mirror.folder, env=nowhere)
        assert "workers = many" in ended.stderr


def test_a_wrong_line_in_a_crontab_is_told_once_a_day(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    first = from_cron(mirror.config, "--update", home=mirror.folder)
    assert first.status == 2
    assert "unrecognized arguments: --update" in first.stderr
    assert from_cron(mirror.config, "--update", home=mirror.folder) == Ended(2, "", SILENT)


def test_status_6_is_told_once_a_day_though_the_disk_takes_no_byte(index: FakeIndex, tmp_path: Path) -> None:
    index.add("six", "1.0")
    mirror = Mirror(tmp_path / "small", index.url)
    with small_disks.mounted(mirror.root, "size=4m") as disk:
        mirror.update()
        index.add("six", "2.0", extra_size=100_000)
        disk.leave_free(0)
        first = from_cron(mirror.config, "-U", home=tmp_path)
        assert first.status == 6
        assert "make room" in first.stderr
        assert from_cron(mirror.config, "-U", home=tmp_path) == Ended(6, "", SILENT)
        found = status(mirror, 6)
        assert found["is_full"]
        assert any("is full" in reason for reason in found["reasons"])
        disk.empty()
        mirror.update()
        assert not status(mirror, 0)["is_full"]


@pytest.mark.parametrize("mode", ["--verify", "--status", "-U --dry-run"])
def test_who_asks_gets_an_answer_each_time(index: FakeIndex, make_mirror: MakeMirror, mode: str) -> None:
    mirror = make_mirror(workers="many")
    for _ in range(2):
        assert "workers = many" in mirror.run(*mode.split()).stderr


# -- a full disk, foreseen and told ------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, "1M"])
def test_a_dry_run_foresees_a_full_disk(index: FakeIndex, tmp_path: Path, limit: object) -> None:
    index.add("six", "1.0")
    mirror = Mirror(tmp_path / "small", index.url, min_free_space=limit)
    with small_disks.mounted(mirror.root, "size=8m"):
        mirror.update()
        for name in ("six-2.0.zip", "six-3.0.zip"):
            index.add_file("six", name, bytes(5_000_000))
        ended = mirror.run("-U", "--dry-run")
        assert ended.status == 6
        assert "it would end with status 6" in ended.stdout
        assert "make room" in ended.stdout


def test_status_names_what_is_below_min_free_space(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(min_free_space="900T")
    assert mirror.run("-U").status == 6
    found = status(mirror, 6)
    assert "the last run ended with status 6: the disk was full, or at min_free_space" in found["reasons"]
    assert any("min_free_space = " in reason for reason in found["reasons"])
    mirror.configure()
    assert "all is well again" in mirror.run("-U").stderr
    assert status(mirror, 0)["reasons"] == []


# -- damage ------------------------------------------------------------------------------------------------


def damage(mirror: Mirror) -> None:
    sdist = mirror.root / "six/six-1.0.tar.gz"
    sdist.write_bytes(bytes(len(sdist.read_bytes())))


def test_status_knows_of_damage_until_it_is_mended(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    damage(mirror)
    found = mirror.run("--verify=hash")
    assert found.status == 3
    assert "--verify=hash --repair mends it" in found.stdout
    (reason,) = status(mirror, 3)["reasons"]
    assert reason.startswith("--verify found 1 file or pages wrong (")
    assert reason.endswith("; --verify=hash --repair mends them")
    mirror.update()
    assert mirror.run("--verify").status == 0
    assert status(mirror, 3)["damaged"] == 1, "a look at sizes does not see it"
    mirror.run("--verify=hash", "--repair")
    assert status(mirror, 0)["damaged"] == 0


@pytest.mark.parametrize("mended", ["--verify --repair", "--verify=hash", "-I"])
def test_what_sizes_tell_is_mended_by_a_repair_or_seen_to_be_gone(
    index: FakeIndex, make_mirror: MakeMirror, mended: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    page = mirror.root / "six/index.html"
    content = page.read_bytes()
    page.write_text("gone")
    assert "--verify --repair mends it" in mirror.run("--verify").stdout
    assert status(mirror, 3)["damaged"] == 1
    if mended == "--verify=hash":
        page.write_bytes(content)
    ended = mirror.run(*mended.split())
    assert ended.status == 0
    assert ("rewritten six/index.html" in ended.stdout) == (mended == "--verify --repair")
    assert status(mirror, 0)["reasons"] == []


# -- the wrong disk, the wrong configuration ---------------------------------------------------------------


@pytest.mark.parametrize("mode", ["-U", "-I", "-i", "--verify", "-U --dry-run"])
def test_a_folder_without_a_mirror_is_refused_where_one_is_expected(
    index: FakeIndex, make_mirror: MakeMirror, mode: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(expect_mirror=True)
    mirror.root.mkdir()
    ended = mirror.run(*mode.split())
    assert ended.status == 2
    assert f"expect_mirror = True: {mirror.root} holds no mirror; is its disk mounted?" in ended.stderr
    assert not list(mirror.root.iterdir())
    assert not index.requests
    assert "is its disk mounted?" in mirror.run("--status").stdout
    mirror.configure(expect_mirror=False)
    ended = mirror.run("-U")
    assert is_over(ended) if mode in ("-U", "-I", "-i") else ended == GOOD, "others were told in an answer"
    assert "a new one is made" in mirror.log
    mirror.configure(expect_mirror=True)
    mirror.update()
    assert mirror.log.count("a new one is made") == 1


def test_another_configuration_of_a_tree_is_told_with_both_paths(
    index: FakeIndex, make_mirror: MakeMirror
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    other = mirror.folder / "other.cfg"
    shutil.copy(mirror.config, other)
    ended = from_cron(other, "-U", home=mirror.folder)
    assert ended.status == 0
    assert f"the configuration {mirror.config} until now, and this run has {other};" in ended.stderr
    assert "WARNING this mirror was written with the configuration" in mirror.log
    assert from_cron(other, "-U", home=mirror.folder) == Ended(0, "", "")
    assert mirror.run("-U") == Ended(0, "", ""), "in turn: once a day"
    assert mirror.log.count("WARNING this mirror was written with") == 2
    third = mirror.folder / "third.cfg"
    shutil.copy(mirror.config, third)
    ended = from_cron(third, "-U", home=mirror.folder)
    assert f"{mirror.config} until now, and this run has {third};" in ended.stderr, "new: told at once"


def test_one_configuration_by_another_path_is_the_same(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    by_link, by_name = mirror.folder / "link.cfg", mirror.folder / "name.cfg"
    by_link.symlink_to(mirror.config.name)
    by_name.hardlink_to(mirror.config)
    (tmp_path / "beside").symlink_to(mirror.folder)
    by_folder = tmp_path / "beside" / mirror.config.name
    for path in (by_link, by_name, by_folder, mirror.config, mirror.config.name):
        assert from_cron(path, "-U", home=mirror.folder) == Ended(0, "", "")
    assert "WARNING" not in mirror.log


# -- modes -------------------------------------------------------------------------------------------------


def modes(mirror: Mirror) -> dict[str, int]:
    found = [mirror.root, *mirror.root.rglob("*")]
    served = [path for path in found if ".pypimirror" not in path.parts and not path.is_symlink()]
    return {str(path.relative_to(mirror.root)): path.stat().st_mode & 0o777 for path in served}


@pytest.mark.parametrize("how", ["-I", "--verify --repair"])
def test_what_a_strict_umask_left_is_found_and_mended(
    index: FakeIndex, make_mirror: MakeMirror, how: str
) -> None:
    for name in ("six", "Zope.Event"):
        index.add(name, "1.0")
    mirror = make_mirror(full_index=True)
    assert mirror.run("-U", before=lambda: os.umask(0o077) and None).status == 0
    assert {mode & 0o077 for mode in modes(mirror).values()} == {0}
    strict = mirror.run("--verify", before=lambda: os.umask(0o077) and None)
    assert (strict.status, strict.stdout.count("unreadable")) == (0, 0), "it is meant"
    found = mirror.run("--verify")
    assert found.status == 3
    for path in ("six/", "six/index.html", "six/six-1.0.tar.gz", "index.html", "full.html"):
        assert f"unreadable {path}\n" in found.stdout
    ended = mirror.run(*how.split())
    assert ended.status == 0
    assert all(mode in (0o644, 0o755) for mode in modes(mirror).values()), modes(mirror)
    assert mirror.run("--verify").status == 0
    before = mirror.tree()
    mirror.update()
    assert mirror.tree() == before


def test_what_an_operator_closed_stays_closed(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    mirror.root.chmod(0o700)
    (mirror.root / "six/six-1.0.tar.gz").chmod(0o640)
    assert mirror.run("--verify").status == 0
    mirror.run("-I")
    assert mirror.root.stat().st_mode & 0o777 == 0o700
    assert (mirror.root / "six/six-1.0.tar.gz").stat().st_mode & 0o777 == 0o640


# -- wheels ------------------------------------------------------------------------------------------------


def test_a_mirror_without_wheels_says_what_that_costs(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(3):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror(filename_matches="*.zip *.tar.gz")
    text = "3 wheels are left out, and no wheel is mirrored; add *.whl to filename_matches"
    mirror.update()
    assert f"WARNING {text}" in mirror.log
    assert f"left out   {text}" in mirror.run("--status").stdout
    assert status(mirror, 0)["wheels_left_out"] == 3
    ended, shown = on_terminal(mirror.config, "-U")
    assert (ended, text in shown) == (0, True)
    ended, shown = on_terminal(mirror.config, "-U")
    assert (ended, text in shown) == (0, False), "once a day"
    mirror.update()
    assert mirror.log.count(text) == 1
    mirror.configure(filename_matches="*.whl *.tar.gz")
    mirror.update()
    assert status(mirror, 0)["wheels_left_out"] == 0


@pytest.mark.parametrize("options", [{"filename_excludes": "*.whl"}, {"filename_matches": "*-none-any.whl"}])
def test_who_takes_some_wheels_or_excludes_them_by_name_is_told_nothing(
    index: FakeIndex, make_mirror: MakeMirror, options: dict[str, str]
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(**options)
    mirror.update()
    assert "left out" not in mirror.log + mirror.run("--status").stdout


# -- verbose -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("formats", [("json", "html"), ("html",)])
def test_verbose_writes_nothing_more_for_a_project_without_news(
    index: FakeIndex, make_mirror: MakeMirror, formats: Sequence[Format]
) -> None:
    index.formats = formats
    index.serials = False
    for number in range(5):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror(filename_matches="*.whl", verbose=True)
    mirror.update()
    assert mirror.log.count(" left out ") == 5
    before = len(mirror.log)
    mirror.update()
    assert "project-" not in mirror.log[before:]
    index.fault("/simple/project-3/", faults.Status(403))
    mirror.run("-U")
    assert "403" in mirror.log[before:]
