"""Markers in environments that are known in part, against packaging with whole environments."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker

from pypimirror.model import NormalizedName
from pypimirror.requirements.dependency import Dependency
from pypimirror.requirements.environments import Environment, Environments, environments

PYTHONS = ["3.8", "3.12", "3.13", "3.13t"]
PLATFORMS = {
    "linux_x86_64": ("linux", "Linux", "posix", ("x86_64",)),
    "manylinux_aarch64": ("linux", "Linux", "posix", ("aarch64",)),
    "musllinux_i686": ("linux", "Linux", "posix", ("i686", "x86_64")),
    "macosx_arm64": ("darwin", "Darwin", "posix", ("arm64",)),
    "macosx_universal2": ("darwin", "Darwin", "posix", ("arm64", "x86_64")),
    "win_amd64": ("win32", "Windows", "nt", ("AMD64",)),
    "win_arm64": ("win32", "Windows", "nt", ("ARM64",)),
    "win32": ("win32", "Windows", "nt", ("x86", "AMD64")),
}
IMPLEMENTATIONS = {"cp": ("cpython", "CPython"), "pp": ("pypy", "PyPy")}
LEVELS = [0, 1, 3, 4, 5, 17]
RELEASES = ["5.10", "10"]


def whole(python: str, platform: str, implementation: str) -> Iterator[dict[str, str]]:
    """Environments as they may be met where this is configured."""
    system, name, os_name, machines = PLATFORMS[platform]
    implementation_name, implementation_shown = IMPLEMENTATIONS[implementation]
    version = python.removesuffix("t")
    for level, machine, release in itertools.product(LEVELS, machines, RELEASES):
        yield {
            "python_version": version,
            "python_full_version": f"{version}.{level}",
            "sys_platform": system,
            "platform_system": name,
            "os_name": os_name,
            "platform_machine": machine,
            "platform_release": release,
            "platform_version": f"#1 {release}",
            "implementation_name": implementation_name,
            "implementation_version": f"{version}.{level}",
            "platform_python_implementation": implementation_shown,
        }


def quoted(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from([f"'{word}'" for word in words])


ORDER = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "~="])
SAME = st.sampled_from(["==", "!=", "in", "not in"])
COMPARISONS = st.one_of(
    st.tuples(st.just("python_version"), ORDER, quoted("3.8", "3.9", "3.12", "3.13", "3.14")),
    st.tuples(st.just("python_version"), st.sampled_from(["in", "not in"]), quoted("3.8 3.9", "3.12,3.13")),
    st.tuples(st.just("python_full_version"), ORDER, quoted("3.8.1", "3.12.4", "3.12", "3.13.0", "3.13.5")),
    st.tuples(quoted("3.12", "3.13"), st.sampled_from(["<", ">="]), st.just("python_version")),
    st.tuples(st.just("sys_platform"), SAME, quoted("linux", "win32", "darwin", "linux darwin")),
    st.tuples(st.just("platform_system"), SAME, quoted("Linux", "Windows", "Darwin")),
    st.tuples(st.just("os_name"), SAME, quoted("posix", "nt")),
    st.tuples(st.just("platform_machine"), SAME, quoted("x86_64", "AMD64", "arm64", "aarch64 x86_64", "x86")),
    st.tuples(st.just("platform_release"), ORDER, quoted("5.10", "6.0")),
    st.tuples(st.just("implementation_name"), SAME, quoted("cpython", "pypy")),
    st.tuples(st.just("implementation_version"), ORDER, quoted("3.12.4", "3.13.1")),
    st.tuples(st.just("platform_python_implementation"), SAME, quoted("CPython", "PyPy")),
    st.tuples(st.just("extra"), st.sampled_from(["==", "!="]), quoted("a", "b_c", "B.C")),
).map(" ".join)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    words = st.sampled_from([" and ", " or "])
    several = st.tuples(st.lists(parts, min_size=2, max_size=4), st.lists(words, min_size=3, max_size=3))
    return several.map(
        lambda drawn: (
            "".join(part + word for part, word in zip(drawn[0], [*drawn[1], ""], strict=False))
            .removesuffix(" and ")
            .removesuffix(" or ")
        )
    ) | parts.map(lambda part: f"({part})")


MARKERS = st.recursive(COMPARISONS, joined, max_leaves=6)
CONFIGURED = st.tuples(
    st.lists(st.sampled_from(PYTHONS), max_size=2),
    st.lists(st.sampled_from(list(PLATFORMS)), max_size=2),
    st.lists(st.sampled_from(["cp", "pp"]), max_size=2),
)
EXTRAS = st.frozensets(st.sampled_from(["a", "b-c"]))


def met(configured: tuple[list[str], list[str], list[str]]) -> Iterator[dict[str, str]]:
    pythons, platforms, implementations = configured
    for python, platform, implementation in itertools.product(
        pythons or PYTHONS, platforms or PLATFORMS, implementations or IMPLEMENTATIONS
    ):
        if not (python.endswith("t") and implementation == "pp"):
            yield from whole(python, platform, implementation)


@settings(deadline=None)
@given(MARKERS, CONFIGURED, EXTRAS)
def test_what_holds_somewhere_may_hold(
    text: str, configured: tuple[list[str], list[str], list[str]], extras: frozenset[str]
) -> None:
    marker = Marker(text)
    found = Environments(environments(*configured))
    if found.may_hold(str(marker), extras):
        return
    for each in met(configured):
        assert not any(marker.evaluate({**each, "extra": extra}) for extra in ("", *extras)), each


@settings(deadline=None)
@given(MARKERS, CONFIGURED)
def test_what_must_hold_holds_everywhere(
    text: str, configured: tuple[list[str], list[str], list[str]]
) -> None:
    marker = Marker(text)
    if Environments(environments(*configured)).must_hold(str(marker)):
        for each in met(configured):
            assert marker.evaluate({**each, "extra": ""}), each


@settings(deadline=None)
@given(MARKERS, st.sampled_from(PYTHONS), st.sampled_from(list(PLATFORMS)), st.sampled_from(["cp", "pp"]))
def test_what_may_hold_does_where_each_comparison_is_decided(
    text: str, python: str, platform: str, implementation: str
) -> None:
    """Nothing is mirrored for no reason, where a marker asks only for what is known, and but one way."""
    marker = Marker(text)
    undecided = ("python_full_version", "release", "implementation_version")
    if any(word in text for word in undecided) or (python.endswith("t") and implementation == "pp"):
        return
    if "platform_machine" in text and len(PLATFORMS[platform][3]) > 1:
        return
    found = Environments(environments([python], [platform], [implementation]))
    wanted = any(marker.evaluate({**each, "extra": ""}) for each in whole(python, platform, implementation))
    assert found.may_hold(str(marker)) is wanted
    assert found.must_hold(str(marker)) is wanted


@pytest.mark.parametrize(
    ("marker", "may", "must"),
    [
        ("python_full_version < '3.12.4'", True, False),
        ("python_full_version >= '3.12'", True, True),
        ("python_full_version < '3.12'", False, False),
        ("python_full_version >= '3.13'", False, False),
        ("python_full_version > '3.12.998'", True, False),
        ("python_full_version == '3.12.*'", True, True),
        ("python_version ~= '3.11'", True, True),
        ("platform_release >= '6'", True, False),
        ("platform_release ~= '6'", True, False),
        ("platform_machine == 'x86_64'", True, True),
        ("platform_machine == 'amd64'", False, False),
        ("sys_platform == 'linux2'", False, False),
        ("implementation_name == 'cpython'", True, False),
        ("python_version == python_full_version", True, False),
        ("extra == 'x'", False, False),
        ("extra != 'x'", True, True),
        ("'x' in extras", True, False),
        ("'dev' in dependency_groups", True, False),
        ("python_version < '3'", False, False),
        ("python_version in '3.12.1'", True, True),
    ],
)
def test_one_known_environment(marker: str, may: bool, must: bool) -> None:
    linux = Environments(environments(["3.12"], ["linux_x86_64"]))
    assert linux.may_hold(marker) is may
    assert linux.must_hold(marker) is must


def test_nothing_configured_is_one_environment_of_which_nothing_is_known() -> None:
    assert environments() == (Environment(),)
    anywhere = Environments()
    assert anywhere.may_hold("sys_platform == 'win32' and python_version < '2.7'")
    assert not anywhere.must_hold("python_version >= '3'")
    assert not anywhere.may_hold("sys_platform == 'win32' and extra == 'x'")
    assert anywhere.may_hold("sys_platform == 'win32' and extra == 'x'", frozenset({"x"}))


def test_environments_that_are_the_same_are_one() -> None:
    assert len(environments(["3.12"], ["linux_x86_64", "manylinux_x86_64", "musllinux_x86_64"])) == 1
    assert environments(["3.13t"], (), ["pp"]) == (Environment(),)
    assert len(environments(["3.13t", "3.13"], (), ["cp", "pp"])) == 2
    assert environments(["3.13t"])[0] == environments(["3.13"], (), ["cp"])[0]


@pytest.mark.parametrize(
    ("platform", "machine"),
    [
        ("macosx_11_0_arm64", "arm64"),
        ("manylinux_2_28_x86_64", "x86_64"),
        ("manylinux2014_s390x", "s390x"),
        ("musllinux_1_2_riscv64", "riscv64"),
        ("win_arm64", "ARM64"),
    ],
)
def test_machines(platform: str, machine: str) -> None:
    found = Environments(environments((), [platform]))
    assert found.must_hold(f"platform_machine == '{machine}'")


@pytest.mark.parametrize("platform", ["ios_arm64", "any", ""])
def test_of_other_platforms_nothing_is_known(platform: str) -> None:
    assert environments((), [platform]) == (Environment(),)


def test_linux_of_python_2_has_a_name_of_its_own() -> None:
    old = Environments(environments(["2.7"], ["linux_x86_64"]))
    assert old.may_hold("sys_platform == 'linux2'")
    assert old.must_hold("'linux' in sys_platform")


def test_extras_count_one_at_a_time() -> None:
    asked = frozenset({"a", "b"})
    assert Environments().may_hold("extra == 'A' or extra == 'c'", asked)
    assert not Environments().may_hold("extra == 'a' and extra == 'b'", asked)
    assert Environments().may_hold("extra != 'a'", asked)


def test_what_is_active() -> None:
    found = Environments(environments(["3.12"], ["linux_x86_64"]))
    dependency = found.active('Zope.Event[x]>=5; extra == "e"', frozenset({"e"}))
    assert dependency == Dependency(
        NormalizedName("zope-event"), frozenset({"x"}), ">=5", None, 'extra == "e"'
    )
    assert found.active('Zope.Event>=5; extra == "e"') is None
    assert found.active("no requirement at all") is None
