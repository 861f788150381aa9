"""The options that choose among files, and patterns in files that the configuration names."""

import itertools
import os
from pathlib import Path

import pytest

from pypimirror import config
from pypimirror.cli.modes import selection_of
from pypimirror.config import Config
from pypimirror.errors import ConfigError, Problem
from pypimirror.model import NormalizedName
from pypimirror.selection.options import Blocked, LatestReleases

REQUIRED = "[DEFAULT]\nmirror_file_path = /srv/mirror\n"
ABC = "abcdef0123456789" * 4


def parse(folder: Path, *lines: str) -> Config:
    text = REQUIRED + ("" if any("package_matches" in line for line in lines) else "package_matches = six\n")
    content = text + "\n".join(lines) + "\n"
    return config.parse(content.encode(), source="x.cfg", folder=folder, overrides={})


def problem(folder: Path, *lines: str) -> Problem:
    with pytest.raises(ConfigError) as caught:
        parse(folder, *lines)
    (found,) = caught.value.problems
    assert isinstance(found, Problem)
    return found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("python_versions = 3.12.1", "did you mean 3.12?"),
        ("python_versions = 312", "did you mean 3.12?"),
        ("python_versions = cp313t", "did you mean 3.13t?"),
        ("python_versions = 3", "no version of Python"),
        ("python_versions = >=3.9", "no version of Python"),
        ("python_versions = 3.12,3.13", "did you mean 3.12 3.13?"),
        ("python_versions = 2.9", "did you mean 2.7, or 3.9?"),
        ("platforms = linux_x86_64,macosx_arm64", "did you mean linux_x86_64 macosx_arm64?"),
        ("implementations = cp,pp", "did you mean cp pp?"),
        ("implementations = CP", "did you mean cp?"),
        ("file_types = wheel,sdist", "did you mean wheel sdist?"),
        ("latest_releases = 5 6", "each in a line of its own"),
        ("package_matches = six,attrs", "which white space separates: six attrs"),
        ("python_versions = 3.12t", "from 3.13t on"),
        ("python_versions = @pythons.txt", "no version of Python"),
        ("platforms = manylinux2014_x86_64", "did you mean manylinux_x86_64?"),
        ("platforms = linux_amd64", "did you mean linux_x86_64?"),
        ("implementations = cpython", "did you mean cp?"),
        ("implementations = jy", "neither cp"),
        ("glibc = 2", "such as 2.28"),
        ("glibc = new", "such as 2.28"),
        ("file_types = wheels", "did you mean wheel?"),
        ("file_types = tar.gz", "wheel sdist egg other"),
        ("versions = django", "one in a line"),
        ("versions = django 4.2", "did you mean ==4.2?"),
        ("versions = django >=4 flask >=1", "no specifier"),
        ("versions = django[x] >=4", "one in a line"),
        ("versions = django >=4; python_version > '3'", "one in a line"),
        ("versions = -django >=4", "one in a line"),
        ("excluded_versions = six => 4", "no specifier"),
        ("prereleases = perhaps", "if-needed"),
        ("yanked = perhaps", "True"),
        ("latest_releases = many", "number of releases"),
        ("latest_releases = -1", "number of releases"),
        ("latest_releases = 5 django* 10", "a line of its own"),
        ("latest_releases = django*", "number of releases"),
        ("latest_releases = [a 5", "[a"),
        ("latest_releases =\n  5\n  6", "5 and 6"),
        ("min_age_days = 1w", "days"),
        ("min_age_days = -1", "days"),
        ("min_age_exceptions = a,", "'a,'"),
        ("min_age_unknown = keep", "hold nor allow"),
        ("blocked_files = demo==1.*", "excluded_versions"),
        ("blocked_files = demo==1.0,<2", "excluded_versions"),
        ("blocked_files = -demo==1.0", "-demo"),
        ("blocked_files = " + "a" * 40, "64 hexadecimal digits"),
        ("blocked_files = md5:" + "a" * 32, "64 hexadecimal digits"),
        ("blocked_files = demo>=1.0", "excluded_versions"),
        ("blocked_files = https://feed.example.org/list.txt", "fetch it into a file"),
        ("max_file_size = huge", "500M"),
        ("max_project_size = -1", "500M"),
        ("package_matches =", "write * for every project"),
        ("package_matches =\n  # six\n  ; zope.*", "write * for every project"),
    ],
)
def test_a_bad_value(tmp_path: Path, line: str, said: str) -> None:
    found = problem(tmp_path, line)
    assert found.option == line.partition(" =")[0]
    assert said in found.allowed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", LatestReleases()),
        ("5", LatestReleases(5)),
        ("5\n  django* 10\n  numpy 0", LatestReleases(5, (("django*", 10), ("numpy", 0)))),
        ("\n  numpy 0\n  django* 10\n  5", LatestReleases(5, (("django*", 10), ("numpy", 0)))),
        ("numpy 3", LatestReleases(0, (("numpy", 3),))),
    ],
)
def test_numbers_of_releases(tmp_path: Path, text: str, value: LatestReleases) -> None:
    assert parse(tmp_path, f"latest_releases = {text}").latest_releases == value


