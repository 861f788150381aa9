"""What a resolver chooses upstream it chooses out of a mirror of the closure, too, and nothing is missing."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pypimirror.closure import Closure
from pypimirror.dependencies.check import unmet
from pypimirror.model import NormalizedName
from pypimirror.requirements import Constraint, Root, Roots
from pypimirror.requirements.environments import Environments, environments
from pypimirror.want import Want

Index = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Projects, their releases, and what each of these requires."""

CONFIGURED = {"3.12": "linux", "3.9": "win32"}
BOTH = Environments((*environments(["3.12"], ["linux_x86_64"]), *environments(["3.9"], ["win_amd64"])))

NAMES = st.sampled_from("abcde")
EXTRAS = st.sampled_from(["", "", "[x]", "[y]"])
SPECIFIERS = st.sampled_from(["", "", ">=2", "<3", "==2", "!=3,>=1"])
MARKERS = st.sampled_from(
    ["", "", '; extra == "x"', '; extra == "y"', '; sys_platform == "win32"', '; python_version >= "3.10"']
)
LINES = st.builds("{}{}{}{}".format, NAMES, EXTRAS, SPECIFIERS, MARKERS)
RELEASES = st.dictionaries(
    st.sampled_from(["1", "2", "3", "4"]), st.lists(LINES, max_size=3).map(tuple), min_size=1
)
INDEXES = st.fixed_dictionaries(dict.fromkeys("abcde", RELEASES))
ROOTS = st.lists(st.builds("{}{}{}".format, NAMES, EXTRAS, SPECIFIERS), min_size=1, max_size=3)
CONSTRAINTS = st.dictionaries(NAMES, st.sampled_from(["<4", "!=2"]), max_size=1)


class Resolver:
    """Takes the newest that fits, and goes back where nothing does, as installers do."""

    def __init__(self, index: Index, constraints: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self.index = index
        self.constraints = constraints
        self.variables = dict(variables)

    def resolve(
        self, todo: list[Requirement], pins: Mapping[str, str], extras: Mapping[str, frozenset[str]]
    ) -> Mapping[str, str] | None:
        """Return the release of each project; None where there is no way."""
        if not todo:
            return pins
        first, *rest = todo
        name = first.name
        asked = extras.get(name, frozenset()) | first.extras
        newest_first = sorted(self.index.get(name, ()), key=Version, reverse=True)
        candidates = [pins[name]] if name in pins else newest_first
        allowed = first.specifier & SpecifierSet(self.constraints.get(name, ""))
        for version in filter(allowed.contains, candidates):
            more = [] if name in pins and asked == extras[name] else self.requirements(name, version, asked)
            if (
                found := self.resolve([*rest, *more], {**pins, name: version}, {**extras, name: asked})
            ) is not None:
                return found
        return None

    def requirements(self, name: str, version: str, extras: frozenset[str]) -> list[Requirement]:
        found = map(Requirement, self.index[name][version])
        return [
            each
            for each in found
            if each.marker is None
            or any(each.marker.evaluate({**self.variables, "extra": extra}) for extra in ("", *extras))
        ]


def roots_of(lines: list[str], constraints: Mapping[str, str]) -> Roots:
    asked = [Requirement(line) for line in lines]
    return Roots(
        tuple(
            Root(NormalizedName(each.name), Want(str(each.specifier)), tuple(sorted(each.extras)))
            for each in asked
        ),
        tuple(Constraint(NormalizedName(name), each) for name, each in constraints.items()),
    )


def mirrored(index: Index, closure: Closure) -> Index:
    """Mirror as a run does: what is asked for, then what that requires, until nothing more is."""
    held: dict[str, dict[str, tuple[str, ...]]] = {}
    queue = sorted(closure.wants)
    while queue:
        name = queue.pop()
        wants = [SpecifierSet(want.specifier) for want in closure.wants_of(name)]
        held[name] = {
            version: requires
            for version, requires in index[name].items()
            if any(want.contains(version) for want in wants)
        }
        distinct = {line: version for version, requires in held[name].items() for line in requires}
        queue += closure.add_project(name, distinct.items())
    return held


@settings(deadline=None)
@given(ROOTS, INDEXES, CONSTRAINTS)
def test_a_mirror_of_the_closure_resolves_as_upstream_does(
    lines: list[str], index: Index, constraints: Mapping[str, str]
) -> None:
    roots = roots_of(lines, constraints)
    held = mirrored(index, Closure(roots, environments=BOTH))
    for python, system in CONFIGURED.items():
        variables = {"python_version": python, "sys_platform": system}
        asked = [Requirement(line) for line in lines]
        upstream, mirror = (
            Resolver(each, constraints, variables).resolve(asked, {}, {}) for each in (index, held)
        )
        assert mirror == upstream


@settings(deadline=None)
@given(ROOTS, INDEXES)
def test_nothing_that_upstream_has_is_missing(lines: list[str], index: Index) -> None:
    held = mirrored(index, Closure(roots_of(lines, {}), environments=BOTH))
    requires = {
        NormalizedName(name): [(line, version) for version, each in releases.items() for line in each]
        for name, releases in held.items()
    }
    versions = {NormalizedName(name): list(releases) for name, releases in held.items()}
    found = unmet(versions, requires, roots=roots_of(lines, {}), environments=BOTH)
    for each in found:
        allowed = SpecifierSet(each.need.want.specifier)
        assert not any(map(allowed.contains, index[each.need.name])), each
