"""Pythons and platforms: what is chosen by hand, and what packaging itself would take."""

import itertools

import pytest
from packaging import tags
from packaging.utils import parse_wheel_filename

from pypimirror.model import File, NormalizedName
from pypimirror.selection import Selection
from pypimirror.selection.options import FileRules
from pypimirror.selection.platforms import PLATFORMS, check_platform, fits
from pypimirror.selection.single import has_fitting_micro
from pypimirror.selection.tags import Tags
from tests.real_pages import page, projects

WHEELS = sorted(f.filename for name in projects() for f in page(name) if f.filename.endswith(".whl"))


def chosen(name: str, rules: FileRules) -> set[str]:
    decided = Selection(package_matches=("*",), rules=rules).decide(NormalizedName(name), page(name), now=2e9)
    return {file.filename.partition("-")[2] for file in decided.wanted}


def linux(*, arch: str, glibc: int = 60, musl: int = 9) -> list[str]:
    """The platforms of a machine with this glibc, and those of one with this musl."""
    old = {5: "1", 12: "2010", 17: "2014"}
    levels = [f"manylinux_2_{level}_{arch}" for level in range(5, glibc + 1)]
    named = [f"manylinux{name}_{arch}" for level, name in old.items() if level <= glibc]
    return [*levels, *named, *(f"musllinux_1_{level}_{arch}" for level in range(musl + 1)), f"linux_{arch}"]


MACHINES = {
    "linux_x86_64": linux(arch="x86_64"),
    "linux_aarch64": linux(arch="aarch64"),
    "linux_i686": linux(arch="i686"),
    "linux_s390x": linux(arch="s390x"),
    "macosx_x86_64": list(tags.mac_platforms((26, 0), "x86_64")),
    "macosx_arm64": list(tags.mac_platforms((26, 0), "arm64")),
    "win_amd64": ["win_amd64"],
    "win32": ["win32"],
    "win_arm64": ["win_arm64"],
}


def cpython(version: str, platforms: list[str]) -> frozenset[tags.Tag]:
    """What pip takes with a CPython."""
    major, minor = (int(part) for part in version.rstrip("t").split("."))
    name = f"cp{major}{minor}"
    abis = [f"{name}t"] if version.endswith("t") else [name]
    if (major, minor) < (3, 8):
        abis = [f"{name}m", f"{name}mu"]
    taken = [*tags.cpython_tags((major, minor), abis, platforms)]
    return frozenset([*taken, *tags.compatible_tags((major, minor), name, platforms)])


def pypy(version: str, platforms: list[str]) -> frozenset[tags.Tag]:
    """What pip takes with a PyPy."""
    major, minor = (int(part) for part in version.split("."))
    name = f"pp{major}{minor}"
    taken = [*tags.generic_tags(name, [f"pypy{major}{minor}_pp73"], platforms)]
    return frozenset([*taken, *tags.compatible_tags((major, minor), name, platforms)])


@pytest.mark.parametrize("platform", MACHINES)
@pytest.mark.parametrize("version", ["2.7", "3.5", "3.7", "3.9", "3.11", "3.12", "3.13", "3.13t", "3.14t"])
def test_wheels_for_cpython_are_those_that_packaging_takes(version: str, platform: str) -> None:
    asked = Tags(("cp",), (version,), (platform,))
    taken = cpython(version, MACHINES[platform])
    for wheel in WHEELS:
        expected = bool(parse_wheel_filename(wheel)[3] & taken)
        assert (asked.no(wheel) is None) == expected, wheel


@pytest.mark.parametrize("platform", MACHINES)
@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11"])
def test_wheels_for_pypy_are_those_that_packaging_takes(version: str, platform: str) -> None:
    asked = Tags(("pp",), (version,), (platform,))
    taken = pypy(version, MACHINES[platform])
    for wheel in WHEELS:
        expected = bool(parse_wheel_filename(wheel)[3] & taken)
        assert (asked.no(wheel) is None) == expected, wheel


