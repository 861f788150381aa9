"""A state that is damaged, or of an older format, is moved aside, and the tree adopted; no good one is."""

import contextlib
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from pypimirror.state import damage
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror, is_over
from tests.stepper import Stepper
from tests.synced import Synced

PAGE = 4096
PROJECTS = 6


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    with FakeIndex() as index:
        for number in range(PROJECTS):
            for version in ("1.0", "1.1"):
                index.add(f"project-{number}", version)
        yield Synced(tmp_path_factory.mktemp("synced"), index)


@pytest.fixture
def mirror(synced: Synced) -> Mirror:
    return synced.again()


@pytest.fixture
def index(synced: Synced) -> FakeIndex:
    return synced.upstream


def state(mirror: Mirror) -> Path:
    return mirror.root / ".pypimirror/state.sqlite"


def aside(mirror: Mirror) -> list[str]:
    return sorted(path.name for path in state(mirror).parent.glob("*.damaged-*"))


def execute(path: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def garble(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def drop_table(path: Path) -> None:
    execute(path, "DROP TABLE files")


def unmark(path: Path) -> None:
    execute(path, "PRAGMA user_version = 0")


@pytest.mark.parametrize("damage", [garble, drop_table, unmark])
@pytest.mark.parametrize("mode", ["-U", "-I"])
def test_a_state_of_no_use_is_moved_aside_and_the_tree_adopted(
    index: FakeIndex, mirror: Mirror, damage: object, mode: str
) -> None:
    before = mirror.tree()
    assert callable(damage)
    damage(state(mirror))
    content = state(mirror).read_bytes()
    ended = mirror.run(mode)
    assert (ended.status, ended.stdout) == (0, "")
    (name,) = aside(mirror)
    assert len(ended.stderr.splitlines()) == 1
    assert f"it is now {name}, and the tree is adopted" in ended.stderr
    assert f"it is now {name}, and the tree is adopted" in mirror.log
    if damage is not drop_table:  # SQLite may tidy up before it finds out
        assert (state(mirror).parent / name).read_bytes() == content
    assert not index.downloads()
    assert mirror.tree() == before
    assert mirror.run("-U") == GOOD
    assert len(aside(mirror)) == 1


@pytest.mark.parametrize("filling", [b"\x00", None], ids=["zeros", "noise"])
def test_damage_in_any_page_of_the_state_costs_nothing_but_a_second_look(
    index: FakeIndex, mirror: Mirror, stepper: Stepper, filling: bytes | None
) -> None:
    before = mirror.contents()
    good = state(mirror).read_bytes()
    noise = random.Random(7)
    for number in range(PROJECTS):
        index.touch(f"project-{number}")
    found = 0
    pages = len(good) // PAGE
    assert pages > 15
    for page in range(pages):
        damaged = bytearray(good)
        damaged[page * PAGE : (page + 1) * PAGE] = filling * PAGE if filling else noise.randbytes(PAGE)
        state(mirror).write_bytes(damaged)
        index.clear()
        ended = stepper.run(mirror.config, "-U")
        assert ended.status == 0, (page, ended)
        found += "and the tree is adopted" in ended.stderr
        assert mirror.check_links() == 4 * PROJECTS, page
        assert mirror.contents() == before, page
        assert not index.downloads(), page
        assert "Traceback" not in mirror.log, page
    assert found > pages // 2


def test_what_is_no_file_in_a_row_is_damage(mirror: Mirror) -> None:
    execute(state(mirror), "UPDATE files SET listed = x'c1' WHERE project = 'project-3'")
    ended = mirror.run("-i")
    assert ended.status == 1
    assert "is damaged" in ended.stderr
    assert "--update-fetch adopts what is in the tree" in ended.stderr, (
        "there is no state to write pages from"
    )
    assert is_over(mirror.run("-U"))
    assert mirror.check_links() == 4 * PROJECTS


def test_what_is_no_list_of_names_that_a_rule_left_out_is_damage(mirror: Mirror) -> None:
    mirror.configure(filename_excludes="*-1.0*")
    mirror.update()
    execute(state(mirror), "UPDATE left_out SET names = x'c1'")
    ended = mirror.run("--why", "project-3")
    assert ended.status == 1
    assert "is damaged (something wrong lies in left_out.names" in ended.stderr


def test_a_state_that_another_program_has_open_is_not_moved(mirror: Mirror) -> None:
    with contextlib.closing(sqlite3.connect(state(mirror))) as other:
        other.execute("BEGIN EXCLUSIVE")
        ended = mirror.run("-U")
        assert ended.status == 1
        assert "is in use by another program" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    assert not aside(mirror)
    mirror.update()


VALUES = ("x'c1ff'", "-3", "1e300", "'../../x'")
COLUMNS = {
    "files": ("listed", "sha256", "size", "metadata", "status", "vanished_since", "error_since", "partial"),
    "projects": ("is_listed", "serial", "etag", "pages", "failures", "next_try", "pending_since"),
    "totals": ("number", "bytes"),
    "meta": ("value",),
    "runs": ("ended", "status"),
}


@pytest.mark.parametrize("table", sorted(COLUMNS))
def test_a_value_of_any_other_kind_is_damage_or_costs_nothing(
    index: FakeIndex, mirror: Mirror, stepper: Stepper, table: str
) -> None:
    before = mirror.contents()
    good = state(mirror).read_bytes()
    for column in COLUMNS[table]:
        for value in VALUES:
            if (table, column) == ("files", "vanished_since") and value == "1e300":
                continue  # a moment, for all that can be told
            state(mirror).write_bytes(good)
            execute(state(mirror), f"UPDATE {table} SET {column} = {value}")
            told = stepper.run(mirror.config, "--status")
            assert "a bug" not in told.stderr, (column, value, told)
            index.touch("project-1")
            mirror.forget_told()
            ended = stepper.run(mirror.config, "-U")
            if (table, column) == ("meta", "value") and ended.status == 1:
                assert "belongs to another tree" in ended.stderr, (column, value, ended)
                continue
            assert ended.status == 0, (column, value, ended)
            assert "Traceback" not in mirror.log, (column, value)
            mirror.check_links()
            assert mirror.contents() == before, (column, value)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM totals",
        "DELETE FROM totals WHERE status = 'held'",
        "DROP TRIGGER file_moved",
        "DROP INDEX rendered_projects",
        "DROP TABLE meta",
        "ALTER TABLE files DROP COLUMN provenance",
        "ALTER TABLE runs RENAME TO walks",
        "PRAGMA user_version = -4",
    ],
)
@pytest.mark.parametrize("mode", ["-U", "--status", "--verify"])
def test_a_schema_that_is_not_ours_is_damage_whatever_it_says(
    mirror: Mirror, stepper: Stepper, statement: str, mode: str
) -> None:
    before = mirror.contents()
    execute(state(mirror), statement)
    ended = stepper.run(mirror.config, mode)
    assert "a bug" not in ended.stderr
    if mode == "--status":
        assert ended.status == 1
        assert "is damaged" in ended.stderr or "has format" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1
    if mode == "--verify":
        assert ended.status in (0, 1)
    assert stepper.run(mirror.config, "-U").status == 0
    mirror.check_links()
    assert mirror.contents() == before


