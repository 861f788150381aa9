"""What a dry run says in numbers is what a real run then does."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import Mirror

MakeMirror = Callable[..., Mirror]

_PAGES = {"index.html", "index.v1_json", "full.html"}


def files_of(tree: Mapping[str, bytes]) -> dict[str, int]:
    companions = (".metadata", ".provenance")
    return {
        path: len(content)
        for path, content in tree.items()
        if Path(path).name not in _PAGES and not path.endswith(companions)
    }


def came(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> dict[str, tuple[int, int]]:
    """Return by project how many files came, and their bytes."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(files_of(after).keys() - files_of(before).keys()):
        number, size = found.get(path.partition("/")[0], (0, 0))
        found[path.partition("/")[0]] = (number + 1, size + len(after[path]))
    return found


def check(mirror: Mirror, *more: str) -> None:
    """Compare what a dry run tells with what the run after it does."""
    told: dict[str, Any] = json.loads(mirror.run("-U", "--dry-run", "--json", *more).stdout)
    before = mirror.contents()
    ended = mirror.run("-U", *more)
    after = mirror.contents()
    assert told["status"] == ended.status
    fetched = {
        each["name"]: (each["fetch"]["number"], each["fetch"]["bytes"])
        for each in told["projects"]
        if each["fetch"]["number"]
    }
    assert fetched == came(before, after)
    removed = {each["name"]: each["remove"]["number"] for each in told["projects"]}
    gone = came(after, before)
    assert {name: number for name, number in removed.items() if number} == {
        name: number for name, (number, _) in gone.items()
    }
    assert told["sum"]["fetch"]["number"] == sum(number for number, _ in fetched.values())
    assert told["sum"]["fetch"]["bytes"] == sum(size for _, size in fetched.values())
    status = json.loads(mirror.run("--status", "--json").stdout)
    assert told["left_out"] == status["left_out"]
    pages = {path for path in after if Path(path).name in _PAGES and before.get(path) != after[path]}
    # The root page may tell the same sums as before by chance.
    is_same_root = fetched and "index.html" not in pages and mirror.root.joinpath("index.html").exists()
    assert told["pages_changed"] - len(pages) in ({0, 1} if is_same_root else {0}), pages


@pytest.mark.parametrize(
    "options",
    [
        {"package_matches": "*"},
        {"package_matches": "app", "dependencies": True},
        {"package_matches": "*", "latest_releases": "1", "removal_grace_hours": 0},
        {"package_matches": "a* l*", "full_index": True, "removal_grace_hours": 0},
        {"package_matches": "*", "page_style": "plain", "file_types": "wheel"},
        {"package_matches": "*", "max_project_size": "3K", "removal_grace_hours": 0},
        {"package_matches": "*", "blocked_files": "lib==1.0", "excluded_versions": "other >1"},
        {"package_matches": "other*", "requirements": "r.txt", "dependencies": True},
    ],
)
def test_a_first_run_and_later_ones(
    index: FakeIndex, make_mirror: MakeMirror, options: dict[str, object]
) -> None:
    index.add("app", "1.0", requires_dist=["lib<2", "Deep.er; python_version > '3'"])
    for version in ("1.0", "1.5", "2.0"):
        index.add("lib", version, extra_size=300)
    index.add("Deep.er", "1.0", sdist=False)
    index.add("other", "1.0")
    mirror = make_mirror(**options)
    (mirror.folder / "r.txt").write_text("app\n")
    check(mirror)
    check(mirror)
    index.add("lib", "1.7")
    index.add("app", "1.1", requires_dist=["other", "lib==2.0"])
    check(mirror)
    index.remove_file("lib", "lib-1.0.tar.gz")
    index.add("another", "1.0")
    check(mirror)
    mirror.configure(**(options | {"filename_excludes": "*.tar.gz"}))
    check(mirror, "--allow-removals")
    mirror.configure(**options)
    check(mirror)


def test_what_is_documented_of_its_json(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["nowhere"])
    mirror = make_mirror(package_matches="app", dependencies=True, file_types="wheel")
    told = json.loads(mirror.run("-U", "--dry-run", "--json").stdout)
    page = (Path(__file__).parents[2] / "docs/how-it-works.md").read_text("utf-8")
    table = page.partition("| key | what it is |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", table))
    keys = {*told, *told["projects"][0], *told["left_out"][0], *told["missing"][0], *told["sum"]["fetch"]}
    assert named == keys


def test_the_summary_names_what_is_missing(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["nowhere>=1", "lib"])
    index.add("lib", "1.0")
    mirror = make_mirror(package_matches="app", package_excludes="lib", dependencies=True)
    mirror.update()
    line = mirror.log.splitlines()[-1]
    assert line.endswith(
        "; required, and missing: lib (app 1.0 requires lib), nowhere (app 1.0 requires nowhere>=1)"
    )
