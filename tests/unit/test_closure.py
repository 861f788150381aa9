"""Who needs what: against a naive closure, and by hand for projects that everybody knows."""

import random
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from pypimirror.closure import Closure
from pypimirror.model import Digest, NormalizedName
from pypimirror.requirements import Constraint, Root, Roots
from pypimirror.requirements.dependency import canonical
from pypimirror.requirements.environments import Environments, environments
from pypimirror.want import Want

Index = Mapping[NormalizedName, tuple[tuple[str, str], ...]]

DATA = Path(__file__).parents[1] / "data"
KNOWN = tomllib.loads((DATA / "requires_dist.toml").read_text("utf-8"))
NEEDED = tomllib.loads((DATA / "needed.toml").read_text("utf-8"))["roots"]
LINUX = Environments(environments(["3.12"], ["linux_x86_64"], ["cp"]))
WINDOWS = Environments(environments(["3.10"], ["win_amd64"], ["cp"]))


def named(name: str) -> NormalizedName:
    return NormalizedName(canonicalize_name(name))


def roots(*lines: str, constraints: Iterable[str] = ()) -> Roots:
    """Roots as a requirements file gives them, each with the number of its line."""
    found = [(number, Requirement(line)) for number, line in enumerate(lines, 1)]
    narrowed = [(number, Requirement(line)) for number, line in enumerate(constraints, 1)]
    return Roots(
        tuple(
            Root(
                named(each.name),
                Want(str(each.specifier)),
                tuple(sorted(map(canonicalize_name, each.extras))),
                str(each.marker or ""),
                f"r.txt:{number}",
            )
            for number, each in found
        ),
        tuple(
            Constraint(named(r.name), str(r.specifier), (), str(r.marker or ""), f"c.txt:{number}")
            for number, r in narrowed
        ),
    )


def closed(chosen: Roots, index: Index, environments: Environments = LINUX) -> Closure:
    """The closure, fed as a run feeds it: a project comes when it is asked for."""
    closure = Closure(chosen, environments=environments)
    feed(closure, index, closure.wants)
    return closure


def feed(closure: Closure, index: Index, names: Iterable[NormalizedName]) -> None:
    queue, fed = sorted(names), set()
    while queue:
        name = queue.pop()
        if name not in fed:
            fed.add(name)
            queue += sorted(closure.add_project(name, index.get(name, ())))


# ---- by hand ----------------------------------------------------------------------------


def known() -> Index:
    return {
        named(each["name"]): tuple((canonical(line) or "", each["version"]) for line in each["requires"])
        for each in KNOWN.values()
    }


@pytest.mark.parametrize(
    ("root", "environment", "needed"),
    [(each["root"], each["environment"], each["needed"]) for each in NEEDED],
)
def test_well_known_projects(root: str, environment: str, needed: str) -> None:
    closure = closed(roots(root), known(), LINUX if environment == "linux" else WINDOWS)
    wanted = {Requirement(each).name for each in needed.split()}
    assert set(closure.wants) - {named(Requirement(root).name)} == wanted
    for each in map(Requirement, needed.split()):
        if each.specifier:
            assert closure.wants_of(named(each.name)) == {Want(str(each.specifier))}


def test_all_extras_of_pandas() -> None:
    """`pandas[all]` requires pandas itself, with every extra by name."""
    closure = closed(roots("pandas[all]==3.1.1"), known(), LINUX)
    assert {"pyarrow", "fastparquet", "pyqt5", "sqlalchemy", "pytest-xdist", "numba"} <= set(closure.wants)
    assert closure.wants_of(named("pandas")) == {Want("==3.1.1")}
    assert [str(each) for each in closure.needs_of(named("pyarrow"))] == [
        'pandas 3.1.1 requires pyarrow>=16.0.0; extra == "pyarrow"',
    ]


def test_who_needs_numpy() -> None:
    both = Environments(environments(["3.12", "3.14"], ["linux_x86_64"]))
    closure = closed(roots("pandas"), known(), both)
    assert closure.wants_of(named("numpy")) == {Want(">=2.0.2"), Want(">=2.3.3")}
    assert [str(need) for need in closure.needs_of(named("numpy"))] == [
        'pandas 3.1.1 requires numpy>=2.0.2; python_version < "3.14"',
        'pandas 3.1.1 requires numpy>=2.3.3; python_version >= "3.14"',
    ]


# ---- one rule each ----------------------------------------------------------------------

SMALL: Index = {
    named("a"): (("b>=2", "1.0"), ('c[x]; extra == "more"', "1.0")),
    named("b"): (("A", "2.0"), ("d", "2.0")),
    named("c"): (('e<3; extra == "x"', "3.0"), ('f; extra == "y"', "3.0")),
}


def test_a_cycle() -> None:
    closure = closed(roots("a==1.0"), SMALL)
    assert closure.wants == {
        "a": {Want("==1.0"), Want()},
        "b": {Want(">=2")},
        "d": {Want()},
    }
    assert [str(need) for name in ("a", "b", "d") for need in closure.needs_of(named(name))] == [
        "r.txt:1 requires a==1.0",
        "b 2.0 requires A",
        "a 1.0 requires b>=2",
        "b 2.0 requires d",
    ]


