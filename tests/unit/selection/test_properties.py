"""What holds for all rules: no order matters, a rule takes away and never adds, and pins survive."""

import functools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pypimirror.model import File, NormalizedName
from pypimirror.selection import Selection
from pypimirror.selection.options import Blocked, FileRules, LatestReleases
from pypimirror.want import Want
from tests.real_pages import page, projects
from tests.unit.selection.questions import NAME, NOW, decide, file_of, sha256, versions

# Pages are slow to draw where the machine has other things to do.
thorough = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])

PYTHONS = ("2.7", "3.9", "3.11", "3.12", "3.13", "3.13t")
SHORT = ("linux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "macosx_arm64", "win32")
VERSIONS = (
    "0.9",
    "1.0",
    "1.0.0",
    "1.1a1",
    "1.1",
    "1.2+cpu",
    "1.2",
    "2.0.dev3",
    "2.0rc1",
    "2.0",
    "odd-one",
    "10",
)
SPECIFIERS = (
    "",
    ">=1",
    "<1.1",
    "==1.1",
    "==1.*",
    "~=1.0",
    "!=1.1",
    ">=2.0rc1",
    "==2.0rc1",
    "===odd-one",
    ">1,<2",
)
TAGS = (
    "py3-none-any",
    "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
    "cp313-cp313t-manylinux_2_28_aarch64",
    "cp39-abi3-macosx_11_0_universal2",
    "pp311-pypy311_pp73-win_amd64",
    "cp27-cp27mu-manylinux1_x86_64",
)
UPLOADED = (
    None,
    "2020-01-01T00:00:00Z",
    "2026-09-15T00:00:00Z",
    "2026-09-20T00:00:00Z",
    "2026-09-25T00:00:00Z",
)


def subsets(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), max_size=3, unique=True).map(tuple)


def lines(name: NormalizedName) -> st.SearchStrategy[tuple[tuple[NormalizedName, str], ...]]:
    names = st.sampled_from([name, NormalizedName("other")])
    return st.lists(st.tuples(names, st.sampled_from(SPECIFIERS[1:])), max_size=2).map(tuple)


# Made once: to make them anew for each draw takes longer than the draw.
_RELEASES = st.lists(st.sampled_from(VERSIONS), unique=True, max_size=6)
_PYTHONS = st.sampled_from([None, ">=3.8", ">=3.12", "<3", "nonsense"])
_UPLOADED = st.sampled_from(UPLOADED)
_YANKED = st.sampled_from([None, None, "broken"])
_DIGESTS = st.sampled_from([(), sha256("a"), sha256("b")])
_SIZES = st.sampled_from([None, 0, 10, 500])


@functools.cache
def _names(version: str) -> st.SearchStrategy[list[str]]:
    names = [f"demo-{version}.tar.gz", f"demo-{version}-py2.7.egg"]
    names += [f"demo-{version.replace('-', '_')}-{tag}.whl" for tag in TAGS]
    return st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=4)


@st.composite
def files(draw: st.DrawFn) -> list[File]:
    """A page of `demo`."""
    found = {}
    for version in draw(_RELEASES):
        facts: dict[str, Any] = {
            "version": version,
            "requires_python": draw(_PYTHONS),
            "upload_time": draw(_UPLOADED),
        }
        for name in draw(_names(version)):
            yanked, digests, size = draw(_YANKED), draw(_DIGESTS), draw(_SIZES)
            found[name] = file_of(name, yanked=yanked, digests=digests, size=size, **facts)
    return list(found.values())