@pytest.mark.parametrize("level", [5, 12, 17, 24, 28, 34])
def test_a_level_of_glibc_is_that_of_a_machine(level: int) -> None:
    asked = Tags(("cp",), ("3.12",), ("linux_x86_64",), (2, level))
    taken = cpython("3.12", linux(arch="x86_64", glibc=level))
    for wheel in WHEELS:
        expected = bool(parse_wheel_filename(wheel)[3] & taken)
        assert (asked.no(wheel) is None) == expected, wheel


@pytest.mark.parametrize(
    ("first", "second"), list(itertools.combinations(["3.9", "3.12", "3.13", "3.13t"], 2))
)
def test_two_pythons_take_what_either_takes(first: str, second: str) -> None:
    both, one, other = (Tags((), asked) for asked in ((first, second), (first,), (second,)))
    for wheel in WHEELS:
        assert (both.no(wheel) is None) == (one.no(wheel) is None or other.no(wheel) is None), wheel


def test_a_team_on_linux_and_macos() -> None:
    rules = FileRules(
        python_versions=("3.12", "3.13"),
        platforms=("linux_x86_64", "macosx_arm64"),
        implementations=("cp",),
        file_types=("wheel",),
    )
    assert chosen("numpy", rules) == {
        "1.26.4-cp312-cp312-macosx_11_0_arm64.whl",
        "1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "1.26.4-cp312-cp312-musllinux_1_1_x86_64.whl",
        "2.2.0rc1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "2.3.3-cp312-cp312-macosx_14_0_arm64.whl",
        "2.3.3-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "2.3.3-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "2.3.3-cp313-cp313-musllinux_1_2_x86_64.whl",
    }
    assert chosen("cryptography", rules) == {
        "45.0.0-cp311-abi3-manylinux_2_28_x86_64.whl",
        "46.0.1-cp38-abi3-macosx_10_9_universal2.whl",
        "46.0.1-cp38-abi3-manylinux_2_28_x86_64.whl",
        "46.0.1-cp311-abi3-macosx_10_9_universal2.whl",
        "46.0.1-cp311-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "46.0.1-cp311-abi3-manylinux_2_34_x86_64.whl",
    }
    assert chosen("torch", rules) == {
        "2.8.0-cp312-cp312-manylinux_2_28_x86_64.whl",
        "2.8.0-cp312-none-macosx_11_0_arm64.whl",
    }
    assert chosen("setuptools", rules) == {
        "44.1.1-py2.py3-none-any.whl",
        "80.9.0-py3-none-any.whl",
    }


def test_a_server_of_old() -> None:
    rules = FileRules(python_versions=("3.9",), platforms=("manylinux_x86_64",), glibc=(2, 17))
    assert chosen("cryptography", rules) == {"45.0.0.tar.gz", "46.0.1.tar.gz"}
    assert chosen("cffi", rules) == {"1.17.1.tar.gz"}
    assert chosen("zope-interface", rules) == {
        "3.6.0.tar.gz",
        "5.4.0-cp39-cp39-manylinux_2_5_x86_64.manylinux1_x86_64.manylinux_2_12_x86_64.manylinux2010_x86_64.whl",
        "5.4.0.tar.gz",
        "8.0.1.tar.gz",
    }


def test_free_threaded_builds_take_no_other_wheels() -> None:
    both = ("linux_x86_64",)
    assert chosen("pydantic-core", FileRules(python_versions=("3.13t",), platforms=both)) == {
        "2.41.1-cp313-cp313t-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "2.41.1.tar.gz",
    }
    assert chosen("pydantic-core", FileRules(python_versions=("3.13",), platforms=both)) == {
        "2.41.1-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "2.41.1.tar.gz",
    }


def test_every_interpreter_unless_some_are_named() -> None:
    asked = ("linux_x86_64",)
    everything = chosen("pydantic-core", FileRules(python_versions=("3.11",), platforms=asked))
    pypy_alone = chosen(
        "pydantic-core", FileRules(python_versions=("3.11",), platforms=asked, implementations=("pp",))
    )
    graalpy = "2.41.1-graalpy311-graalpy242_311_native-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    musl = "2.41.1-pp311-pypy311_pp73-musllinux_1_1_x86_64.whl"
    assert everything == {graalpy, musl, "2.41.1.tar.gz"}
    assert pypy_alone == {musl, "2.41.1.tar.gz"}