def test_extras_that_come_later_are_followed() -> None:
    closure = Closure(roots("c", "a[more]"), environments=LINUX)
    assert closure.add_project(named("c"), SMALL[named("c")]) == set()
    assert closure.add_project(named("a"), SMALL[named("a")]) == {"b", "c", "e"} - {"c"}
    assert closure.wants_of(named("e")) == {Want("<3")}
    assert closure.wants_of(named("f")) == set()
    assert [each.by for each in closure.needs_of(named("e"))] == ["c 3.0"]
    assert [each.by for each in closure.needs_of(named("b"))] == ["a 1.0"]


def test_extras_of_roots() -> None:
    extras = {named("a"): frozenset({"more"}), named("c"): frozenset({"y"})}
    closure = Closure(roots("a"), environments=LINUX, extras=extras)
    feed(closure, SMALL, closure.wants)
    assert set(closure.wants) == {"a", "b", "c", "d", "e"}  # c is no root


def test_projects_that_a_pattern_selects() -> None:
    closure = Closure(environments=LINUX, extras={named("a"): frozenset({"more"})})
    assert closure.add_project(named("a"), SMALL[named("a")]) == set()
    assert closure.add_root_project(named("a")) == {"b", "c"}
    assert closure.add_root_project(named("a")) == set()
    assert closure.wants_of(named("a")) == set()
    feed(closure, SMALL, {named("b"), named("c")})
    assert [str(need) for name in ("c", "e") for need in closure.needs_of(named(name))] == [
        'a 1.0 requires c[x]; extra == "more"',
        'c 3.0 requires e<3; extra == "x"',
    ]
    assert closure.needs_of(named("nobody")) == ()


def test_every_version_of_what_is_needed() -> None:
    closure = Closure(roots("a==1.0"), environments=LINUX, is_matching=False)
    feed(closure, SMALL, closure.wants)
    assert closure.wants_of(named("b")) == {Want()}
    assert closure.wants_of(named("a")) == {Want("==1.0"), Want()}


def test_excluded_projects_are_missing_and_not_followed() -> None:
    closure = Closure(roots("a[more]", "c"), environments=LINUX, is_excluded=lambda name: name in {"b", "c"})
    feed(closure, SMALL, SMALL)
    assert set(closure.wants) == {"a"}
    assert {name: [str(each) for each in needs] for name, needs in closure.missing.items()} == {
        "b": ["a 1.0 requires b>=2"],
        "c": ["r.txt:2 requires c", 'a 1.0 requires c[x]; extra == "more"'],
    }
    assert closure.add_root_project(named("b")) == set()
    assert set(closure.wants) == {"a"}


def test_direct_references_are_noted_and_not_followed() -> None:
    closure = Closure(roots("a"), environments=LINUX)
    reference = "b @ https://us:secret@example.org/b.zip"
    assert closure.add_project(named("a"), [(reference, "1.0")]) == set()
    assert [str(each) for each in closure.direct] == ["a 1.0 requires b @ https://example.org/b.zip"]
    assert set(closure.wants) == {"a"}


def test_constraints_narrow_what_anybody_asks_for() -> None:
    chosen = roots("a", "b>=1", constraints=["b<3", "B!=2.5", "a==1.0", "d<1; os_name == 'nt'", "e<9"])
    closure = closed(chosen, SMALL)
    assert closure.wants == {
        "a": {Want("==1.0")},
        "b": {Want("!=2.5,<3,>=1"), Want("!=2.5,<3,>=2")},
        "d": {Want()},
    }
    everywhere = Closure(roots("d", constraints=["d<1; os_name == 'nt'"]), environments=WINDOWS)
    assert everywhere.wants_of(named("d")) == {Want("<1")}


def test_roots_of_other_environments_ask_for_nothing() -> None:
    closure = Closure(roots("a; sys_platform == 'win32'", "b; python_version >= '3'"), environments=LINUX)
    assert set(closure.wants) == {"b"}
    assert [root.source for root, _ in closure.roots()] == ["r.txt:2"]
    assert set(Closure(roots("a; sys_platform == 'win32'")).wants) == {"a"}


def test_what_is_pinned_to_its_files_stays_so() -> None:
    pinned = Want("==2.0", (Digest("sha256", "1" * 64),))
    exact = Roots((Root(named("a"), Want("==1.0", is_exact=True)), Root(named("b"), pinned)))
    closure = closed(exact, SMALL)
    assert closure.wants == {"a": {Want("==1.0", is_exact=True)}, "b": {pinned}, "d": {Want()}}
    assert len(closure.needs_of(named("b"))) == 2


def test_other_metadata_adds_and_takes_nothing_back() -> None:
    closure = Closure(roots("a"), environments=LINUX)
    assert closure.add_project(named("a"), [("b", "1.0")]) == {"b"}
    assert closure.add_project(named("a"), [("b", "1.0"), ("c>1", "2.0")]) == {"c"}
    assert closure.add_project(named("a"), [("c>1", "2.0")]) == set()
    assert set(closure.wants) == {"a", "b", "c"}
    assert set(closed(roots("a"), {named("a"): (("c>1", "2.0"),)}).wants) == {"a", "c"}


