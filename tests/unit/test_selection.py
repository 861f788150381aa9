import functools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.model import File, NormalizedName
from pypimirror.names import is_valid, normalize
from pypimirror.selection import Selection
from pypimirror.selection.globs import check_name_pattern, normalize_glob
from pypimirror.selection.want import Decision, LeftOut
from tests.strategies import Glob, name_globs, normalized_names, project_names, spellings, texts_of


def selection_of(*matches: str, excludes: Iterable[str] = ()) -> Selection:
    return Selection(package_matches=matches, package_excludes=tuple(excludes))


def selects(pattern: str, name: str) -> bool:
    return selection_of(pattern).selects(NormalizedName(name))


def decide(chosen: Selection, files: Iterable[File]) -> Decision:
    return chosen.decide(NormalizedName("six"), tuple(files), now=0.0)


def file_of(filename: str) -> File:
    return File(filename=filename, url=f"https://files.example.org/{filename}")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("zope.*", "zope-interface"),
        ("zope.*", "zope-app-testing"),
        ("Zope_*", "zope-interface"),
        ("ZOPE-*", "zope-interface"),
        ("*.interface", "zope-interface"),
        ("zope.?nterface", "zope-interface"),
        ("zope._-*", "zope-interface"),
        ("six", "six"),
        ("Six", "six"),
        ("zope.interface", "zope-interface"),
        ("zope[._-]interface", "zope-interface"),
        ("zope[.]interface", "zope-interface"),
        ("zope[_x]interface", "zope-interface"),
        ("zope[!a-z]interface", "zope-interface"),
        ("zope[a-c._-]interface", "zope-interface"),
        ("zope[._]*", "zope-interface"),
        ("[YZ]ope*", "zope-interface"),
        ("[A-Z]ope*", "zope-interface"),
        ("[!A-Y]ope*", "zope-interface"),
        ("*", "anything"),
        ("*.*", "anything"),
        ("**", "anything"),
        ("?*", "anything"),
    ],
)
def test_selected(pattern: str, name: str) -> None:
    assert selects(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("zope.*", "zope"),
        ("zope.*", "zopeinterface"),
        ("zope.*", "my-zope-interface"),
        ("six", "sixer"),
        ("six", "pysix"),
        ("zope?interface", "zopeinterface"),
        ("zope[._]interface", "zopexinterface"),
        ("zope[!._]interface", "zope-interface"),
        ("zope[!-]interface", "zope-interface"),
        ("zope[_!x]interface", "zopeyinterface"),
        ("[!Z]ope*", "zope-interface"),
        ("[a-c._]x", "dx"),
    ],
)
def test_not_selected(pattern: str, name: str) -> None:
    assert not selects(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "normalized"),
    [
        ("Zope.*", "zope-*"),
        ("a._-b?", "a-b?"),
        ("[A-C]x", "[abc]x"),
        ("[._]x", "[-]x"),
        ("[!A_]x", "[!a-]x"),
        ("[]x]", "[x]"),
    ],
)
def test_normalize_glob(pattern: str, normalized: str) -> None:
    assert normalize_glob(pattern) == normalized


@pytest.mark.parametrize(
    "pattern", ["six", "Zope.Interface", "zope.*", "[a-c]*", "*.*", "a?", "[]a]b*", "[[]x"]
)
def test_sound_patterns(pattern: str) -> None:
    check_name_pattern(pattern)


