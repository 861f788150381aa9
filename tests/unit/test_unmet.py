"""What pip will miss."""

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from pypimirror.dependencies.check import unmet
from pypimirror.model import NormalizedName
from pypimirror.requirements import Root, Roots
from pypimirror.requirements.environments import Environments, environments
from pypimirror.want import Want

Held = dict[NormalizedName, list[str]]
Requires = dict[NormalizedName, list[tuple[str, str]]]
A, B, C = map(NormalizedName, "abc")


def told(held: Held, requires: Requires, roots: Roots = Roots()) -> list[str]:
    return [str(each) for each in unmet(held, requires, roots=roots)]


def test_nothing_is_missed() -> None:
    assert told({}, {}) == []
    assert told({A: ["1.0"], B: ["2.0"]}, {A: [("b>=1", "1.0")], B: [("A", "2.0")]}) == []


def test_a_project_or_a_release_is_missed() -> None:
    requires = {A: [("b>=2", "1.0"), ("b>=1", "1.0"), ('d; python_version >= "3"', "1.0")]}
    assert told({A: ["1.0"], B: ["1.0", "1.5"]}, requires) == [
        "a 1.0 requires b>=2: no held release is that",
        'a 1.0 requires d; python_version >= "3": the project is not held',
    ]


def test_a_project_without_any_release_is_not_held() -> None:
    assert told({A: ["1.0"], B: []}, {A: [("b", "1.0")]}) == ["a 1.0 requires b: the project is not held"]


def test_only_extras_that_somebody_asks_for_count() -> None:
    requires = {A: [('b; extra == "x"', "1.0"), ('c; extra == "y"', "1.0")]}
    assert told({A: ["1.0"]}, requires) == []
    asking = requires | {B: [("a[X]", "2.0")]}
    assert told({A: ["1.0"], B: ["2.0"]}, asking) == []
    assert told({A: ["1.0"], C: ["2.0"]}, requires | {C: [("a[x,y]", "2.0")]}) == [
        'a 1.0 requires b; extra == "x": the project is not held',
    ]


def test_what_the_files_ask_for_is_missed_too() -> None:
    roots = Roots((Root(A, Want("==2.0"), source="r.txt:1"), Root(C, source="r.txt:2")))
    assert told({A: ["1.0"]}, {}, roots) == [
        "r.txt:1 requires a==2.0: no held release is that",
        "r.txt:2 requires c: the project is not held",
    ]


def test_other_environments_miss_nothing() -> None:
    linux = Environments(environments(["3.12"], ["linux_x86_64"]))
    requires = {A: [("b; sys_platform == 'win32'", "1.0")]}
    assert unmet({A: ["1.0"]}, requires, environments=linux) == ()
    assert len(unmet({A: ["1.0"]}, requires)) == 1


def test_pre_releases_count_and_versions_of_old() -> None:
    requires = {A: [("b>=1", "1.0"), ("c", "1.0")]}
    assert told({A: ["1.0"], B: ["2.0rc1"], C: ["of-old"]}, requires) == []
    assert told({A: ["1.0"], B: ["of-old"], C: ["1"]}, requires) == [
        "a 1.0 requires b>=1: no held release is that"
    ]


def test_what_is_not_held_needs_nothing() -> None:
    assert told({A: ["1.0"]}, {A: [], B: [("c", "1.0")]}) == []


NAMES = st.sampled_from([A, B, C])
VERSIONS = st.sampled_from(["1.0", "1.5", "2.0a1", "2.0"])
LINES = st.builds("{}{}".format, NAMES, st.sampled_from(["", ">=1.2", "<1.5", "==2.0", ">=3"]))


@settings(deadline=None)
@given(
    st.dictionaries(NAMES, st.lists(VERSIONS, min_size=1, max_size=3)),
    st.dictionaries(NAMES, st.lists(st.tuples(LINES, VERSIONS), max_size=4)),
)
def test_what_is_missed_is_what_no_held_release_is(held: Held, requires: Requires) -> None:
    found = {(each.need.parent, each.need.requirement) for each in unmet(held, requires)}
    wanted = {
        (name, line)
        for name in held
        for line, _ in requires.get(name, ())
        if (each := Requirement(line)).name != name
        and not any(
            SpecifierSet(str(each.specifier)).contains(version, prereleases=True)
            for version in held.get(NormalizedName(each.name), ())
        )
    }
    assert found == wanted