def test_what_is_no_requirement_asks_for_nothing() -> None:
    closure = Closure(roots("a"), environments=LINUX)
    assert closure.add_project(named("a"), [("", "1"), ("?", "1"), ("b >= x", "1")]) == set()


# ---- against a naive closure ------------------------------------------------------------

NAMES = [named(name) for name in "abcdefgh"]
LINES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["A", *"bcdefgh"]),
    st.sampled_from(["", "", "[x]", "[X,y]", "[z]"]),
    st.sampled_from(["", ">=1", "<2,>=1", "==1.5"]),
    st.sampled_from(
        [
            "",
            "",
            '; extra == "x"',
            '; extra == "y" or extra == "Z"',
            '; sys_platform == "win32"',
            '; python_version < "3.11" and extra == "z"',
        ]
    ),
)
INDEXES = st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(st.tuples(LINES, st.sampled_from(["1.0", "1.5"])), max_size=4).map(tuple),
)
CONFIGURED = st.sampled_from(
    [[("3.12", "linux", "linux_x86_64")], [("3.10", "win32", "win_amd64"), ("3.12", "win32", "win_amd64")]]
)
ROOTS = st.lists(LINES.filter(lambda line: "extra" not in line), max_size=3)


def applies(marker: Marker | None, extras: Iterable[str], variables: list[dict[str, str]]) -> bool:
    return marker is None or any(
        marker.evaluate({**each, "extra": extra}) for each in variables for extra in ("", *extras)
    )


def naive(
    lines: list[str],
    index: Index,
    variables: list[dict[str, str]],
    excluded: frozenset[NormalizedName],
    narrowing: Mapping[NormalizedName, str],
) -> dict[NormalizedName, set[str]]:
    """All over again until nothing changes."""
    wants: dict[NormalizedName, set[str]] = {}
    extras: dict[NormalizedName, set[str]] = {}
    size = -1
    while size != sum(map(len, [*wants.values(), *extras.values()])) + len(wants):
        size = sum(map(len, [*wants.values(), *extras.values()])) + len(wants)
        asked: list[tuple[NormalizedName | None, Requirement, frozenset[str]]]
        asked = [(None, Requirement(line), frozenset()) for line in lines]
        asked += [
            (parent, Requirement(line), frozenset(extras[parent]))
            for parent in list(wants)
            for line, _ in index.get(parent, ())
        ]
        for parent, requirement, given_extras in asked:
            name = named(requirement.name)
            if name in excluded or not applies(requirement.marker, given_extras, variables):
                continue
            extras.setdefault(name, set()).update(map(canonicalize_name, requirement.extras))
            if name != parent:
                narrowed = SpecifierSet(narrowing.get(name, ""))
                wants.setdefault(name, set()).add(str(requirement.specifier & narrowed))
    return wants


@settings(deadline=None)
@given(ROOTS, INDEXES, CONFIGURED, st.frozensets(st.sampled_from(NAMES), max_size=1), st.randoms())
def test_a_closure_is_what_a_naive_one_is(
    lines: list[str],
    index: Index,
    configured: list[tuple[str, str, str]],
    excluded: frozenset[NormalizedName],
    order: random.Random,
) -> None:
    variables = [{"python_version": python, "sys_platform": system} for python, system, _ in configured]
    found = Environments(tuple(e for python, _, word in configured for e in environments([python], [word])))
    wanted = naive(lines, index, variables, excluded, {named("b"): "!=9"})

    closure = Closure(
        roots(*lines, constraints=["b!=9"]), environments=found, is_excluded=excluded.__contains__
    )
    grown = set(closure.wants)
    shuffled = sorted(index)
    order.shuffle(shuffled)
    for name in shuffled:
        grown |= closure.add_project(name, index[name])
    assert {n: {want.specifier for want in wants} for n, wants in closure.wants.items()} == wanted
    assert grown == set(wanted)
    assert not excluded & set(closure.wants)
    assert all(map(closure.needs_of, wanted))

    fed = Closure(roots(*lines, constraints=["b!=9"]), environments=found, is_excluded=excluded.__contains__)
    feed(fed, index, fed.wants)
    assert fed.wants == closure.wants
    assert fed.missing.keys() == closure.missing.keys()
    assert all(set(fed.needs_of(name)) == set(closure.needs_of(name)) for name in NAMES)


@settings(deadline=None)
@given(INDEXES, st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
def test_patterns_are_roots_as_requirements_are(index: Index, chosen: list[NormalizedName]) -> None:
    closure = Closure(environments=LINUX)
    for name in chosen:
        feed(closure, index, closure.add_root_project(name) | {name})
    asked = closed(roots(*chosen), index)
    assert set(closure.wants) | set(chosen) == set(asked.wants)
    for name in closure.wants:
        assert asked.wants_of(name) - closure.wants_of(name) <= {Want()}
        assert closure.needs_of(name)