def test_a_dry_run_tells_of_damage_and_changes_nothing(mirror: Mirror) -> None:
    execute(state(mirror), "UPDATE files SET listed = x'c1'")
    content = state(mirror).read_bytes()
    ended = mirror.run("-I", "--dry-run")
    assert ended.status == 1
    assert "is damaged" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert state(mirror).read_bytes() == content
    assert not aside(mirror)


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits_anywhere_end_well(
    index: FakeIndex, mirror: Mirror, stepper: Stepper, seed: int
) -> None:
    before = mirror.contents()
    good = state(mirror).read_bytes()
    chance = random.Random(seed)
    for number in range(PROJECTS):
        index.touch(f"project-{number}")
    for _ in range(12):
        flipped = bytearray(good)
        for _ in range(chance.choice((1, 8, 64))):
            flipped[chance.randrange(len(good))] ^= 1 << chance.randrange(8)
        state(mirror).write_bytes(flipped)
        ended = stepper.run(mirror.config, "-U")
        if "belongs to another tree" in ended.stderr:
            continue
        assert ended.status in (0, 3), ended
        assert "Traceback" not in mirror.log
        assert mirror.contents().keys() >= {path for path in before if path.endswith(".whl")}


def test_what_is_to_go_at_once_is_no_damage(mirror: Mirror) -> None:
    """Whatever goes wrong later is a question to the state whether it is damaged."""
    page = mirror.root / "project-1/index.html"
    page.unlink()
    (page / "in the way").mkdir(parents=True)
    mirror.configure(blocked_files="project-1==1.0")
    assert mirror.run("-U").status == 3
    assert [*mirror.root.glob("project-1/*-1.0.tar.gz")], "a page may still link to it"
    assert damage.found(state(mirror)) is None