def test_eggs_and_installers_by_what_their_names_say() -> None:
    old = FileRules(python_versions=("2.7",), platforms=("win32",))
    assert chosen("lxml", old) == {
        "3.2.1.tar.gz",
        "3.2.1.win32-py2.7.exe",
        "3.2.1-py2.7-win32.egg",
    }
    assert chosen("lxml", FileRules(python_versions=("2.7",), platforms=("win_amd64",))) == {
        "3.2.1.tar.gz",
        "3.2.1.win-amd64-py2.7.exe",
        "3.2.1-py2.7-win-amd64.egg",
    }
    assert chosen("zope-interface", FileRules(python_versions=("2.6",), platforms=("linux_x86_64",))) == {
        "3.6.0-py2.6-linux-x86_64.egg",
        "3.6.0.tar.gz",
    }


def test_kinds_of_files() -> None:
    assert chosen("setuptools", FileRules(file_types=("egg",))) == {
        "0.6c11-py2.6.egg",
        "0.6c11-py2.7.egg",
    }
    assert chosen("setuptools", FileRules(file_types=("other",))) == {
        "0.6c11-1.src.rpm",
        "0.6c11.win32-py2.7.exe",
    }
    assert chosen("pillow", FileRules(file_types=("sdist",))) == {"2.6.1.zip", "11.3.0.tar.gz"}


@pytest.mark.parametrize(
    ("filename", "kind"),
    [
        ("a-1.0.tar.gz", "sdist"),
        ("a-1.0.TAR.GZ", "sdist"),
        ("a-1.0.linux-x86_64.tar.gz", "other"),
        ("a-1.0.win32.zip", "other"),
        ("win32-1.0.zip", "sdist"),
        ("a-win32-1.0.zip", "sdist"),
        ("go-win-2.zip", "sdist"),
        ("a-1.0-py3.egg", "egg"),
        ("a-1.0.exe", "other"),
        ("a-1.0.WHL", "other"),
        ("notes", "other"),
    ],
)
def test_a_kind(filename: str, kind: str) -> None:
    for file_type in ("wheel", "sdist", "egg", "other"):
        rules = FileRules(file_types=(file_type,))
        decided = Selection(package_matches=("*",), rules=rules).decide(
            NormalizedName("a"), [File(filename=filename, url="https://files.example.org/a")], now=0
        )
        assert bool(decided.wanted) == (file_type == kind)


@pytest.mark.parametrize(
    "filename",
    ["a-1.0.whl", "a-1.0-py3-none.whl", "a-1.0-x1-py3-none-any.whl", "a-b-1.0-1-py3-none-any.whl", "-.whl"],
)
def test_what_is_no_wheel_by_its_name_is_left_out_where_tags_are_asked_for(filename: str) -> None:
    assert Tags(platforms=("win32",)).no(filename) is not None
    assert Tags(python_versions=("3.12",)).no(filename) is not None


@pytest.mark.parametrize(
    ("asked", "filename", "option", "why"),
    [
        (
            Tags(platforms=("linux_x86_64", "win32")),
            "a-1-py3-none-manylinux_2_17_aarch64.whl",
            "platforms",
            "manylinux_2_17_aarch64 is none of linux_x86_64 win32",
        ),
        (
            Tags(python_versions=("3.12",)),
            "a-1-cp39-cp39-win32.whl",
            "python_versions",
            "cp39-cp39 is for none of 3.12",
        ),
        (
            Tags(implementations=("cp",)),
            "a-1-pp39-pypy39_pp73-win32.whl",
            "implementations",
            "pp39 is none of cp",
        ),
        (
            Tags(glibc=(2, 17)),
            "a-1-cp39-cp39-manylinux_2_28_x86_64.whl",
            "glibc",
            "manylinux_2_28_x86_64 needs more than glibc 2.17",
        ),
        (
            Tags(python_versions=("3.9",)),
            "a-1-py2.7.egg",
            "python_versions",
            "it is for Python 2.7, none of 3.9",
        ),
        (
            Tags(platforms=("win32",)),
            "a-1.macosx-10.9-x86_64.exe",
            "platforms",
            "macosx_10_9_x86_64 is none of win32",
        ),
    ],
)
def test_a_no_names_option_and_value(asked: Tags, filename: str, option: str, why: str) -> None:
    no = asked.no(filename)
    assert no is not None
    assert (no.rule, no.why) == (option, why)


