"""A partial mirror with all that it requires, and what goes when nobody asks any more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror

MakeMirror = Callable[..., Mirror]


@pytest.fixture
def chain(index: FakeIndex) -> FakeIndex:
    """An index on which `app` needs `lib` and that needs `core`, beside what nobody needs."""
    index.add("app", "1.0", requires_dist=["lib>=2"], sdist=False)
    index.add("lib", "1.0", sdist=False)
    index.add("lib", "2.0", requires_dist=["core[fast]; python_version >= '3.8'"], sdist=False)
    index.add("lib", "2.1", requires_dist=["core", "Old.Thing; python_version < '3'"], sdist=False)
    index.add(
        "core", "5.0", requires_dist=["accel; extra == 'fast'", "docs-tool; extra == 'docs'"], sdist=False
    )
    for name in ("accel", "docs-tool", "old-thing", "other"):
        index.add(name, "1.0", sdist=False)
    return index


def wheel(name: str, version: str) -> str:
    stem = name.replace("-", "_")
    return f"{name}/{stem}-{version}-py3-none-any.whl"


def files(mirror: Mirror) -> set[str]:
    return {name for name in mirror.names() if not name.endswith(".metadata")}


CHAIN = {wheel("app", "1.0"), wheel("lib", "2.0"), wheel("lib", "2.1"), wheel("core", "5.0")} | {
    wheel("accel", "1.0")
}


@pytest.mark.parametrize("pattern", ["app", "ap*"])
def test_what_selected_releases_require_is_mirrored_too(
    chain: FakeIndex, make_mirror: MakeMirror, pattern: str
) -> None:
    mirror = make_mirror(package_matches=pattern, dependencies=True, python_versions="3.12")
    mirror.update()
    assert files(mirror) == CHAIN
    mirror.check_links()
    before = mirror.tree()
    chain.clear()
    mirror.update()
    assert mirror.tree() == before
    assert not chain.downloads()


def test_without_environments_every_marker_may_hold(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="app", dependencies=True)
    mirror.update()
    assert files(mirror) == CHAIN | {wheel("old-thing", "1.0")}


def test_every_version_of_what_is_required(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(
        package_matches="app", dependencies=True, dependency_versions="all", python_versions="3.12"
    )
    mirror.update()
    assert files(mirror) == CHAIN | {wheel("lib", "1.0")}


def test_a_requirement_that_goes_takes_with_it_what_nobody_else_wants(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="app other", dependencies=True, python_versions="3.12")
    mirror.update()
    chain.add("other", "2.0", requires_dist=["core"], sdist=False)
    chain.remove_file("app", "app-1.0-py3-none-any.whl")
    chain.add("app", "1.1", sdist=False)
    mirror.update()
    assert mirror.projects() == ["app", "core", "other"]
    assert wheel("lib", "2.1") in files(mirror)  # in its grace
    mirror.age(hours=25)
    mirror.update()
    assert files(mirror) == {
        wheel("app", "1.1"),
        wheel("other", "1.0"),
        wheel("other", "2.0"),
        wheel("core", "5.0"),
    }
    mirror.check_links()


def test_nothing_is_dropped_while_somebodys_requirements_could_not_be_had(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="app other", dependencies=True, python_versions="3.12")
    mirror.update()
    chain.remove_file("app", "app-1.0-py3-none-any.whl")
    chain.add("app", "1.1", sdist=False)
    chain.touch("other")
    chain.fault("/simple/other/", faults.Status(500))
    assert mirror.run("-U").status == 3
    assert "lib" in mirror.projects()
    chain.clear_faults()
    mirror.update()
    assert mirror.projects() == ["app", "other"]


def test_what_is_kept_of_a_changed_file_tells_what_is_required(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(package_matches="app other", dependencies=True, python_versions="3.12")
    mirror.update()
    chain.add("other", "1.0", requires_dist=["docs-tool"], sdist=False)  # under the same name
    chain.remove_file("app", "app-1.0-py3-none-any.whl")
    chain.add("app", "1.1", sdist=False)
    assert "other-1.0-py3-none-any.whl: refused" in mirror.run("-U").stderr
    assert mirror.projects() == ["app", "other"]


def test_what_upstream_dropped_and_somebody_still_requires_is_no_failure(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    mirror = make_mirror(dependencies=True)
    mirror.update()
    chain.remove("core")
    for _ in range(3):
        assert mirror.run("-U") == GOOD
    assert "core is not mirrored, as upstream has no such project" in mirror.log


def test_what_the_list_does_not_name_is_asked_for_once_a_day(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    chain.add("app", "2.0", requires_dist=["no-such-thing"], sdist=False)
    mirror = make_mirror(package_matches="ap*", dependencies=True)
    mirror.update()
    mirror.update()
    chain.clear()
    mirror.update()
    assert chain.paths() == ["/simple/"]
    mirror.age(hours=25)
    mirror.update()
    assert "/simple/no-such-thing/" in chain.paths()
    chain.add("no-such-thing", "1.0", sdist=False)
    mirror.update()
    assert "no-such-thing" in mirror.projects()


def test_a_project_that_is_asked_for_twice_fails_once(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    chain.add("app", "1.1", requires_dist=["other"], sdist=False)
    chain.fault("/simple/other/", faults.Status(500))
    mirror = make_mirror(package_matches="app other", dependencies=True)
    ended = mirror.run("-U")
    assert ended.status == 3, "not all of upstream is away"
    assert "1 project is not up to date" in ended.stderr
    mirror.check_links()


def test_excluded_and_unknown_projects_are_named_with_who_wants_them(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    chain.add("app", "2.0", requires_dist=["no-such-thing", "lib"], sdist=False)
    mirror = make_mirror(
        package_matches="app", package_excludes="core", dependencies=True, python_versions="3.12"
    )
    mirror.update()
    assert "core" not in mirror.projects()
    assert "lib 2.1 requires core" in mirror.log
    assert "app 2.0 requires no-such-thing" in mirror.log


def test_cycles_and_extras_of_oneself_end(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("a", "1", requires_dist=["b", "a[all]; extra == 'everything'", "c; extra == 'all'"])
    index.add("b", "1", requires_dist=["a[everything]", "d @ https://files.example.org/d.whl"])
    index.add("c", "1")
    index.add("d", "1")
    mirror = make_mirror(package_matches="a", dependencies=True)
    mirror.update()
    assert mirror.projects() == ["a", "b", "c"]


def test_an_update_finds_what_a_new_release_requires(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="ap*", dependencies=True, python_versions="3.12")
    mirror.update()
    chain.add("core", "6.0", requires_dist=["docs_tool>=1", "lib==1.0"], sdist=False)
    mirror.update()
    assert {wheel("docs-tool", "1.0"), wheel("lib", "1.0")} <= files(mirror)
    mirror.check_links()


def test_turned_on_later_and_off_again(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="app")
    mirror.update()
    mirror.configure(package_matches="app", dependencies=True, python_versions="3.12")
    mirror.update()
    assert files(mirror) == CHAIN
    mirror.configure(package_matches="app")
    mirror.update()
    assert mirror.projects() == ["app"]


def test_requirements_files_select(chain: FakeIndex, make_mirror: MakeMirror, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lib<2.1  # the old one\n-r more.txt\n")
    (tmp_path / "more.txt").write_text("core[docs]==5.0\n")
    mirror = make_mirror(
        package_matches=None, requirements="requirements.txt", dependencies=True, python_versions="3.12"
    )
    mirror.update()
    assert files(mirror) == {
        wheel("lib", "1.0"),
        wheel("lib", "2.0"),
        wheel("core", "5.0"),
        wheel("docs-tool", "1.0"),
        wheel("accel", "1.0"),
    }
    (tmp_path / "requirements.txt").write_text("lib<2\n")
    assert mirror.run("-U", "--allow-removals").status == 0
    assert mirror.projects() == ["lib"]
    assert mirror.listed("lib") == {"lib-1.0-py3-none-any.whl"}


def test_a_dry_run_reads_metadata_instead_of_wheels(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="app", dependencies=True, python_versions="3.12")
    ended = mirror.run("-U", "--dry-run")
    assert ended.status == 0
    for name in ("app: fetch 1", "lib: fetch 2", "core: fetch 1", "accel: fetch 1"):
        assert name in ended.stdout
    assert [path for path in chain.downloads() if not path.endswith(".metadata")] == []


def test_why_explains_each_project_without_network(chain: FakeIndex, make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="ap*", dependencies=True, python_versions="3.12")
    mirror.update()
    chain.stop()
    assert "package_matches: ap*" in mirror.run("--why", "app").stdout
    assert "core 5.0 requires accel" in mirror.run("--why", "accel").stdout.replace("  ", " ")
    why = mirror.run("--why", "lib-1.0-py3-none-any.whl").stdout
    assert "requirements" in why
    assert ">=2" in why
    assert "nothing selects it" in mirror.run("--why", "other").stdout


def test_a_requirement_that_no_mirrored_release_answers_is_told_once(
    chain: FakeIndex, make_mirror: MakeMirror
) -> None:
    chain.add("app", "2.0", requires_dist=["accel>=9", "core"], sdist=False)
    mirror = make_mirror(package_matches="app", dependencies=True, python_versions="3.12")
    dry = mirror.run("-U", "--dry-run")
    said = "no mirrored release of it fits: app 2.0 requires accel>=9"
    assert f"accel would be missing, as {said}" in dry.stdout
    assert mirror.log.count(f"WARNING accel: {said}") == 1
    for _ in range(3):
        mirror.update()
        assert mirror.log.count(f"WARNING accel: {said}") == 2
        assert f"missing: accel, as {said}" in mirror.run("--status").stdout
        assert mirror.run("--check").status == 3
    chain.add("accel", "9.0", sdist=False)
    mirror.update()
    assert "missing" not in mirror.run("--status").stdout
    assert mirror.run("--check").status == 0
    chain.remove_file("accel", "accel-9.0-py3-none-any.whl")
    for _ in range(2):
        mirror.update()
        assert mirror.log.count(f"WARNING accel: {said}") == 3
    mirror.configure(
        package_matches="app", dependencies=True, python_versions="3.12", excluded_versions="core <9"
    )
    for _ in range(2):
        mirror.update()
        assert mirror.log.count("no mirrored release of it fits: app 2.0 requires core; lib") == 1
    mirror.configure(package_matches="other", dependencies=True)
    mirror.run("-U", "--allow-removals")
    assert "missing" not in mirror.run("--status").stdout
