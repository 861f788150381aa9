"""One requirement (PEP 508) as a value: parsed once, as the same texts come thousands of times."""

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import InvalidMarker, Marker
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from pypimirror import names
from pypimirror.model import NormalizedName

MAX_LENGTH = 4000
"""Characters of a requirement: the longest that are known have some hundred."""
MAX_DEPTH = 50
"""Parentheses: each costs a parser a level of its stack."""
_REMEMBERED = 1 << 16
_NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_CLAUSE = "(?:===?|~=|!=|[<>]=?)[A-Za-z0-9.*+!_-]+"
_NAMED = re.compile(rf"{_NAME}(?: ?\[[^\[\]]*\])?(?=[ (]*(?:[=<>!~]=?|\()|$)")
"""What stands before versions."""
_WRITTEN = re.compile(
    rf"(?P<name>{_NAME})(?:\[(?P<extras>{_NAME}(?:,{_NAME})*)\])?"
    rf"(?P<specifier>(?:{_CLAUSE}(?:,{_CLAUSE})*)?)(?:; (?P<marker>.+))?"
)


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
    if requirement is None or canonical_marker(str(requirement.marker or "")) is None:
        return None
    return str(requirement)


@lru_cache(maxsize=_REMEMBERED)
def without_versions(text: str) -> str | None:
    """Return a requirement whose versions can't be read as one for any version; None for what is none.

    Old metadata has such versions (`>=1.*`, `(2.0)`), which PEP 440 forbade later and some clients mend.
    """
    if len(text) > MAX_LENGTH:
        return None
    said, _, marker = " ".join(text.split()).partition(";")
    found = _NAMED.match(said)
    if found is None or "@" in said or (marker and not canonical_marker(marker.strip())):
        return None
    return canonical(found[0] + (f"; {marker}" if marker else ""))


@lru_cache(maxsize=_REMEMBERED)
def parsed(text: str) -> Parsed | None:
    """Return what a requirement says; None for what is none.

    What `canonical` wrote is taken apart at sight: many requirements share few specifiers and markers.
    """
    match = _WRITTEN.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if match is None:
        return _parsed_anew(text)
    specifier, marker = _specifier(match["specifier"]), canonical_marker(match["marker"] or "")
    if specifier is None or marker is None or not names.is_valid(match["name"]):
        return None
    extras = frozenset(map(canonicalize_name, match["extras"].split(","))) if match["extras"] else frozenset()
    return Parsed(Dependency(names.normalize(match["name"]), extras, specifier), marker)


def _parsed_anew(text: str) -> Parsed | None:
    requirement = _requirement(text)
    marker = None if requirement is None else canonical_marker(str(requirement.marker or ""))
    if requirement is None or marker is None:
        return None
    dependency = Dependency(
        names.normalize(requirement.name),
        frozenset(map(canonicalize_name, requirement.extras)),
        str(requirement.specifier),
        requirement.url,
    )
    return Parsed(dependency, marker)


@lru_cache(maxsize=_REMEMBERED)
def _specifier(text: str) -> str | None:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return None


@lru_cache(maxsize=_REMEMBERED)
def canonical_marker(text: str) -> str | None:
    """Return a marker in one text for what it says; None for what is none, or has a quote in a value.

    A value with a quote in it would be written as if it ended there.
    """
    if text.count("(") > MAX_DEPTH:
        return None
    try:
        return str(Marker(str(Marker(text)))) if text else ""
    except InvalidMarker:
        return None


def _requirement(text: str) -> Requirement | None:
    if len(text) > MAX_LENGTH or text.count("(") > MAX_DEPTH:
        return None
    try:
        requirement = Requirement(text)
        return requirement if names.is_valid(requirement.name) else None
    except ValueError:
        return None