@pytest.mark.parametrize(
    ("requires", "python", "is_fit"),
    [
        (">=3.9", "3.9", True),
        (">=3.9", "3.8", False),
        (">=3.9.1", "3.9", True),
        ("<3.9", "3.9", False),
        ("<3.9.2", "3.9", True),
        (">3.9", "3.9", True),
        (">=3.6.2,<3.6.5", "3.6", True),
        (">=3.6.2,<3.6.2", "3.6", False),
        ("==3.12", "3.12", True),
        ("==3.12.*", "3.13", False),
        ("~=3.8", "3.13", True),
        ("~=3.8.2", "3.8", True),
        ("~=3.8.2", "3.9", False),
        (">=3.8,!=3.9.0,!=3.9.1", "3.9", True),
        (">=2.7,!=3.0.*,!=3.1.*", "3.1", False),
        (">=2.7,!=3.0.*,!=3.1.*", "2.7", True),
        ("===3.8.7", "3.8", True),
        (">=3.14.0rc1", "3.14", True),
        (">=3.13", "3.13t", True),
        (">=3.9.0", "3.9", True),
        ("nonsense", "3.9", True),
        (">=3.6.*", "3.5", True),
        ("", "3.5", True),
    ],
)
def test_a_python_fits_if_some_patch_level_does(requires: str, python: str, *, is_fit: bool) -> None:
    assert has_fitting_micro(requires, python) is is_fit


def test_sdists_by_requires_python() -> None:
    rules = FileRules(python_versions=("3.10",), file_types=("sdist",))
    decided = Selection(package_matches=("*",), rules=rules).decide(
        NormalizedName("numpy"), page("numpy"), now=2e9
    )
    assert [file.version for file in decided.wanted] == ["1.16.6", "1.26.4", "2.2.0rc1"]
    (left_out,) = (each for each in decided.left_out if each.file.filename == "numpy-2.3.3.tar.gz")
    assert (left_out.rule, left_out.why) == (
        "python_versions",
        "Requires-Python >=3.11 admits none of 3.10",
    )


@pytest.mark.parametrize("short", PLATFORMS)
def test_a_short_name_is_known_and_takes_something(short: str) -> None:
    check_platform(short)
    family, _, arch = short.partition("_")
    tag = {"manylinux": f"manylinux_2_17_{arch}", "musllinux": f"musllinux_1_2_{arch}"}.get(family, short)
    tag = f"macosx_11_0_{arch}" if family == "macosx" else tag
    assert fits(short, tag)
    assert not fits(short, "any_other")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("linux_amd64", "linux_x86_64"),
        ("linux-x86_64", "linux_x86_64"),
        ("Linux_x86_64", "linux_x86_64"),
        ("linux_arm64", "linux_aarch64"),
        ("manylinux2014_x86_64", "manylinux_x86_64"),
        ("manylinux_2_28_aarch64", "manylinux_aarch64"),
        ("musllinux_1_2_x86_64", "musllinux_x86_64"),
        ("macosx_11_0_arm64", "macosx_arm64"),
        ("macos_arm64", "macosx_arm64"),
        ("win64", "win_amd64"),
        ("win_x86_64", "win_amd64"),
        ("windows", "win_amd64"),
        ("manylinux", "manylinux_x86_64"),
        ("macosx_universal2", "macosx_arm64"),
        ("linux_x64", "linux_x86_64"),
    ],
)
def test_another_name_of_a_platform_is_refused_with_the_nearest(text: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"did you mean {near}\?"):
        check_platform(text)


def test_a_name_like_no_platform_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="linux_x86_64"):
        check_platform("zx")
