"""Imports point down (DESIGN.md, "The house"), and rooms stay small."""

import ast
import functools
import graphlib
import re
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import pypimirror

ROOT = Path(pypimirror.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

LAYERS = (
    ("addresses", "amounts", "printable", "upload_times"),
    ("model", "errors"),
    (
        "config",
        "selection",
        "plan",
        "simple",
        "pages",
        "metadata",
        "filenames",
        "names",
        "checksums",
        "server_config",
        "want",
        "requirements",
        "closure",
    ),
    (
        "upstream",
        "download",
        "documents",
        "attestations",
        "store",
        "state",
        "workers",
        "pace",
        "disk",
    ),
    ("mirror",),
    ("publishing", "dependencies", "findings"),
    ("checks", "adopt"),
    ("run",),
    ("external",),
    ("sync",),
    ("report",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
PURE = {room for room in LEVEL if LEVEL[room] < 3}
PURE_PARTS = {"external/links.py", "external/model.py"}
"""Of a room that is not pure."""

# Within one layer: who may look at whom.
NEIGHBOURS = {
    ("download", "upstream"),
    ("download", "documents"),
    ("documents", "upstream"),
    ("upstream", "pace"),
    ("workers", "upstream"),
    ("store", "disk"),
    ("state", "disk"),
    ("server_config", "config"),
    ("selection", "want"),
    ("simple", "checksums"),
    ("requirements", "want"),
    ("requirements", "names"),
    ("requirements", "metadata"),
    ("config", "requirements"),
    ("closure", "want"),
    ("closure", "requirements"),
} | {
    (reader, read)
    for read in ("names", "filenames", "selection")
    for reader in ("config", "selection", "plan", "simple", "pages", "metadata", "filenames")
    if reader != read
}

ORDER = {
    "sync": (
        "__init__",  # the story
        "projects removals unmatched",
        "files",
        "again ready",
        "record",
        "chosen",
        "deselection",
        "attested in_vain",
        "project question spelling tasks",
        "crawl",
    ),
    "run": ("arrivals blocking", "__init__", "external preview"),
    "adopt": ("__init__", "trees", "own"),
    "checks": ("recover verify", "compare", "__init__"),
    "publishing": ("__init__ companions", "tree", "pages", "names status_page"),
    "state": (
        "__init__ reading",
        "files revalidation",
        "choices clock failures inventory notes projects runs transitions",
        "database",
        "trouble",
        "damage",
        "blobs rows schema",
    ),
    "store": (
        "__init__",
        "read_only",
        "folders",
        "tree",
        "changes entries spelling steps temporary",
        "layout machine modes moments opened",
    ),
}
"""The modules of rooms from the top down, those of a line side by side: each imports from below alone."""

OWNERS = {
    "requests": {"upstream"},
    "urllib3": {"upstream"},
    "truststore": {"upstream"},
    "sqlite3": {"state"},
    "lxml": {"simple"},
    "jinja2": {"server_config", "report"},
    "prometheus_client": {"report"},
    "filelock": {"attestations", "cli"},
    "rich": {"cli"},
    "distlib": {"config"},
    "pypi_attestations": {"attestations"},
    "pip_requirements_parser": {"requirements"},
}

OUTSIDE = {
    "asyncio",
    "datetime",
    "http",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "shutil",
    "socket",
    "sqlite3",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
}
# Paths are values of the configuration, and facts of errors.
ALLOWED_OUTSIDE = {
    ("upload_times", "datetime"),
    ("config", "os"),
    ("config", "pathlib"),
    ("errors", "pathlib"),
    # It reads the files that an option names, as `config` reads the one that names them.
    ("requirements", "os"),
    ("requirements", "pathlib"),
}

VAGUE = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "base", "misc", "handlers"}


class Arrow(NamedTuple):
    """One import: who, whom, and where it stands."""

    room: str
    imported: str
    place: str


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


@functools.cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(path)))


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            module = node.module or ""
            names = (f"{module}.{alias.name}" for alias in node.names)
            yield from ((name, node.lineno) for name in (names if module == "pypimirror" else [module]))


