"""FIFOs, devices, sockets, folders and links to them, in the place of what the mirror reads or writes."""

import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.stepper import Stepper
from tests.synced import Synced

WHEEL = "project_{number}-1.0-py3-none-any.whl"
OF_A_PROJECT = ("index.html", "index.v1_json", WHEEL, f"{WHEEL}.metadata", "")
OF_THE_TREE = (
    "index.html",
    "index.v1_json",
    ".pypimirror/id",
    ".pypimirror/lock",
    ".pypimirror/state.sqlite",
    ".pypimirror/state.sqlite-journal",
    ".pypimirror/new",
    ".pypimirror/new/left",
    ".pypimirror/partial",
    ".pypimirror/aside",
)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()
    (path / "something").write_text("of somebody")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def listening(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


KINDS = (fifo, endless, folder, dangling, circle, listening, huge)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    with FakeIndex() as index:
        for number in range(3):
            index.add(f"project-{number}", "1.0")
        yield Synced(tmp_path_factory.mktemp("synced"), index)


@pytest.fixture
def mirror(synced: Synced) -> Mirror:
    return synced.again()


def clear(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", KINDS)
def test_in_a_projects_place_it_costs_that_project_alone(
    index: FakeIndex, tmp_path: Path, stepper: Stepper, kind: Callable[[Path], None]
) -> None:
    """Each place is one of another project, so that one run meets all of them."""
    for number in range(len(OF_A_PROJECT) + 1):
        index.add(f"project-{number}", "1.0")
    mirror = Mirror(tmp_path, index.url)
    mirror.update()
    places = []
    for number, name in enumerate(OF_A_PROJECT):
        if name or kind is not folder:  # a folder in the place of a folder is one
            places.append(mirror.root / f"project-{number}" / name.format(number=number))
            clear(places[-1])
            kind(places[-1])
    for number in range(len(OF_A_PROJECT) + 1):
        index.add(f"project-{number}", "2.0")
    for mode in ("--verify", "-U", "-I", "--verify=hash"):
        ended = stepper.run(mirror.config, mode)
        assert ended.status in (0, 3), (mode, ended)
        assert "a bug" not in ended.stderr, (mode, ended)
    assert len(mirror.listed(f"project-{len(OF_A_PROJECT)}")) == 4
    for place in places:
        if os.path.lexists(place) and not place.is_file():
            assert re.search(rf"{place.relative_to(mirror.root)}\b.*in the way", mirror.log), place
        clear(place)
    assert stepper.run(mirror.config, "-I").status == 0
    assert mirror.check_links() == 4 * (len(OF_A_PROJECT) + 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OF_THE_TREE)
def test_in_the_trees_own_place_it_is_told_in_a_line(
    synced: Synced, mirror: Mirror, stepper: Stepper, name: str, kind: Callable[[Path], None]
) -> None:
    place = mirror.root / name
    clear(place)
    kind(place)
    synced.upstream.add("new", "1.0")
    for mode in ("--status", "-U", "-I"):
        mirror.forget_told()
        ended = stepper.run(mirror.config, mode)
        assert ended.status in ((0, 1, 2, 3) if mode == "--status" else (0, 1, 2)), (mode, ended)
        assert "a bug" not in ended.stderr, (mode, ended)
        if ended.status == 1:
            assert place.name.split("-")[0] in ended.stderr or "another tree" in ended.stderr, (mode, ended)
            assert len(ended.stderr.splitlines()) == 1 or mode == "--status", (mode, ended)
    clear(place)
    assert stepper.run(mirror.config, "-U").status == 0
    assert stepper.run(mirror.config, "-I").status == 0
    assert mirror.check_links() == 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_private_folder_that_is_none(
    mirror: Mirror, stepper: Stepper, kind: Callable[[Path], None]
) -> None:
    if kind is folder:
        return
    private = mirror.root / ".pypimirror"
    clear(private)
    kind(private)
    for mode in ("--status", "-U"):
        ended = stepper.run(mirror.config, mode)
        assert ended.status in (1, 2, 3), ended
        assert "a bug" not in ended.stderr
        assert len(ended.stderr.splitlines()) <= 1 or mode == "--status"
