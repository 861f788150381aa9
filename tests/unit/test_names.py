import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.names import is_valid, normalize, normalize_all
from tests.strategies import normalized_names, project_names, spellings


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        ("six", "six"),
        ("Zope.Interface", "zope-interface"),
        ("zope_interface", "zope-interface"),
        ("zope-_.interface", "zope-interface"),
        ("A", "a"),
        ("7", "7"),
        ("a" * 200, "a" * 200),
    ],
)
def test_normalize(name: str, normalized: str) -> None:
    assert normalize(name) == normalized


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "-a",
        "a-",
        "_a",
        "a.",
        "a b",
        "a/b",
        "a\\b",
        "a\n",
        "\na",
        "a\0",
        "\u00e4",
        "\u212aelvin",
        "\u017fix",
        "\u0663",
        "a" * 201,
        "*",
        "six;",
        ".pypimirror",
    ],
)
def test_no_name_of_a_project(name: str) -> None:
    assert not is_valid(name)
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        normalize(name)


@given(project_names())
def test_every_spelling_is_valid(name: str) -> None:
    assert is_valid(name)


@given(project_names())
def test_normalizing_again_changes_nothing(name: str) -> None:
    assert normalize(normalize(name)) == normalize(name)


@given(st.data())
def test_all_spellings_normalize_alike(data: st.DataObject) -> None:
    name = data.draw(normalized_names())
    assert normalize(data.draw(spellings(name))) == name


@given(st.text(max_size=8))
def test_a_valid_name_is_one_safe_component_of_a_path(name: str) -> None:
    if is_valid(name):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", normalize(name))
        assert unicodedata.is_normalized("NFKC", name)


@given(st.lists(project_names() | st.text("aZ-_.\n\u0130", max_size=6)))
def test_many_names_at_once_are_the_same_as_one_by_one(shown: list[str]) -> None:
    assert normalize_all(shown) == [re.sub(r"[-_.]+", "-", name).lower() for name in shown]
