"""One requirement (PEP 508) as a value: parsed once, as the same texts come thousands of times."""

from functools import lru_cache
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pypimirror import names
from pypimirror.model import NormalizedName

MAX_LENGTH = 4000
"""Characters of a requirement: the longest that are known have some hundred."""
MAX_DEPTH = 50
"""Parentheses: each costs a parser a level of its stack."""
_REMEMBERED = 1 << 16


class Dependency(NamedTuple):
    """What a requirement asks for, beside the environments in which it does."""

    name: NormalizedName
    extras: frozenset[str] = frozenset()
    """In PEP 685 form."""
    specifier: str = ""
    url: str | None = None
    """Of a direct reference; it is never followed."""


class Parsed(NamedTuple):
    """A requirement and its marker."""

    dependency: Dependency
    marker: str = ""


@lru_cache(maxsize=_REMEMBERED)
def canonical(text: str) -> str | None:
    """Return a requirement in one text for what it says, its name as it is spelled; None for what is none."""
    text = " ".join(text.split())
    requirement = _requirement(text)
    if requirement is None:
        return None
    written = str(requirement)
    # A quote inside of a quoted value is written as if it ended there.
    return text if "'" in written and _requirement(written) is None else written


@lru_cache(maxsize=_REMEMBERED)
def parsed(text: str) -> Parsed | None:
    """Return what a requirement says; None for what is none."""
    requirement = _requirement(text)
    if requirement is None:
        return None
    dependency = Dependency(
        names.normalize(requirement.name),
        frozenset(map(canonicalize_name, requirement.extras)),
        str(requirement.specifier),
        requirement.url,
    )
    return Parsed(dependency, str(requirement.marker or ""))


def _requirement(text: str) -> Requirement | None:
    if len(text) > MAX_LENGTH or text.count("(") > MAX_DEPTH:
        return None
    try:
        requirement = Requirement(text)
        return requirement if names.is_valid(requirement.name) else None
    except ValueError:
        return None
