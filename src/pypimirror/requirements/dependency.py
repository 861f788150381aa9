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
_CLAUSE = "(?:==|~=|!=|[<>]=?) ?[A-Za-z0-9.*+!_-]+"
_NAMED = re.compile(rf"{_NAME}(?: ?\[[^\[\]]*\])?(?=[ (]*(?:[=<>!~]=?|\()|$)")
"""What stands before versions."""
_USUAL = re.compile(
    rf"(?P<name>{_NAME})(?: ?\[(?P<extras>{_NAME}(?:, ?{_NAME})*)\])?"
    rf"(?: ?(?P<specifier>{_CLAUSE}(?: ?, ?{_CLAUSE})*))?(?: ?; ?(?P<marker>.+))?"
)
"""Most requirements; what is left takes a parser."""


class Dependency(NamedTuple):
    """What a requirement asks for, and in which environments."""

    name: NormalizedName
    extras: frozenset[str] = frozenset()
    """In PEP 685 form."""
    specifier: str = ""
    url: str | None = None
    """Of a direct reference; it is never followed."""
    marker: str = ""


class _Parts(NamedTuple):
    """The parts of a requirement: the specifier in canonical text, the rest as it is spelled."""

    name: str
    extras: frozenset[str]
    specifier: str
    marker: str
    url: str | None = None


@lru_cache(maxsize=_REMEMBERED)
def canonical(text: str) -> str | None:
    """Return a requirement in canonical text, its name as it is spelled; None where it can't be parsed."""
    parts = _parts(" ".join(text.split()))
    marker = canonical_marker(parts.marker) if parts else None
    if parts is None or marker is None:
        return None
    bracketed = f"[{','.join(sorted(parts.extras))}]" if parts.extras else ""
    address = "" if parts.url is None else f" @ {parts.url}{' ' if marker else ''}"
    return f"{parts.name}{bracketed}{parts.specifier}{address}" + (f"; {marker}" if marker else "")


@lru_cache(maxsize=_REMEMBERED)
def without_versions(text: str) -> str | None:
    """Return a requirement with unreadable versions as one for any version; None where it can't be parsed.

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
def parsed(text: str) -> Dependency | None:
    """Return what a requirement says; None where it can't be parsed."""
    parts = _parts(text)
    marker = canonical_marker(parts.marker) if parts else None
    if parts is None or marker is None:
        return None
    extras = frozenset(map(canonicalize_name, parts.extras))
    return Dependency(names.normalize(parts.name), extras, parts.specifier, parts.url, marker)


def _parts(text: str) -> _Parts | None:
    """Take a requirement apart; at sight if that can be, as many share few specifiers and markers."""
    if len(text) > MAX_LENGTH:
        return None
    match = _USUAL.fullmatch(text)
    specifier = _specifier(match["specifier"] or "") if match else None
    if match is None or specifier is None:
        return _by_parser(text)
    if not names.is_valid(match["name"]):
        return None
    extras = frozenset(match["extras"].replace(" ", "").split(",")) if match["extras"] else frozenset()
    return _Parts(match["name"], extras, specifier, match["marker"] or "")


def _by_parser(text: str) -> _Parts | None:
    if text.count("(") > MAX_DEPTH:
        return None
    try:
        found = Requirement(text)
    except ValueError:
        return None
    if not names.is_valid(found.name):
        return None
    marker = str(found.marker or "")
    return _Parts(found.name, frozenset(found.extras), str(found.specifier), marker, found.url)


@lru_cache(maxsize=_REMEMBERED)
def _specifier(text: str) -> str | None:
    try:
        return str(SpecifierSet(text))
    except InvalidSpecifier:
        return None


@lru_cache(maxsize=_REMEMBERED)
def canonical_marker(text: str) -> str | None:
    """Return a marker in canonical text; None where it can't be parsed, or written.

    That is so of a value with a quote, a backslash or any blank but single spaces: read back, it would be
    another one.
    """
    written = _written(text)
    return written if written is not None and _written(" ".join(written.split())) == written else None


def _written(marker: str) -> str | None:
    if marker.count("(") > MAX_DEPTH:
        return None
    try:
        return str(Marker(marker)) if marker else ""
    except InvalidMarker:
        return None