@pytest.mark.parametrize("pattern", ["a,", "six;", "six==1.0", "-a", "a/b", "", "a[b", "*[", "a[bc"])
def test_unsound_patterns(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_name_pattern(pattern)


def test_nothing_at_all_is_no_project() -> None:
    empty = selection_of()
    assert not empty.needs_list
    assert not empty.selects(NormalizedName("anything"))
    assert empty.literal_names == ()


@pytest.mark.parametrize("pattern", ["*", "*.*", "zope.*", "a?", "[ab]"])
def test_a_wildcard_needs_the_list(pattern: str) -> None:
    assert selection_of("six", pattern).needs_list


def test_names_alone_do_not_need_the_list() -> None:
    chosen = selection_of("Zope.Interface", "six", "SIX", "zope-interface")
    assert not chosen.needs_list
    assert chosen.literal_names == ("six", "zope-interface")


def test_excludes_win() -> None:
    chosen = selection_of("zope.*", "six", excludes=["Zope.App_*", "six"])
    names = ["zope-interface", "zope-app-testing", "six", "flask"]
    assert [name for name in names if chosen.selects(NormalizedName(name))] == ["zope-interface"]
    assert chosen.literal_names == ()


def test_excluding_everything_leaves_nothing() -> None:
    assert not selection_of("six", excludes=["*"]).selects(NormalizedName("six"))


def test_file_globs_are_case_sensitive_and_see_the_whole_name() -> None:
    chosen = Selection(package_matches=("*",), filename_matches=("*.whl", "a.b-?.zip", "[A-C]_*.tar.gz"))
    names = [
        "x.whl",
        "x.WHL",
        "x.whl.asc",
        "a.b-1.zip",
        "a-b-1.zip",
        "A_1.tar.gz",
        "a_1.tar.gz",
        "A-1.tar.gz",
    ]
    decided = decide(chosen, map(file_of, names))
    assert decided.wanted == tuple(file_of(name) for name in ["x.whl", "a.b-1.zip", "A_1.tar.gz"])


def test_no_file_glob_is_every_file() -> None:
    files = (file_of("x.whl"), file_of("noextension"))
    assert decide(selection_of("*"), files) == Decision(files, (), None)


def test_every_no_has_its_rule_and_why() -> None:
    chosen = Selection(
        package_matches=("*",), filename_matches=("*.whl",), filename_excludes=("*-win32.whl", "z*")
    )
    good, excluded, other = file_of("a.whl"), file_of("a-win32.whl"), file_of("a.zip")
    assert decide(chosen, [good, excluded, other]) == Decision(
        (good,),
        (
            LeftOut(excluded, "filename_excludes", "the pattern *-win32.whl matches its name"),
            LeftOut(other, "filename_matches", "no pattern matches its name"),
        ),
        None,
    )


def test_patterns_that_never_matched_are_named_as_they_were_written() -> None:
    chosen = selection_of("Zope.*", "Plone.*", "six", "Flask", "*", excludes=["Bad.*", "Worse"])
    for name in ("zope-interface", "flask", "bad-one"):
        chosen.selects(NormalizedName(name))
    assert chosen.unmatched_names() == (
        "package_matches: Plone.*",
        "package_matches: six",
        "package_excludes: Worse",
    )


def test_file_patterns_that_never_matched() -> None:
    chosen = Selection(
        package_matches=("*",),
        filename_matches=("*.whl", "*.egg", "*.*"),
        filename_excludes=("*-win32.whl", "*.exe"),
    )
    decide(chosen, [file_of("a.whl"), file_of("a-win32.whl")])
    assert chosen.unmatched_files() == ("filename_matches: *.egg", "filename_excludes: *.exe")


def test_two_patterns_for_one_name_are_both_matched() -> None:
    chosen = selection_of("six", "Six", "s*", "*x")
    chosen.selects(NormalizedName("six"))
    assert chosen.unmatched_names() == ()


def test_fingerprints_tell_what_changed() -> None:
    base = Selection(package_matches=("a", "b"), filename_matches=("*.whl", "*.zip"), index_url="u")
    turned = Selection(package_matches=("b", "a"), filename_matches=("*.zip", "*.whl"), index_url="u")
    projects = Selection(package_matches=("a",), filename_matches=("*.whl", "*.zip"), index_url="u")
    files = Selection(package_matches=("a", "b"), filename_matches=("*.whl",), index_url="u")
    index = Selection(package_matches=("a", "b"), filename_matches=("*.whl", "*.zip"), index_url="v")
    assert (turned.of_projects, turned.of_files) == (base.of_projects, base.of_files)
    assert projects.of_files == base.of_files
    assert len({chosen.of_projects for chosen in (base, projects, files, index)}) == 4
    assert len({chosen.of_files for chosen in (base, files, index)}) == 3


def test_an_exclude_is_not_a_match() -> None:
    one = Selection(package_matches=("a",), filename_matches=("*.whl",))
    other = Selection(package_matches=(), package_excludes=("a",), filename_excludes=("*.whl",))
    assert one.of_files != other.of_files
    assert one.of_projects != other.of_projects


@given(st.data())
def test_every_spelling_of_a_name_selects_it(data: st.DataObject) -> None:
    name = data.draw(normalized_names())
    chosen = selection_of(data.draw(spellings(name)))
    assert chosen.literal_names == (name,)
    assert chosen.selects(name)


@given(st.data())
def test_every_spelling_of_a_name_excludes_it(data: st.DataObject) -> None:
    name = data.draw(normalized_names())
    assert not selection_of("*", excludes=[data.draw(spellings(name))]).selects(name)


@given(st.data())
def test_every_spelling_of_a_prefix_is_the_same_glob(data: st.DataObject) -> None:
    prefix, name = data.draw(normalized_names()), data.draw(normalized_names())
    spelled = data.draw(spellings(prefix))
    assert selects(f"{spelled}.*", name) == selects(f"{prefix}-*", name)
    assert selects(f"{spelled}.*", f"{prefix}-{name}")


def takes(places: tuple[frozenset[str] | None, ...], text: str) -> bool:
    """The meaning of a glob, by trying everything."""

    @functools.cache
    def fits(place: int, at: int) -> bool:
        if place == len(places):
            return at == len(text)
        characters = places[place]
        if characters is None:
            return any(fits(place + 1, end) for end in range(at, len(text) + 1))
        return at < len(text) and text[at] in characters and fits(place + 1, at + 1)

    return fits(0, 0)


@settings(max_examples=300)
@given(st.data())
def test_globs_mean_what_they_mean_in_normalized_form(data: st.DataObject) -> None:
    glob: Glob = data.draw(name_globs())
    text = data.draw(texts_of(glob) | normalized_names())
    assert selects(glob.text, text) == takes(glob.places, text)


@given(st.lists(name_globs(), min_size=1, max_size=3), normalized_names())
def test_several_globs_select_what_any_of_them_selects(globs: list[Glob], name: NormalizedName) -> None:
    chosen = selection_of(*(glob.text for glob in globs))
    assert chosen.selects(name) == any(takes(glob.places, name) for glob in globs)


@given(name_globs())
def test_a_well_formed_glob_is_a_sound_pattern(glob: Glob) -> None:
    check_name_pattern(glob.text)


@given(st.lists(name_globs(), min_size=1, max_size=4), st.data())
def test_what_is_selected_is_chosen_out_of_a_list(globs: list[Glob], data: st.DataObject) -> None:
    chosen = selection_of(*(glob.text for glob in globs))
    texts = st.one_of(project_names(), normalized_names(), *(texts_of(glob) for glob in globs))
    shown = [name for name in data.draw(st.lists(texts, max_size=20)) if is_valid(name)]
    selected = [i for i, name in enumerate(shown) if chosen.selects(normalize(name))]
    assert list(chosen.choose(shown)) == selected
