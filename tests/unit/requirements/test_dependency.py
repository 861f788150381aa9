import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from pypimirror.model import NormalizedName
from pypimirror.requirements.dependency import Dependency, canonical, parsed
from pypimirror.requirements.environments import Environments, environments

NAMES = st.sampled_from(["six", "Zope.Interface", "a_b", "x1"])
EXTRAS = st.lists(st.sampled_from(["a", "B_c", "all", "x.y"]), max_size=3)
CLAUSES = st.lists(
    st.sampled_from([">=1", "<2.0", "==1.*", "~=1.4.2", "!=3", ">=1.0a1", "== 1.0+local"]),
    max_size=3,
) | st.just(["===weird"])
MARKERS = st.sampled_from(
    [
        "",
        "python_version < '3.9'",
        'extra == "A_b"',
        '(os_name == "nt" or sys_platform == "linux") and extra == "x"',
        "python_version in '2.7 3.1'",
    ]
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    extras, clauses, marker = draw(EXTRAS), draw(CLAUSES), draw(MARKERS)
    blank = draw(st.sampled_from(["", " ", "  "]))
    bracketed = f"{blank}[{f',{blank}'.join(extras)}]" if extras else ""
    return f"{draw(NAMES)}{bracketed}{blank}{f'{blank},'.join(clauses)}" + (
        f"{blank}; {marker}" if marker else ""
    )


@settings(deadline=None)
@given(texts())
def test_a_requirement_is_what_packaging_reads(text: str) -> None:
    wanted = Requirement(text)
    dependency = Dependency(
        NormalizedName(canonicalize_name(wanted.name)),
        frozenset(map(canonicalize_name, wanted.extras)),
        str(wanted.specifier),
        marker=str(wanted.marker or ""),
    )
    written = canonical(text)
    assert written == str(wanted)
    for each in (text, written):
        assert parsed(each) == dependency


@settings(deadline=None)
@given(st.text(alphabet="ab1.-_[],;<>=~! \"'()@:/\n\0é", max_size=40))
def test_any_text_is_a_requirement_or_none(text: str) -> None:
    try:
        wanted = Requirement(" ".join(text.split()))
    except InvalidRequirement:
        assert canonical(text) is None
        return
    assert canonical(text) in (str(wanted), None)
    if (written := canonical(text)) is not None:
        assert parsed(written) is not None


def test_a_direct_reference() -> None:
    found = parsed("Demo.X @ https://example.org/demo.zip ; os_name == 'nt'")
    assert found == Dependency(
        NormalizedName("demo-x"), frozenset(), "", "https://example.org/demo.zip", 'os_name == "nt"'
    )


@pytest.mark.parametrize("value", ["'a\"b'", '"a\'b"', "'(and'", "' or '"])
def test_quotes_and_words_in_a_value(value: str) -> None:
    """Older releases of packaging write a value with a quote in it as if it ended there."""
    text = canonical(f"six; os_name == {value} or os_name == 'nt'")
    if text is not None:
        windows = Environments(environments(platforms=["win_amd64"]))
        assert windows.active(text) is not None
        assert Environments(environments(platforms=["linux_x86_64"])).active(text) is None
    else:
        assert '"' in value[1:-1]


@pytest.mark.parametrize("number", range(10))
def test_backslashes_in_a_value(number: int) -> None:
    """What packaging writes of such a value reads as another one, or as none."""
    text = "six; os_name == 'a" + "\\" * number + "nb' or os_name == 'nt'"
    windows = Environments(environments(platforms=["win_amd64"]))
    for found in (parsed(text), parsed(canonical(text) or "")):
        assert found is None or windows.may_hold(found.marker)
        assert found is None or not windows.must_hold(found.marker.partition(" or ")[0])


PIECES = ["a", " ", "\t", "\x1f", '"', "\\", "\\t", "\\n", "\\x20", "\\u00a0", "\\x1f", "\\042"]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
@example("\\t")
@example("a\\x20\\x20b")
def test_the_canonical_text_of_any_value_is_read_as_itself(value: str) -> None:
    """Blanks between words are made one, and an escape may stand for two of them, or for a tab."""
    written = canonical(f"six; os_name == '{value}' or os_name == 'nt'")
    assert written is None or canonical(written) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "six>=",
        "six >= one",
        "six; no_such_variable == '1'",
        "a" * 300,
        "six>=" + "1" * 5000,
        "six; " + "(" * 2000 + "os_name == 'nt'" + ")" * 2000,
        "six\0",
        "-e six",
        "six>=" + "9" * 4000,
    ],
)
def test_what_is_none(text: str) -> None:
    assert canonical(text) is None
    assert parsed(text) is None