PARTS: dict[str, st.SearchStrategy[Any]] = {
    "python_versions": subsets(PYTHONS),
    "platforms": subsets(SHORT),
    "implementations": subsets(("cp", "pp")),
    "glibc": st.sampled_from([None, (2, 5), (2, 17), (2, 28)]),
    "file_types": subsets(("wheel", "sdist", "egg", "other")),
    "versions": lines(NAME),
    "excluded_versions": lines(NAME),
    "yanked": st.booleans(),
    "max_file_size": st.sampled_from([0, 5, 100]),
    "min_age_days": st.sampled_from([0.0, 3.0, 30.0]),
    "blocked_files": st.sampled_from([Blocked(), Blocked(("a" * 64,)), Blocked((), ((NAME, "1.0"),))]),
}
"""The rules that look at each file by itself."""
WHOLE: dict[str, st.SearchStrategy[Any]] = {
    "prereleases": st.sampled_from([True, False, "if-needed"]),
    "latest_releases": st.builds(
        LatestReleases,
        st.integers(0, 3),
        st.lists(st.tuples(st.sampled_from(["demo", "d*", "o*"]), st.integers(0, 3)), max_size=2).map(tuple),
    ),
    "max_project_size": st.sampled_from([0, 5, 100, 1000]),
}
"""The rules that look at all that is left."""
OTHERS = {"min_age_exceptions": subsets(("d*", "x")), "min_age_unknown": st.sampled_from(["hold", "allow"])}


def rules_of(*names: str) -> st.SearchStrategy[FileRules]:
    """Rules that set these options, or only some of them."""
    known = PARTS | WHOLE | OTHERS
    return st.fixed_dictionaries({}, optional={name: known[name] for name in names}).map(
        lambda values: FileRules(**values)
    )


any_rules = rules_of(*PARTS, *WHOLE, *OTHERS)
wants = st.lists(
    st.builds(
        Want,
        st.sampled_from(SPECIFIERS),
        st.sampled_from([(), (), sha256("a")]),
        st.sampled_from([False, False, True]),
    ),
    max_size=3,
)


def shuffled(draw: Callable[[Any], Any], rules: FileRules) -> FileRules:
    """The same rules, written in another order."""
    turned = {
        name: tuple(draw(st.permutations(value)))
        for name in rules.__struct_fields__
        if name != "glibc" and isinstance(value := getattr(rules, name), tuple)
    }
    latest = rules.latest_releases
    overrides = tuple(draw(st.permutations(latest.overrides)))
    return msgspec.structs.replace(rules, **turned, latest_releases=LatestReleases(latest.number, overrides))


@thorough
@given(st.data())
def test_no_order_matters(data: st.DataObject) -> None:
    found, rules, asked = data.draw(files()), data.draw(any_rules), data.draw(wants)
    other = shuffled(data.draw, rules)
    first = decide(found, rules, wants=asked)
    second = decide(data.draw(st.permutations(found)), other, wants=data.draw(st.permutations(asked)))
    assert set(first.wanted) == set(second.wanted)
    assert set(first.left_out) == set(second.left_out)
    assert first.due == second.due


@thorough
@given(files(), any_rules, wants)
def test_every_file_is_wanted_or_left_out_for_a_reason(
    found: list[File], rules: FileRules, asked: list[Want]
) -> None:
    decided = decide(found, rules, wants=asked)
    assert [f for f in found if f in decided.wanted] == list(decided.wanted)
    assert {*decided.wanted, *(each.file for each in decided.left_out)} == set(found)
    assert len(decided.wanted) + len(decided.left_out) == len(found)
    allowed = {*FileRules.__struct_fields__, "requirements"}
    assert all(each.rule in allowed and each.why for each in decided.left_out)
    times = [each.until for each in decided.left_out if each.until is not None]
    assert decided.due == min(times, default=None)
    assert all(until > NOW for until in times)


@thorough
@given(st.data())
def test_rules_about_single_files_act_each_by_itself(data: st.DataObject) -> None:
    """A file is wanted by several of them if it is wanted by each."""
    names = data.draw(st.lists(st.sampled_from(sorted(PARTS)), min_size=2, max_size=4, unique=True))
    found, together = data.draw(files()), {name: data.draw(PARTS[name]) for name in names}
    wanted = set(decide(found, FileRules(**together)).wanted)
    each = [set(decide(found, FileRules(**{name: value})).wanted) for name, value in together.items()]
    # Which Pythons take a wheel depends on both; and one platform tag has to fit both.
    if {"python_versions", "implementations"} <= set(names) or {"platforms", "glibc"} <= set(names):
        assert wanted <= set.intersection(*each)
    else:
        assert wanted == set.intersection(*each)