@functools.cache
def arrows() -> list[Arrow]:
    return [
        Arrow(room_of(path), module, f"{path.relative_to(ROOT)}:{line}")
        for path in FILES
        for module, line in imported_modules(path)
    ]


def described(found: list[Arrow]) -> str:
    return "\n".join(f"{arrow.place}: {arrow.room} -> {arrow.imported}" for arrow in found)


def inner_arrows() -> list[Arrow]:
    """Arrows between two rooms."""
    inner = [
        Arrow(room, imported.split(".")[1], place)
        for room, imported, place in arrows()
        if imported.startswith("pypimirror.") and imported != "pypimirror.__version__"
    ]
    return [arrow for arrow in inner if arrow.room != arrow.imported]


def outer_arrows() -> list[Arrow]:
    """Arrows that leave the package."""
    return [
        Arrow(room, imported.partition(".")[0], place)
        for room, imported, place in arrows()
        if imported.partition(".")[0] != "pypimirror"
    ]


def points_down(arrow: Arrow) -> bool:
    if arrow[:2] in NEIGHBOURS:
        return True
    return LEVEL[arrow.room] > LEVEL[arrow.imported]


def test_every_room_has_its_layer() -> None:
    # External links may be deleted.
    assert {room_of(path) for path in FILES} - {"__init__"} | {"external"} == set(LEVEL)


def test_imports_point_down() -> None:
    wrong = [arrow for arrow in inner_arrows() if not points_down(arrow)]
    assert not wrong, described(wrong)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def graph() -> dict[str, set[str]]:
    """Which modules of ours each one imports, at once or in its functions; not what types alone need."""
    modules = {module_of(path): path for path in FILES}

    def imported(path: Path) -> Iterator[str]:
        for node in set(nodes_of(path)) - set(for_types_alone(path)):
            if isinstance(node, ast.ImportFrom):
                whole = (f"{node.module}.{alias.name}" for alias in node.names)
                yield from (name if name in modules else node.module or "" for name in whole)

    return {module: {*imported(path)} & modules.keys() - {module} for module, path in modules.items()}


def for_types_alone(path: Path) -> Iterator[ast.AST]:
    for node in nodes_of(path):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)


def test_no_module_needs_itself() -> None:
    graphlib.TopologicalSorter(graph()).prepare()  # raises CycleError with the modules of a cycle


@pytest.mark.parametrize("room", ORDER)
def test_modules_of_a_room_import_from_lines_below(room: str) -> None:
    lines = {
        f"pypimirror.{room}.{name}".removesuffix(".__init__"): number
        for number, names in enumerate(ORDER[room])
        for name in names.split()
    }
    inside = {module: imported for module, imported in graph().items() if module in lines}
    assert set(lines) == {module for module in graph() if f"{module}.".startswith(f"pypimirror.{room}.")}
    wrong = [
        f"{module} -> {imported}"
        for module in inside
        for imported in inside[module] & lines.keys()
        if lines[module] >= lines[imported]
    ]
    assert not wrong


def test_external_links_are_opened_at_one_place() -> None:
    places = [arrow.place.partition(":")[0] for arrow in inner_arrows() if arrow.imported == "external"]
    assert places == ["cli/command.py"]


def test_the_package_itself_imports_nothing() -> None:
    wrong = [arrow for arrow in arrows() if arrow.room == "__init__"]
    assert not wrong, described(wrong)


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_its_one_room(library: str) -> None:
    wrong = [a for a in outer_arrows() if a.imported == library and a.room not in OWNERS[library]]
    assert not wrong, described(wrong)