@pytest.mark.parametrize("text", ["if-needed", "if needed", "IF_NEEDED"])
def test_prereleases_if_needed(tmp_path: Path, text: str) -> None:
    assert parse(tmp_path, f"prereleases = {text}").prereleases == "if-needed"


def test_the_order_in_a_configuration_makes_no_difference(tmp_path: Path) -> None:
    lines = (
        "package_matches = zope.* six",
        "versions =\n  six <2\n  six >=1\n  Zope.Event ==5.*",
        "platforms = win32 linux_x86_64",
        "latest_releases = 5\n  b* 1\n  a* 2",
        f"blocked_files = b==1 {ABC} a==1",
        "min_age_exceptions = b a",
    )
    turned = (
        "min_age_exceptions = a b",
        f"blocked_files =\n  a == 1\n  sha256={ABC.upper()}\n  B==1",
        "latest_releases =\n  a* 2\n  b* 1\n  5",
        "platforms = linux_x86_64 win32 win32",
        "versions =\n  zope_event == 5.*\n  SIX>=1\n  six<2",
        "package_matches = six zope.*",
    )
    one, other = parse(tmp_path, *lines), parse(tmp_path, *turned)
    assert selection_of(one).of_projects == selection_of(other).of_projects
    different = [
        name for name in Config.__struct_fields__ if repr(getattr(one, name)) != repr(getattr(other, name))
    ]
    assert different == ["package_matches", "min_age_exceptions"]


GLOB_OPTIONS = (
    "package_matches",
    "package_excludes",
    "filename_matches",
    "filename_excludes",
    "min_age_exceptions",
)


@pytest.mark.parametrize("option", GLOB_OPTIONS)
def test_patterns_in_a_file(tmp_path: Path, option: str) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "patterns.txt").write_text(
        "\ufeff# a comment\n\n  zope*  \nplone* # another one\n\t# and one\n", "utf-8"
    )
    parsed = parse(tmp_path, f"{option} =\n  six\n  @more/patterns.txt\n  flask")
    assert getattr(parsed, option) == ("six", "zope*", "plone*", "flask")


def test_a_file_by_its_whole_path_or_in_the_home_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "names.txt"
    path.write_text("six\n")
    for named in (path, "~/names.txt"):
        assert parse(Path("/srv"), f"package_matches = @{named}").package_matches == ("six",)


def test_lines_in_files(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("Django >=4 # for a while\n\nsix ==1.*\n")
    (tmp_path / "numbers of releases").write_text("7\nzope.* 2\n")
    parsed = parse(
        tmp_path,
        "versions = @kept",
        "excluded_versions =\n  @kept\n  flask <1",
        "latest_releases = @numbers of releases",
    )
    assert parsed.versions == ((NormalizedName("django"), ">=4"), (NormalizedName("six"), "==1.*"))
    assert len(parsed.excluded_versions) == 3
    assert parsed.latest_releases == LatestReleases(7, (("zope.*", 2),))


def test_blocked_files_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "feed.txt").write_text(
        f"# found today\n{ABC}\nsha256:{ABC[::-1]}\n\nDemo_Two==1.0 # malicious\n  six == 9.9\n"
    )
    (tmp_path / "more").write_text("other===final\n")
    expected = Blocked(
        tuple(sorted([ABC, ABC[::-1]])),
        (
            (NormalizedName("demo-two"), "1.0"),
            (NormalizedName("other"), "final"),
            (NormalizedName("six"), "9.9"),
        ),
    )
    for value in ("feed.txt more", "\n  more\n  feed.txt", f"@feed.txt @more six==9.9 {ABC}"):
        assert parse(tmp_path, f"blocked_files = {value}").blocked_files == expected