@thorough
@given(st.data())
def test_one_rule_more_never_adds_a_file(data: st.DataObject) -> None:
    """Beside rules about single files any; beside any, one about all that is left."""
    found, asked = data.draw(files()), data.draw(wants)
    more = data.draw(st.sampled_from(sorted(WHOLE)))
    base = data.draw(any_rules if more == "max_project_size" else rules_of(*PARTS))
    if more == "max_project_size":
        base = msgspec.structs.replace(base, max_project_size=0)
    added = msgspec.structs.replace(base, **{more: data.draw(WHOLE[more])})
    assert set(decide(found, added, wants=asked).wanted) <= set(decide(found, base, wants=asked).wanted)
    part = data.draw(st.sampled_from(sorted(PARTS)))
    fewer = data.draw(rules_of(*(name for name in PARTS if name != part)))
    fuller = msgspec.structs.replace(fewer, **{part: data.draw(PARTS[part])})
    assert set(decide(found, fuller, wants=asked).wanted) <= set(decide(found, fewer, wants=asked).wanted)


@thorough
@given(
    files(),
    rules_of("prereleases", "yanked", "latest_releases"),
    wants,
    st.sampled_from(["1.1", "1.1a1", "0.9"]),
)
def test_pins_survive(found: list[File], rules: FileRules, asked: list[Want], pin: str) -> None:
    decided = decide(found, rules, wants=[*asked, Want(f"=={pin}")])
    assert {f for f in found if f.version == pin} <= set(decided.wanted)


@thorough
@given(files(), any_rules, wants, wants)
def test_more_wants_never_take_a_file_away(
    found: list[File], rules: FileRules, asked: list[Want], more: list[Want]
) -> None:
    rules = msgspec.structs.replace(rules, max_project_size=0)
    few = decide(found, rules, wants=asked or [Want("==99")])
    many = decide(found, rules, wants=[*(asked or [Want("==99")]), *more])
    assert set(few.wanted) <= set(many.wanted)


@thorough
@given(files(), any_rules, st.floats(0, 60))
def test_time_alone_brings_what_was_due(found: list[File], rules: FileRules, days: float) -> None:
    rules = msgspec.structs.replace(
        rules, latest_releases=LatestReleases(), max_project_size=0, prereleases=True
    )
    before, after = decide(found, rules), decide(found, rules, now=NOW + days * 86_400)
    assert set(before.wanted) <= set(after.wanted)
    if before.due is not None:
        assert (len(after.wanted) > len(before.wanted)) == (NOW + days * 86_400 >= before.due)


@thorough
@given(files(), any_rules)
def test_what_is_mirrored_is_not_lost_by_its_age(found: list[File], rules: FileRules) -> None:
    young = decide(found, rules, held=[f.filename for f in found])
    assert young == decide(found, msgspec.structs.replace(rules, min_age_days=0.0))


@thorough
@given(files(), rules_of("prereleases", "latest_releases", "max_project_size"))
def test_the_newest_releases_are_the_last_to_go(found: list[File], rules: FileRules) -> None:
    """Nothing older is there than what is missing, but for pre-releases."""
    rules = msgspec.structs.replace(rules, prereleases=True)
    decided = decide(found, rules)
    order = [*VERSIONS[:10], "10"]
    kept = [order.index(v) for v in versions(decided) if v in order]
    lost = [order.index(each.file.version) for each in decided.left_out if each.file.version in order]
    if kept and lost:
        assert max(lost) <= min(kept) + 1  # releases that are told apart by nothing but their spelling


@pytest.mark.parametrize("project", projects())
@settings(thorough, max_examples=10)
@given(data=st.data())
def test_real_pages_in_any_order(project: NormalizedName, data: st.DataObject) -> None:
    rules = data.draw(any_rules)
    chosen = Selection(package_matches=("*",), rules=rules)
    once = chosen.decide(project, page(project), now=NOW)
    turned = data.draw(st.permutations(page(project)))
    assert set(chosen.decide(project, turned, now=NOW).wanted) == set(once.wanted)
