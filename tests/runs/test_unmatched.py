"""A selection that finds nothing is trouble: told when it is new, kept in --status until it is mended."""

import json
from collections.abc import Callable

import pytest

from tests.fake_index import FakeIndex
from tests.mirror import GOOD, Mirror, is_over

MakeMirror = Callable[..., Mirror]


@pytest.fixture(autouse=True)
def filled(index: FakeIndex) -> None:
    for name in ("six", "zope.event"):
        index.add(name, "1.0")


@pytest.mark.parametrize("more", ["", " zope.*"])
def test_a_name_that_upstream_does_not_have(index: FakeIndex, make_mirror: MakeMirror, more: str) -> None:
    mirror = make_mirror(package_matches=f"six sixx{more}")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "sixx: upstream has no such project" in ended.stderr
    assert mirror.listed("six")
    again = mirror.run("-U")
    assert (again.status, again.stderr) == (3, "")
    told = json.loads(mirror.run("--status", "--json").stdout)
    assert any("sixx" in line for line in told["unmatched"])
    index.add("sixx", "1.0")
    assert is_over(mirror.run("-U"))
    assert json.loads(mirror.run("--status", "--json").stdout)["unmatched"] == []


@pytest.mark.parametrize("more", ["", " zope.*"])
def test_a_named_project_that_leaves_upstream_is_told_of_at_once(
    index: FakeIndex, make_mirror: MakeMirror, more: str
) -> None:
    index.add("attrs", "1.0")
    mirror = make_mirror(package_matches=f"six attrs{more}")
    assert mirror.run("-U") == GOOD
    index.remove("attrs")
    ended = mirror.run("-U")
    assert (ended.status, mirror.projects().count("attrs")) == (3, 0)
    assert "attrs: upstream has no such project" in ended.stderr
    for _ in range(2):
        again = mirror.run("-U")
        assert (again.status, again.stderr) == (3, "")
    mirror.configure(package_matches=f"six{more}")
    assert is_over(mirror.run("-U"))


def test_a_pattern_that_matches_nothing_is_told_once_a_day(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="six plone.*", filename_matches="*.whl *.tgz")
    ended = mirror.run("-U")
    assert ended.status == 0
    assert "package_matches: plone.* matches nothing" in ended.stderr
    assert "*.tgz" not in ended.stderr  # such a file may come yet
    assert mirror.run("-U").stderr == ""
    assert "plone.*" in (told := mirror.run("--status").stdout)
    assert "filename_matches: *.tgz matches nothing" in told
    mirror.configure(package_matches="six", filename_matches="*.whl")
    assert is_over(mirror.run("-U"))
    assert "plone.*" not in mirror.run("--status").stdout


def test_patterns_that_select_no_file_at_all(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(filename_matches="*.whel")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "no file is selected: filename_matches leaves out 4" in ended.stderr
    assert mirror.run("-U").status == 3
    mirror.configure()
    assert is_over(mirror.run("-U"))


def test_projects_without_any_file_are_no_trouble(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add_project("empty")
    mirror = make_mirror(package_matches="empty six")
    mirror.update()


def test_a_requirement_that_upstream_does_not_have(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="six", requirements="requirements.txt")
    (mirror.folder / "requirements.txt").write_text("zope.event\nnosuch>=1\n")
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "nosuch: upstream has no such project" in ended.stderr


def test_check_says_what_pip_would_miss(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["six>=2", "absent", "zope.event"])
    mirror = make_mirror(package_matches="app six zope.event")
    mirror.update()
    index.stop()
    ended = mirror.run("--check")
    assert ended.status == 3
    assert "app 1.0 requires six>=2: no held release is that" in ended.stdout
    assert "app 1.0 requires absent: the project is not held" in ended.stdout
    assert "zope" not in ended.stdout
    assert [each["name"] for each in json.loads(mirror.run("--check", "--json").stdout)] == ["absent", "six"]


def test_check_of_a_mirror_with_dependencies(index: FakeIndex, make_mirror: MakeMirror) -> None:
    index.add("app", "1.0", requires_dist=["six>=1"])
    mirror = make_mirror(package_matches="app", dependencies=True)
    mirror.update()
    ended = mirror.run("--check")
    assert (ended.status, ended.stdout) == (
        0,
        "all that the mirrored releases require is there (2 projects)\n",
    )


def test_check_config_needs_no_network_and_writes_nothing(make_mirror: MakeMirror) -> None:
    mirror = make_mirror(package_matches="zope", fetch_since_days=3, filename_matches="*.tar.gz")
    ended = mirror.run("--check-config")
    assert ended.status == 0
    assert "zope.*" in ended.stdout
    assert "*.whl" in ended.stdout
    assert "fetch_since_days: has no effect" in ended.stdout
    assert not mirror.root.exists()