@pytest.mark.parametrize("option", ["package_matches", "filename_excludes", "versions", "blocked_files"])
def test_a_file_that_is_missing(tmp_path: Path, option: str) -> None:
    found = problem(tmp_path, f"{option} = @missing.txt")
    assert str(found) == (
        f"[DEFAULT] {option}: {tmp_path / 'missing.txt'} can't be read (No such file or directory);"
        " a relative path is relative to the configuration file"
    )


@pytest.mark.parametrize("option", ["package_matches", "blocked_files"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is no file, but a pipe" in problem(tmp_path, f"{option} = @pipe").allowed


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "can't be read (Is a directory)" in problem(tmp_path, "package_matches = @.").allowed


@pytest.mark.parametrize(
    ("option", "content", "said"),
    [
        ("package_matches", "six\n\na[b\n", "list.txt:3: a[b opens a bracket"),
        ("package_matches", "six==1.0\n", "list.txt:1: 'six==1.0' is not a project's name"),
        ("package_matches", "# six\n", "write * for every project"),
        ("package_matches", "six\n@other.txt\n", "list.txt:2: a file names no other one"),
        ("filename_matches", "*.whl\na/b\n", "list.txt:2: a/b holds a slash"),
        ("versions", "six\n", "list.txt:1: six: not a project and its versions"),
        ("latest_releases", "5\nsix\n", "list.txt:2: six: neither a number"),
        ("min_age_exceptions", "a\nb,\n", "list.txt:2: 'b,'"),
        ("blocked_files", "demo\n", "list.txt:1: demo: neither a SHA-256 digest"),
        ("blocked_files", f"{ABC}  demo-1.0.zip\n", "list.txt:1: "),
    ],
)
def test_a_bad_line_of_a_file(tmp_path: Path, option: str, content: str, said: str) -> None:
    (tmp_path / "list.txt").write_text(content)
    found = problem(tmp_path, f"{option} = @list.txt")
    assert said in found.allowed
    assert found.value is None


def test_several_bad_lines_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("".join(f"a{number},\n" for number in range(9)))
    said = problem(tmp_path, "package_excludes = @list.txt").allowed
    assert [f"list.txt:{number}:" in said for number in range(1, 10)] == [True] * 5 + [False] * 4
    assert said.endswith("; and 4 more")


def test_a_file_of_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"six\nz\xf6pe\n")
    assert "list.txt:2: not in UTF-8" in problem(tmp_path, "package_excludes = @list.txt").allowed


@pytest.mark.parametrize("option", ["package_matches", "blocked_files"])
def test_a_file_without_a_name(tmp_path: Path, option: str) -> None:
    assert "behind @ stands the path" in problem(tmp_path, f"{option} = @ list.txt").allowed


def test_an_empty_file_is_no_pattern_where_none_is_needed(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    parsed = parse(
        tmp_path, "package_excludes = @empty", "blocked_files = empty", "filename_excludes = @empty"
    )
    assert (parsed.package_excludes, parsed.filename_excludes) == ((), ())
    assert parsed.blocked_files == Blocked()


def test_a_changed_file_is_a_changed_configuration(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    seen = set()
    for content, option in itertools.product(("demo==1.0\n", "demo==2.0\n"), ("blocked_files", "versions")):
        path.write_text(content)
        chosen = selection_of(parse(tmp_path, f"{option} = @list.txt"))
        seen.add((chosen.of_projects, chosen.fingerprint(NormalizedName("demo"))))
    assert len(seen) == 4


def test_a_mirror_of_requirements_alone_has_no_patterns(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="package_matches: missing"):
        config.parse(REQUIRED.encode(), source="x.cfg", folder=tmp_path, overrides={})


@pytest.mark.parametrize(
    "option", ["package_excludes", "filename_excludes", "excluded_versions", "blocked_files"]
)
def test_a_file_that_was_emptied_is_warned_of(tmp_path: Path, option: str) -> None:
    (tmp_path / "feed.txt").write_text("# nothing\n")
    (warning,) = parse(tmp_path, f"{option} = @feed.txt").warnings
    assert warning == f"{option}: there is no entry in @feed.txt, so that nothing is left out by it"
    assert parse(tmp_path, f"{option} =").warnings == ()


def test_an_emptied_file_of_patterns_does_not_mean_every_file(tmp_path: Path) -> None:
    (tmp_path / "feed.txt").write_text("")
    found = problem(tmp_path, "filename_matches = @feed.txt")
    assert "there is no pattern in feed.txt; write one, or leave the option out" in found.allowed
