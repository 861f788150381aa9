"""A mirror under test: its configuration file, runs of the real command, and looks at the tree."""

import atexit
import contextlib
import functools
import hashlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import msgspec

from tests.index_pages import normalize
from tests.quick_disk import quick_disk
from tests.warm import Warm

COMMAND = Path(sys.executable).with_name("pypimirror")


class Ended(NamedTuple):
    """How a run of the command ended."""

    status: int
    stdout: str
    stderr: str


GOOD = Ended(0, "", "")


def is_over(ended: Ended) -> bool:
    """Tell whether a run ended well, and said in its only line that the trouble which was told is over."""
    is_said = ended.stderr.startswith("pypimirror: all is well again: ") and ended.stderr.count("\n") == 1
    return is_said and ended._replace(stderr="") == GOOD


class Entry(NamedTuple):
    """A file of the tree."""

    content: bytes
    mtime_ns: int
    mode: int


class Mirror:
    """A mirror in `folder`, configured by `options` beside what every test needs."""

    def __init__(self, folder: Path, index_url: str, **options: object) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.root = folder / "mirror"
        self.config = folder / "pypimirror.cfg"
        self.index_url = index_url
        self.configure(**options)

    def configure(self, **options: object) -> None:
        """Write the configuration file; the defaults for tests give way to `options`."""
        self._has_name_links = bool(options.get("name_links", True))
        self._state_dir = str(options.get("state_dir") or self.root / ".pypimirror")
        values = {"package_matches": "*", "retries": 0, "timeout": 5, "min_free_space": 0} | options
        lines = [f"{name} = {value}" for name, value in values.items() if value is not None]
        head = ["[DEFAULT]", f"mirror_file_path = {self.root}", f"index_url = {self.index_url}"]
        self.config.write_text("\n".join([*head, *lines, ""]), "utf-8")

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], object] | None = None,
    ) -> Ended:
        """Run the command to its end; `before` is called in its process, before it begins.

        With `before`, with what counts at the start of a process in its environment, while another run works,
        or with PYPIMIRROR_COLD set it is the installed script.
        """
        environment = clean_environment() | dict(env or {})
        is_cold = before is not None or bool(environment.pop("PYPIMIRROR_COLD", ""))
        if not (is_cold or warm().is_busy or _at_start(environment) - _at_start(os.environ)):
            told = warm().run([str(self.config), *arguments], environment)
            return Ended(*told[:3])
        process = self.start(*arguments, env=env, before=before)
        stdout, stderr = process.communicate(timeout=120)
        return Ended(process.returncode, stdout, stderr)

    def start(
        self,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        before: Callable[[], object] | None = None,
    ) -> "subprocess.Popen[str]":
        """Start the installed command."""
        return subprocess.Popen(
            [COMMAND, self.config, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment() | dict(env or {}),
            preexec_fn=before,  # noqa: PLW1509 (it makes system calls, and takes no lock)
        )

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of every served file."""
        return {path: entry.content for path, entry in self.tree().items()}

    def age(self, hours: float) -> None:
        """Let time go by: every moment that the state knows is that much longer ago."""
        moments = {
            "projects": (
                "vanished_since",
                "pending_since",
                "next_try",
                "error_since",
                "revalidated",
                "revalidate_at",
                "held_back_since",
                "falls_due",
            ),
            "files": ("vanished_since", "delisted_since", "error_since"),
            "failures": ("since",),
            "external_projects": ("next",),
            "external_files": ("checked",),
            "runs": ("started", "ended"),
            "removed": ("moment",),
            "sizes": ("moment",),
        }
        for told in self._told():
            os.utime(told, (told.stat().st_mtime - hours * 3600,) * 2)
        with contextlib.closing(sqlite3.connect(self.root / ".pypimirror/state.sqlite")) as state, state:
            asked = "UPDATE meta SET value = value - ? WHERE key = 'asked for what upstream lacks'"
            state.execute(asked, (hours * 3600,))
            there = {name for (name,) in state.execute("SELECT name FROM sqlite_schema")}
            for table in moments.keys() & there:
                for column in moments[table]:
                    state.execute(f"UPDATE {table} SET {column} = {column} - ?", (hours * 3600,))

    def peak_of_update(self) -> tuple[int, int]:
        """Return the exit status of an update, and its peak memory in MiB."""
        # A process between, as the peak of a process counts what its parent was when it started.
        measure = (
            "import resource, subprocess, sys; status = subprocess.run(sys.argv[1:]).returncode;"
            "print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        )
        command = [sys.executable, "-c", measure, str(COMMAND), str(self.config), "-U"]
        ended = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True)
        status, peak = map(int, ended.stdout.split())
        return status, peak * (1 if sys.platform == "darwin" else 1024) >> 20

    def update(self) -> None:
        """Run an update that has to end well, and silently, but for a word that trouble is over."""
        was_trouble = self.has_told_trouble()
        ended = self.run("--update-fetch")
        assert is_over(ended) if was_trouble else ended == GOOD, ended

    def forget_told(self) -> None:
        """Let the mirror forget which trouble was told."""
        for path in self._told():
            path.unlink()

    def has_told_trouble(self) -> bool:
        """Tell whether the mirror, or its user's own folder, remembers trouble that was told."""
        return bool(self._told())

    def _told(self) -> list[Path]:
        """Return where it is kept what was told: beside the state, and in the user's own folder."""
        name = hashlib.sha256(os.fsencode(self.config)).hexdigest()[:16]
        folders = (self.folder / self._state_dir, Path(_state_home(), "pypimirror", name))
        return [path for folder in folders for path in folder.glob("trouble-*")]

    @property
    def log(self) -> str:
        return (self.root / ".pypimirror/pypimirror.log").read_text("utf-8")

    def tree(self) -> dict[str, Entry]:
        """Return every served file."""
        return {
            str(path.relative_to(self.root)): _entry(path)
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.relative_to(self.root).parts[0] != ".pypimirror"
        }

    def names(self) -> set[str]:
        """Return the paths of every served file that is no page."""
        return {path for path in self.tree() if Path(path).name not in {"index.html", "index.v1_json"}}

    def page(self, project: str) -> "JsonPage":
        """Return a project's JSON page."""
        return msgspec.json.decode((self.root / project / "index.v1_json").read_bytes(), type=JsonPage)

    def file(self, project: str, filename: str) -> "JsonFile":
        """Return what the project's JSON page says of a file."""
        (found,) = [file for file in self.page(project).files if file.filename == filename]
        return found

    def listed(self, project: str) -> set[str]:
        """Return the files that both of a project's pages list."""
        json_names = {file.filename for file in self.page(project).files}
        html_names = {text for _, text, _ in anchors(self.root / project / "index.html")}
        assert json_names == html_names
        return json_names

    def projects(self) -> list[str]:
        """Return the names that both root pages show, in their order."""
        shown = [text for _, text, _ in anchors(self.root / "index.html")]
        root = msgspec.json.decode((self.root / "index.v1_json").read_bytes(), type=JsonRoot)
        assert [project.name for project in root.projects] == shown
        return shown

    def check_links(self, *, is_settled: bool = True) -> int:
        """Check that every link of every page leads to a whole file; return how many links there are.

        While a run works, or after it was killed, one page of a project may be newer than the other.
        """
        count = 0
        for page in self.root.glob("*/index.html"):
            if page.parent.is_symlink():
                continue
            for href, text, attributes in anchors(page):
                self._check_link(page, href, text, attributes, is_settled=is_settled)
                count += 1
            self._check_json(page.parent.name)
            if is_settled:
                self.listed(page.parent.name)
        self._check_full()
        for page in self.root.glob("index.html"):
            for href, _, _ in anchors(page):
                assert (self.root / href / "index.html").is_file()
        self._check_name_links(is_settled=is_settled)
        assert not (is_settled and self.temporary_files())
        return count

    def links(self) -> dict[str, str]:
        """Return the links in the root, with what they lead to."""
        found = self.root.iterdir() if self.root.exists() else ()
        return {path.name: str(path.readlink()) for path in found if path.is_symlink()}

    def _check_name_links(self, *, is_settled: bool) -> None:
        links = self.links()
        assert all(target == normalize(name) for name, target in links.items())
        if is_settled and self._has_name_links and (self.root / "index.html").exists():
            shown = [name for name in self.projects() if not name.endswith(".html")]
            assert links == {name: normalize(name) for name in shown if normalize(name) != name}

    def _check_link(
        self, page: Path, href: str, text: str, attributes: Mapping[str, str], *, is_settled: bool
    ) -> None:
        name, _, fragment = href.partition("#sha256=")
        assert unquote(name) == text
        content = (page.parent / text).read_bytes()
        assert hashlib.sha256(content).hexdigest() == fragment
        offered = attributes.get("data-core-metadata")
        metadata = page.parent / f"{text}.metadata"
        assert not is_settled or metadata.exists() == (offered is not None)
        if offered is not None:
            assert offered == f"sha256={hashlib.sha256(metadata.read_bytes()).hexdigest()}"

    def _check_json(self, project: str) -> None:
        """Check what the JSON page tells of bytes."""
        if not (self.root / project / "index.v1_json").exists():
            return
        for file in self.page(project).files:
            content = (self.root / project / unquote(file.url)).read_bytes()
            assert len(content) == file.size
            for algorithm, hexdigest in file.hashes.items():
                assert hashlib.new(algorithm, content).hexdigest() == hexdigest, (project, file)
            if file.core_metadata is not None:
                metadata = (self.root / project / f"{file.filename}.metadata").read_bytes()
                assert file.core_metadata == {"sha256": hashlib.sha256(metadata).hexdigest()}, (project, file)

    def _check_full(self) -> None:
        """Check what the page of all files tells of bytes; one of another tool tells no SHA-256."""
        for page in self.root.glob("full.html"):
            for href, _, _ in anchors(page):
                path, _, fragment = href.partition("#sha256=")
                if fragment:
                    assert hashlib.sha256((self.root / unquote(path)).read_bytes()).hexdigest() == fragment

    def temporary_files(self) -> list[Path]:
        """Return what lies where files on their way in do."""
        return list((self.root / ".pypimirror/new").iterdir())


class JsonFile(msgspec.Struct, rename="kebab"):
    """A file on a JSON page of the mirror."""

    filename: str
    url: str
    hashes: dict[str, str]
    size: int
    requires_python: str | None = None
    yanked: bool | str | None = None
    upload_time: str | None = None
    core_metadata: dict[str, str] | None = None
    provenance: str | None = None


class JsonPage(msgspec.Struct, rename="kebab"):
    """A JSON page of the mirror."""

    meta: dict[str, str]
    name: str
    files: list[JsonFile]
    versions: list[str]
    project_status: dict[str, str] | None = None


class _Named(msgspec.Struct):
    name: str


class JsonRoot(msgspec.Struct):
    """The JSON root page of the mirror."""

    meta: dict[str, str]
    projects: list[_Named]


class _AnchorParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            attributes = {key: value or "" for key, value in attrs}
            self.found.append((attributes.pop("href"), "", attributes))
            self._is_open = True

    def handle_data(self, data: str) -> None:
        if self._is_open:
            href, text, attributes = self.found[-1]
            self.found[-1] = (href, text + data, attributes)

    def handle_endtag(self, tag: str) -> None:
        self._is_open = self._is_open and tag != "a"


def anchors(page: Path) -> list[tuple[str, str, dict[str, str]]]:
    """Return the anchors of a page: href, text, other attributes."""
    return list(_anchors_in(page.read_text("utf-8")))


@functools.lru_cache(512)
def _anchors_in(text: str) -> list[tuple[str, str, dict[str, str]]]:
    """Parse a page once, as a test looks at most of them again and again."""
    parser = _AnchorParser()
    parser.feed(text)
    return parser.found


@functools.cache
def warm() -> Warm:
    """Return the process that runs commands."""
    return Warm(clean_environment())


def _at_start(environment: Mapping[str, str]) -> set[tuple[str, str]]:
    """Return what of an environment the interpreter and the C library read at their start."""
    names = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "MALLOC_")
    return {(name, value) for name, value in environment.items() if name.startswith(names)}


def clean_environment() -> dict[str, str]:
    """Return this environment without what would send requests elsewhere, or compile each module anew.

    What is kept in a user's own folder is kept in one of the tests.
    """
    return dict(_clean(os.environ)) | {"XDG_STATE_HOME": _state_home()}


@functools.cache
def _state_home() -> str:
    folder = tempfile.TemporaryDirectory(prefix="pypimirror-state-", dir=quick_disk())
    atexit.register(folder.cleanup)
    return folder.name


def _clean(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environment.items():
        is_wanted = name != "PYTHONDONTWRITEBYTECODE" and not name.startswith("PIP_")
        if is_wanted and not name.lower().endswith("_proxy"):
            yield name, value


def _entry(path: Path) -> Entry:
    stat = path.stat()
    return Entry(path.read_bytes(), stat.st_mtime_ns, stat.st_mode & 0o777)
