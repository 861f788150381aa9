"""The options that say by requirements what to mirror."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pypimirror import config
from pypimirror.config import Config
from pypimirror.errors import ConfigError
from pypimirror.model import NormalizedName
from pypimirror.requirements import Root, Roots
from pypimirror.want import Want

SIX = NormalizedName("six")
PATTERNS = "package_matches = zope.*"


def parse(folder: Path, *lines: str, files: Mapping[str, str] | None = None) -> Config:
    for name, text in (files or {"r.txt": "six>=1\n"}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    (folder / "mirror.cfg").write_text("\n".join(["[DEFAULT]", "mirror_file_path = mirror", *lines, ""]))
    return config.load(folder / "mirror.cfg", {})


def problems(folder: Path, *lines: str, files: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(folder, *lines, files=files)
    return [str(each) for each in caught.value.problems]


def test_requirements_alone_say_what_to_mirror(tmp_path: Path) -> None:
    found = parse(tmp_path, "requirements = r.txt")
    assert found.package_matches == ()
    assert found.requirements == Roots(
        (Root(SIX, Want(">=1"), source="r.txt:1"),), files=(str(tmp_path / "r.txt"),)
    )
    assert found.warnings == ()


def test_a_changed_file_is_a_changed_configuration(tmp_path: Path) -> None:
    before = parse(tmp_path, "requirements = r.txt")
    assert parse(tmp_path, "requirements = r.txt") == before
    after = parse(tmp_path, "requirements = r.txt", files={"r.txt": "six>=2\n"})
    assert after != before
    assert repr(after) != repr(before)


@pytest.mark.parametrize(
    "value", ["a.txt sub/b.txt", "a.txt\n  sub/b.txt", "\n  a.txt   ; the first\n  # more\n  sub/b.txt"]
)
def test_several_files_relative_to_the_configuration(tmp_path: Path, value: str) -> None:
    files = {"a.txt": "a\n", "sub/b.txt": "b\n-r c.txt\n", "sub/c.txt": "c\n"}
    found = parse(tmp_path, f"requirements = {value}", files=files)
    assert [(root.name, root.source) for root in found.requirements.roots] == [
        ("a", "a.txt:1"),
        ("b", "sub/b.txt:1"),
        ("c", "sub/c.txt:1"),
    ]


def test_a_path_with_white_space(tmp_path: Path) -> None:
    files = {"my project.txt": "a\n", "b.txt": "b\n"}
    for value in ("my project.txt\n  b.txt", "b.txt\n  my project.txt"):
        found = parse(tmp_path, f"requirements =\n  {value}", files=files)
        assert {root.name for root in found.requirements.roots} == {"a", "b"}


def test_a_home_directory_and_a_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = parse(tmp_path, f"requirements = ~/r.txt {tmp_path}/r.txt")
    assert {root.name for root in found.requirements.roots} == {"six"}


@pytest.mark.parametrize(
    ("value", "text", "said"),
    [
        ("", "", "names no file; name one, or leave the option out"),
        ("  ; r.txt", "", "names no file"),
        ("r.txt", "", "there is no requirement in it; write one, or leave the option out"),
        ("r.txt", "# six\n\n   # more\n", "there is no requirement in it"),
        ("r.txt", "-e .\n--pre\n", "there is no requirement in it"),
        ("r.txt", "-c c.txt\n", "there is no requirement in it"),
        ("no.txt", "", "no.txt: can't be read (No such file or directory)"),
        (".", "", "is no file; name a requirements file or a lock file"),
        ("~no-such-user/r.txt", "", "home directory"),
        ("r.txt", "six\nsix=1\n", "r.txt:2: six=1: no requirement"),
    ],
)
def test_what_is_refused(tmp_path: Path, value: str, text: str, said: str) -> None:
    files = {"r.txt": text, "c.txt": "six\n"}
    (problem,) = problems(tmp_path, f"requirements = {value}", files=files)
    assert problem.startswith("[DEFAULT] requirements")
    assert said in problem


def test_each_problem_of_the_files_is_one(tmp_path: Path) -> None:
    found = problems(tmp_path, "requirements = r.txt", "cleanup = x", files={"r.txt": "a=1\nb=1\n"})
    assert len(found) == 3


def test_exact_asks_for_pins(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "requirements = r.txt", "exact = True")
    assert "r.txt:1: six>=1 is not pinned, and exact = True" in problem
    found = parse(tmp_path, "requirements = r.txt", "exact = True", files={"r.txt": "six==1\n"})
    assert found.requirements.roots[0].want == Want("==1", is_exact=True)


def test_patterns_and_requirements(tmp_path: Path) -> None:
    found = parse(tmp_path, PATTERNS, "requirements = r.txt")
    assert found.package_matches == ("zope.*",)
    assert len(found.requirements.roots) == 1
    (problem,) = problems(tmp_path, "package_matches =\n  # six", "requirements = r.txt")
    assert "there is no pattern in it" in problem


def test_requirements_do_not_make_everything_external(tmp_path: Path) -> None:
    """Without a pattern no project is selected by one, and so not every project."""
    assert parse(tmp_path, "requirements = r.txt", "external_links = True").external_links


def test_what_has_no_effect_is_told(tmp_path: Path) -> None:
    lines = ["exact = True", "dependency_versions = all", "extras = zope.x[y] six[z]", PATTERNS]
    assert parse(tmp_path, *lines).warnings == (
        "exact: has no effect without requirements",
        "dependency_versions: has no effect without dependencies = True",
        "extras: has no effect without dependencies = True",
        "extras: six is selected by neither package_matches nor requirements; its extras have no effect",
    )
    chosen = parse(tmp_path, "requirements = r.txt", "dependencies = True", "extras = Six[z]")
    assert chosen.warnings == ()


def test_what_the_files_say_for_nothing_is_told(tmp_path: Path) -> None:
    text = "six\n--index-url https://us:secret@example.org/\n"
    found = parse(tmp_path, "requirements = r.txt", files={"r.txt": text})
    assert found.warnings == ("requirements: r.txt:2: --index-url has no effect here",)


@pytest.mark.parametrize(
    ("value", "extras"),
    [
        ("", ()),
        ("Celery[Redis]", (("celery", ("redis",)),)),
        ("b[y, x]  a[z]\n  b [w]", (("a", ("z",)), ("b", ("w", "x", "y")))),
        ("a[x_y,x.y]", (("a", ("x-y",)),)),
    ],
)
def test_extras(tmp_path: Path, value: str, extras: tuple[object, ...]) -> None:
    assert parse(tmp_path, PATTERNS, f"extras = {value}").extras == extras


@pytest.mark.parametrize(
    "value",
    ["celery", "celery[]", "celery[a", "[a]", "celery[a]b", "celery[,]", "cel*[a]", "a[b*]", "a[b][c]"],
)
def test_extras_that_are_none(tmp_path: Path, value: str) -> None:
    (problem,) = problems(tmp_path, PATTERNS, f"extras = {value}")
    assert problem.startswith("[DEFAULT] extras = ")


def test_dependency_versions(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, PATTERNS, "dependency_versions = newest")
    assert problem.endswith("neither matching nor all")
