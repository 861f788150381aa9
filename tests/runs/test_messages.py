"""What people are told of each error that they can cause or meet: what happened, where, and what to do.

Each case is a run as cron makes it: the installed command, no terminal, nearly no environment; what is wrong
in a configuration is told by a fork in that environment.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import COMMAND, Ended, Mirror, warm
from tests.rights import give_up_rights
from tests.runs.test_told import cron_environment, from_cron

MakeMirror = Callable[..., Mirror]


class Case(NamedTuple):
    """A mistake, and what is said of it: every one of these words."""

    status: int
    said: tuple[str, ...]
    text: str | bytes = ""
    """What the configuration has beside what every one needs; bytes are all that is in it."""
    arguments: tuple[str, ...] = ("-U",)


NAMES = {
    "six, attrs": "'six,' is no pattern of names, which white space separates: six",
    "six;attrs": "separate names by blanks",
    "'six'": "write it without quotes",
    "six==1.0": "name the project alone; the option versions says which of its versions",
    "django==4.*": "name the project alone; the option versions says which of its versions",
    "six>=1,<2": "name the project alone; the option versions says which of its versions",
    "https://index.example.org/simple/six/": "name the project alone, without an address or a path",
    "zope.interface/": "name the project alone, without an address or a path",
}


@pytest.mark.parametrize("option", ["package_matches", "package_excludes", "min_age_exceptions"])
@pytest.mark.parametrize(("value", "reason"), NAMES.items())
def test_what_is_no_name_is_told_with_what_to_do(
    make_mirror: MakeMirror, option: str, value: str, reason: str
) -> None:
    ended = make_mirror(**{option: value}).run("-U")
    assert ended.status == 2
    assert f"{option} = {value}: " in ended.stderr
    assert reason in ended.stderr


HASH = ("a comment behind a value begins with ' ;'", "or stands on a line of its own")
CONFIGURATIONS = {
    "no section": Case(2, ("line 1", "an option before any section", "[DEFAULT]"), b"workers = 3\n"),
    "no INI": Case(2, ("line 2 (what is this)", "neither a [section]"), b"[DEFAULT]\nwhat is this\n"),
    "a section that is open": Case(2, ("line 1", "the first line has to be [DEFAULT]"), b"[DEFAULT\na = 1\n"),
    "a binary file": Case(2, ("a binary file", "make one with --sample-config"), b"\x7fELF\0\1\2\xff" * 50),
    "UTF-16": Case(2, ("UTF-16", "save it in UTF-8"), "[DEFAULT]\n".encode("utf-16")),
    "nothing": Case(2, ("mirror_file_path: missing", "package_matches: missing"), b""),
    "another section": Case(
        2,
        ("[mirror]: unknown section; options stand in [DEFAULT]",),
        b"[mirror]\nmirror_file_path = /srv/x\npackage_matches = six\n",
    ),
    "an unknown option": Case(2, ("clean_up: unknown option; did you mean cleanup?",), "clean_up = True"),
    "a bad number": Case(2, ("workers = many: not a whole number from 1 to 256",), "workers = many"),
    "a bad boolean": Case(2, ("cleanup = perhaps: neither True", "nor False"), "cleanup = perhaps"),
    "a bad size": Case(
        2, ("min_free_space = much: not a size in bytes, such as 500M",), "min_free_space = much"
    ),
    "a bad share": Case(2, ("removal_limit = all: not a percentage",), "removal_limit = all"),
    "a bad address": Case(2, ("index_url = nowhere: not an address such as",), "index_url = nowhere"),
    "a comment behind a number": Case(2, ("workers = 3 # few", *HASH), "workers = 3 # few"),
    "a comment behind a boolean": Case(2, ("cleanup = True # yes", *HASH), "cleanup = True # yes"),
    "a comment behind a path": Case(2, ("log_filename", *HASH), "log_filename = /tmp/x.log # the log"),
    "a comment behind an address": Case(2, ("index_url", *HASH), "index_url = http://example.org/ # ours"),
    "a comment behind globs": Case(2, ("package_excludes", *HASH), "package_excludes = six # old"),
    "a slash in a pattern": Case(2, ("filename_matches", "holds a slash"), "filename_matches = a/*.whl"),
    "no folder for the log": Case(
        2,
        ("log_filename = /no/such/x.log: its folder does not exist; make it",),
        "log_filename = /no/such/x.log",
    ),
    "no folder for the lock": Case(
        2, ("lock_file_name = /no/such/x: its folder does not exist; make it",), "lock_file_name = /no/such/x"
    ),
    "a log that is a folder": Case(
        2, ("log_filename = /tmp: it is a folder; name a file",), "log_filename = /tmp"
    ),
    "no certificates": Case(
        2,
        ("ca_bundle = /no/such.pem: it is not there; name a file of certificates",),
        "ca_bundle = /no/such.pem",
    ),
    "a home": Case(
        2,
        ("mirror_file_path = /root", "it is a home directory", "name an empty folder"),
        "mirror_file_path = /root",
    ),
    "no mirror": Case(
        2, ("expect_mirror = True", "is its disk mounted?", "expect_mirror = False"), "expect_mirror = True"
    ),
    "a reference to nothing": Case(
        2, ("%(base)s names no option of this file",), "log_filename = %(base)s/x"
    ),
    "links of every project": Case(
        2,
        ("external_links = True", "name projects there, or say external_links_everything"),
        "external_links = True",
    ),
}
COMMAND_LINES = {
    "no mode": Case(2, ("name a mode: --update-fetch, --initial-fetch",), arguments=()),
    "two modes": Case(2, ("--verify and --update-fetch are two modes",), arguments=("-U", "--verify")),
    "a verify of another kind": Case(
        2,
        ("argument --verify: 'sha' is no way to verify", "--verify=hash", "sizes"),
        arguments=("--verify=sha",),
    ),
    "an unknown flag": Case(
        2, ("unrecognized arguments: --frob; --help lists what there is",), arguments=("-U", "--frob")
    ),
    "half a flag": Case(2, ("--update; did you mean --update-fetch?",), arguments=("--update",)),
    "a flag in small letters": Case(2, ("-u; did you mean -U?",), arguments=("-u",)),
    "a flag with a slip": Case(2, ("--dryrun; did you mean --dry-run?",), arguments=("-U", "--dryrun")),
    "usage in two lines": Case(
        2,
        ("usage: pypimirror CONFIG MODE [options]\n       pypimirror --init DIR\npypimirror: error: ",),
        arguments=(),
    ),
    "a why of nothing": Case(
        1, ("there is no state yet; --update-fetch makes it",), arguments=("--why", "six==1.0")
    ),
    "a project that is not selected": Case(
        2,
        ("--project: other is not selected by package_matches and package_excludes",),
        "package_matches = six",
        arguments=("-U", "--project", "other"),
    ),
    "a project without a name": Case(
        2, ("'a/b' is not a project's name; name the project alone",), arguments=("-U", "--project", "a/b")
    ),
    "a tree that is not there": Case(
        2, ("--adopt /no/such: it is no folder",), arguments=("-U", "--adopt", "/no/such")
    ),
    "pages of nothing": Case(1, ("knows of no project yet; --update-fetch adopts",), arguments=("-i",)),
    "a verify of nothing": Case(
        1, ("knows of no project yet; --update-fetch adopts",), arguments=("--verify",)
    ),
}


WRITTEN = ("report", "metrics", "changed_paths", "log_filename", "lock_file_name")


@pytest.mark.parametrize("option", WRITTEN)
@pytest.mark.parametrize("way", ["by its name", "by a link", "by another name"])
def test_nothing_is_written_over_the_configuration(make_mirror: MakeMirror, option: str, way: str) -> None:
    mirror = make_mirror()
    path = mirror.config
    if way != "by its name":
        path = mirror.folder / "other"
        path.symlink_to(mirror.config) if way == "by a link" else path.hardlink_to(mirror.config)
    mirror.configure(**{option: path})
    text = mirror.config.read_text()
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"{option} = {path}: it is the configuration itself; name a file of its own" in ended.stderr
    assert mirror.config.read_text() == text


@pytest.mark.parametrize(
    "reader", ["requirements = needed.txt", "package_matches = @needed.txt", "ca_bundle = needed.txt"]
)
@pytest.mark.parametrize("option", WRITTEN[:3])
def test_nothing_is_written_over_what_is_read(make_mirror: MakeMirror, option: str, reader: str) -> None:
    mirror = make_mirror()
    needed = mirror.folder / "needed.txt"
    needed.write_text("six\n")
    name, _, value = reader.partition(" = ")
    mirror.configure(**{name: value, option: needed})
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"{option} = {needed}: {name} reads this file; name one of its own" in ended.stderr
    assert needed.read_text() == "six\n"


def check(ended: Ended, case: Case) -> None:
    told = ended.stderr
    assert (ended.status, ended.stdout) == (case.status, ""), ended
    assert told.startswith(("pypimirror: ", "usage: "))
    for words in case.said:
        assert words in told
    assert "Traceback" not in told
    assert told.isprintable() or all(line.isprintable() for line in told.splitlines())
    assert len(told) < 2000


@pytest.mark.parametrize("name", [*CONFIGURATIONS, *COMMAND_LINES])
def test_configurations_and_command_lines(index: FakeIndex, make_mirror: MakeMirror, name: str) -> None:
    case = (CONFIGURATIONS | COMMAND_LINES)[name]
    mirror = make_mirror()
    if isinstance(case.text, bytes):
        mirror.config.write_bytes(case.text)
    else:
        with mirror.config.open("a") as file:
            file.write(f"{case.text}\n")
    # Command lines are read from the start of the installed command; a file's words are the same in its fork.
    if name in COMMAND_LINES:
        ended = from_cron(mirror.config, *case.arguments, home=mirror.folder)
    else:
        argv = [str(mirror.config), *case.arguments]
        ended = Ended(*warm().run(argv, cron_environment(mirror.folder))[:3])
    check(ended, case)
    if case.status == 2:
        assert not mirror.root.exists(), "nothing was touched"
        assert not index.requests
    if "unknown section" in case.said[0] or (isinstance(case.text, bytes) and name != "nothing"):
        assert "missing" not in ended.stderr


def test_a_configuration_that_is_not_there_or_not_ours(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    for path, words in (
        (mirror.folder / "other.cfg", "other.cfg: can't be read (No such file or directory); name the"),
        (mirror.folder, "can't be read (Is a directory); name the file in it"),
    ):
        check(from_cron(path, "-U", home=mirror.folder), Case(2, (words,)))
    mirror.config.chmod(0o000)
    ended = mirror.run("-U", before=give_up_rights)
    check(ended, Case(2, ("can't be read (Permission denied); let the user who runs pypimirror read it",)))
    assert "--sample-config" not in ended.stderr


def test_the_field_of_a_user_in_a_crontab_of_a_user(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror()
    ended = from_cron(COMMAND, mirror.config, "--update-fetch", home=mirror.folder)
    line = f"*/6 * * * * {COMMAND} {mirror.config} --update-fetch"
    said = ("is the command itself, and no configuration", "crontab -e", f"write {line}", "/etc/cron.d")
    check(ended, Case(2, said))


@pytest.mark.parametrize("inside", ["photos/2024/img.jpg", "six/tests/x.py"])
def test_a_foreign_subfolder_is_named_as_itself(
    index: FakeIndex, make_mirror: MakeMirror, inside: str
) -> None:
    mirror = make_mirror()
    (mirror.root / inside).parent.mkdir(parents=True)
    (mirror.root / inside).touch()
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    said = (f"mirror_file_path = {mirror.root}", f"its folder {str(Path(inside).parent)!r} lies deeper than")
    check(ended, Case(2, (*said, "name an empty folder, or one of a mirror")))


# -- upstream ----------------------------------------------------------------------------------------------

UPSTREAM: dict[str, tuple[faults.Fault, tuple[str, ...]]] = {
    "no list": (faults.Status(404), ("answers 404", "is index_url right?", "nothing was changed")),
    "no password": (faults.Status(401), ("answers 401", "index_url", "netrc")),
    "no rights": (faults.Status(403), ("answers 403", "index_url", "netrc")),
    "down": (faults.Status(503), ("answers 503", "nothing was changed")),
    "a page for people": (
        faults.Body(b"<html><body>Please log in</body></html>", "text/html"),
        ("nothing was changed", "lists no project"),
    ),
    "no index": (
        faults.Body(b"{}", "application/json"),
        ("application/json is not a type", "nothing was changed"),
    ),
    "without an end": (faults.Cut(30), ("broke off", "nothing was changed")),
    "in a circle": (faults.Redirect("/simple/"), ("more than 10 redirects", "nothing was changed")),
}


@pytest.mark.parametrize("name", UPSTREAM)
def test_an_upstream_that_can_not_be_had_or_trusted(
    index: FakeIndex, make_mirror: MakeMirror, name: str
) -> None:
    index.add("six", "1.0")
    fault, said = UPSTREAM[name]
    index.fault("/simple/", fault)
    mirror = make_mirror()
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    check(ended, Case(4, (index.url, *said, f"the log has the details: {mirror.root}")))


def test_an_upstream_that_is_not_there(index: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="six attrs")
    index.stop()
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    check(ended, Case(4, ("not one project of 2 could be had (is index_url right?)", "Connection refused")))


def test_projects_and_files_that_fail(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for name in ("six", "attrs", "mock"):
        index.add(name, "1.0", wheel=False)
    index.fault("/simple/six/", faults.Status(500))
    index.fault("/files/attrs/*", faults.Status(404))
    mirror = make_mirror()
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    said = (
        "2 projects are not up to date",
        "it is tried again",
        "six: ",
        "answers 500",
        "attrs/attrs-1.0.tar.gz: ",
    )
    check(ended, Case(3, (*(words for words in said if words != "it is tried again"), "is tried again")))


def test_too_many_removals(index: FakeIndex, make_mirror: MakeMirror) -> None:
    for number in range(8):
        index.add(f"project-{number}", "1.0")
    mirror = make_mirror()
    mirror.update()
    for number in range(5):
        index.remove(f"project-{number}")
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    said = (
        "upstream no longer has 5 of 8 projects",
        "so nothing was removed",
        "--allow-removals",
        "would go: ",
    )
    check(ended, Case(7, said))


# -- the machine -------------------------------------------------------------------------------------------


def closed_log(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/pypimirror.log").chmod(0o444)


def closed_tree(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror").chmod(0o555)


def other_tree(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/id").write_text("another")


def newer_state(mirror: Mirror) -> None:
    with contextlib.closing(sqlite3.connect(mirror.root / ".pypimirror/state.sqlite")) as state:
        state.execute("PRAGMA user_version = 99")


def folder_for_lock(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/lock").unlink()
    (mirror.root / ".pypimirror/lock").mkdir()


def fifo_for_state(mirror: Mirror) -> None:
    (mirror.root / ".pypimirror/state.sqlite").unlink()
    os.mkfifo(mirror.root / ".pypimirror/state.sqlite")


MACHINE: dict[str, tuple[Callable[[Mirror], None], Case]] = {
    "a log that can't be written to": (
        closed_log,
        Case(1, ("the log ", "pypimirror.log can't be written to (Permission denied)", "log_filename")),
    ),
    "a folder that can't be written to": (
        closed_tree,
        Case(1, (".pypimirror", "Permission denied; run pypimirror as the user who owns the mirror")),
    ),
    "a state of another tree": (
        other_tree,
        Case(1, ("belongs to another tree than", "is its disk mounted?")),
    ),
    "a newer state": (
        newer_state,
        Case(1, ("state.sqlite: has format 99, newer than", "upgrade pypimirror")),
    ),
    "a folder in the lock's place": (
        folder_for_lock,
        Case(2, ("lock_file_name", "it is a folder; name a file")),
    ),
    "a FIFO in the state's place": (fifo_for_state, Case(1, ("is a FIFO, and no file; remove it",))),
}


@pytest.mark.parametrize("name", MACHINE)
def test_the_machine(index: FakeIndex, make_mirror: MakeMirror, name: str) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.add("six", "2.0")
    spoil, case = MACHINE[name]
    spoil(mirror)
    check(mirror.run("-U", before=give_up_rights), case)


def test_a_disk_without_room(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror(min_free_space="900T")
    ended = from_cron(mirror.config, "-U", home=mirror.folder)
    check(ended, Case(6, ("MiB are free below", "min_free_space = ", "make room, and the next run goes on")))


def test_a_lock_that_is_held_is_told_to_the_log_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    with FileLock(mirror.root / ".pypimirror/lock"):
        assert from_cron(mirror.config, "-U", home=mirror.folder) == Ended(5, "", "")
    assert f"another run holds the lock {mirror.root}/.pypimirror/lock" in mirror.log


def test_a_bug_of_ours_has_its_traceback_in_the_log_alone(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    site = mirror.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import pypimirror.sync.crawl as crawl\ncrawl.find_due = lambda run, **_: 1 / 0\n"
    )
    ended = from_cron(mirror.config, "-U", home=mirror.folder, env={"PYTHONPATH": str(site)})
    check(ended, Case(1, ("a bug in pypimirror (ZeroDivisionError", "the log has the details")))
    assert "Traceback" in mirror.log


PLACES = {
    "file": "it is no folder",
    "file/below": "it lies below a file",
    "file/far/below": "it lies below a file",
    "nowhere": "it is a link that leads nowhere",
    "nowhere/below": "it is a link that leads nowhere",
    "circle": "links lead to it in a circle",
    "circle/below": "links lead to it in a circle",
}


@pytest.mark.parametrize("option", ["mirror_file_path", "state_dir"])
@pytest.mark.parametrize(("place", "reason"), PLACES.items())
def test_a_place_that_can_be_no_folder_is_told(
    make_mirror: MakeMirror, tmp_path: Path, option: str, place: str, reason: str
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "nowhere").symlink_to("not-there")
    (tmp_path / "circle").symlink_to("circle")
    mirror = make_mirror()
    if option == "mirror_file_path":
        mirror.root = tmp_path / place
    mirror.configure(**({} if option == "mirror_file_path" else {option: tmp_path / place}))
    ended = mirror.run("-U")
    assert ended.status == 2
    assert f"{option} = {tmp_path / place}: {reason}; name a" in ended.stderr
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("place", ["", "six", ".pypimirror/../six", "six/deeper"])
def test_a_state_is_never_kept_where_files_are_served(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, place: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.configure(state_dir=f"{mirror.root}/{place}")
    ended = mirror.run("-U")
    assert ended.status == 2
    assert "state_dir = " in ended.stderr
    assert "it is where files are served; name a folder outside of mirror_file_path" in ended.stderr
    assert not mirror.root.exists()


@pytest.mark.parametrize("place", ["mirror/six", "mirror/new", "mirror/new/deeper", "by-link/new"])
def test_no_mirror_is_made_in_another(
    index: FakeIndex, make_mirror: MakeMirror, tmp_path: Path, place: str
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    before = mirror.tree()
    outer = mirror.root
    (tmp_path / "by-link").symlink_to(outer)
    mirror.root = tmp_path / place
    mirror.configure()
    ended = mirror.run("-U")
    assert ended.status == 2
    assert (
        f"mirror_file_path = {mirror.root}: it lies in the folder of another mirror, {outer}" in ended.stderr
    )
    mirror.root = outer
    assert mirror.tree() == before


WRONG_ADDRESSES = {
    "/": ("answers 404", "is index_url right?"),
    "/nowhere/": ("answers 404", "is index_url right?"),
    "/simple/six/": ("not the JSON of a project list (it has no projects)", "is index_url right?"),
    "/files/six/six-1.0.tar.gz": ("is not a type of the simple repository API", "is index_url right?"),
    "https": ("TLS failed", "does not speak TLS: is http meant, or another port?"),
}


@pytest.mark.parametrize(("path", "said"), WRONG_ADDRESSES.items())
def test_an_address_that_is_not_the_list_s_is_doubted(
    index: FakeIndex, make_mirror: MakeMirror, path: str, said: tuple[str, ...]
) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.index_url = f"{index.origin}{path}" if path != "https" else index.url.replace("http:", "https:")
    mirror.configure()
    ended = mirror.run("-U")
    assert ended.status == 4
    for words in said:
        assert words in ended.stderr
    assert not mirror.names()


def test_a_list_that_was_right_before_is_not_doubted(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("six", "1.0")
    mirror = make_mirror()
    mirror.update()
    index.fault("/simple/", faults.Body(b"<html><body>Please log in</body></html>", "text/html"))
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "is index_url right?" not in ended.stderr