def test_pure_rooms_do_not_touch_the_world() -> None:
    wrong = [
        arrow
        for arrow in outer_arrows()
        if (arrow.room in PURE or arrow.place.partition(":")[0] in PURE_PARTS)
        and arrow.imported in OUTSIDE
        and arrow[:2] not in ALLOWED_OUTSIDE
    ]
    assert not wrong, described(wrong)


def test_only_config_and_requirements_open_a_file_among_the_pure_rooms() -> None:
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in FILES
        if room_of(path) in PURE - {"config", "requirements"}
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"open", "print"}
    ]
    assert not calls


WRITING = {
    "store": {
        "place",
        "link_from",
        "write",
        "write_stream",
        "remove",
        "remove_folder",
        "rename_folder",
        "make_link",
        "remove_link",
        "set_aside",
        "make_readable",
    },
    "state": {"commit"},
}
"""What changes the served tree, and what makes an intent durable: `publishing` alone does either."""


def test_the_served_tree_has_one_owner() -> None:
    calls = [
        (owner, node.func.attr, f"{path.relative_to(ROOT)}:{node.lineno}")
        for path in FILES
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        for owner in WRITING
        if re.search(rf"\b_?{owner}$", ast.unparse(node.func.value)) and node.func.attr in WRITING[owner]
    ]
    assert {called for _, called, _ in calls} == set().union(*WRITING.values())
    # Opening a state records which tree it is of, before there is a run.
    outside = [each for each in calls if not each[2].startswith(("publishing/", "store/", "mirror.py"))]
    assert outside == []


CHANGING = {"os", "shutil", "steps"}
READING = {
    "scandir",
    "listdir",
    "lstat",
    "stat",
    "path",
    "access",
    "readlink",
    "fstat",
    "umask",
    "getpid",
    "open",
}
"""Of these, what changes nothing on the disk; `open` makes new temporary files."""


def test_every_change_of_the_tree_is_a_step_so_that_a_dry_run_makes_none() -> None:
    """Methods hand what changes the disk to `Tree._step`, which a read-only store replaces."""
    calls = [
        (method.name, ast.unparse(node.func))
        for file in ("tree.py", "folders.py")
        for room in ast.parse((ROOT / "store" / file).read_text()).body
        if isinstance(room, ast.ClassDef)
        for method in room.body
        if isinstance(method, ast.FunctionDef)
        for node in ast.walk(method)
        if isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in CHANGING
    ]
    changing = {method for method, call in calls if call.split(".")[1] not in READING}
    # A read-only store replaces the first, the second is a step; `prepare` makes the lock's folder.
    assert changing == {"new_temporary", "_link_or_copy"}


def test_no_module_has_a_vague_name() -> None:
    assert not {path.stem for path in FILES} & VAGUE


@pytest.mark.parametrize("document", ["docs/guarantees.md", "docs/security.md"])
def test_the_tests_that_a_document_names_are_there(document: str) -> None:
    tests = Path(__file__).parents[1]
    named = re.findall(r"`((?:[\w/]+/)?\w+\.py)`", (tests.parent / document).read_text())
    assert len(named) > 20
    missing = {name for name in named if not (tests / name).exists()}
    if not (ROOT / "external").exists():  # and its tests are gone, too
        missing = {name for name in missing if "external" not in name}
    assert sorted(missing) == []


def test_the_house_names_modules_that_are_there() -> None:
    text = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
    rooms = {room_of(path) for path in FILES}
    rows = [
        (set(re.findall(r"`(\w+)`", names)), re.findall(r"`([a-z_]+)`", job))
        for names, job in re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.MULTILINE)
    ]
    assert rooms - {"__init__", "__main__"} <= {room for named, _ in rows for room in named}
    missing = {
        (*named, word)
        for named, words in rows
        if named <= rooms  # external links may be deleted
        for word in words
        if word not in rooms and not any(path.stem == word for path in FILES if room_of(path) in named)
    }
    assert missing == set()


def test_files_are_small() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in FILES}
    assert not {name: length for name, length in lengths.items() if length > 420}
    assert statistics.median(lengths.values()) < 200
