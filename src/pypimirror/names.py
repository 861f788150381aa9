"""Names of projects: normalization (PEP 503) and the one test that a name is fit to be a folder's name."""

import re
from collections.abc import Sequence

from pypimirror.model import NormalizedName

SEPARATORS = re.compile(r"[-_.]+")
TO_HYPHEN = str.maketrans("_.", "--")
_NORMALIZED = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_RUNS = re.compile("--+")
_VALID = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]{0,198}[A-Z0-9])?", re.IGNORECASE | re.ASCII)


def is_valid(name: str) -> bool:
    """Tell whether `name` is a project's name (core metadata specification), of 200 characters at most."""
    return _VALID.fullmatch(name) is not None


def normalize(name: str) -> NormalizedName:
    """Return the PEP 503 form of `name`; raise ValueError for what is no project's name."""
    if _NORMALIZED.fullmatch(name) and len(name) <= 200:
        return NormalizedName(name)
    if not is_valid(name):
        raise ValueError(f"{name[:210]!r} is not a project's name")
    return NormalizedName(SEPARATORS.sub("-", name).lower())


def is_normalized(name: str) -> bool:
    """Tell whether `name` is a project's name in PEP 503 form."""
    return is_spelling(name, name)


def is_spelling(display_name: str, name: str) -> bool:
    """Tell whether `display_name` is one of the ways to spell a normalized name."""
    return is_valid(display_name) and normalize(display_name) == name


def are_same(one: str, other: str) -> bool:
    """Tell whether two spellings are those of one project."""
    return is_valid(other) and is_spelling(one, normalize(other))


def normalize_all(display_names: Sequence[str]) -> list[str]:
    """Return the PEP 503 form of many names, in a tenth of the time; what is no name gives any text."""
    normalized = _RUNS.sub("-", "\n".join(display_names).translate(TO_HYPHEN)).lower().split("\n")
    if len(normalized) != len(display_names):  # a line end is in one of them
        return [SEPARATORS.sub("-", name).lower() for name in display_names]
    return normalized


_PAGE_ENDINGS = (".html", ".v1_json", ".json", ".txt", ".xml", ".ico")


def link_name(display_name: str, name: NormalizedName) -> str | None:
    """Return the name of a link to a project's folder, under the name as shown; None where there is none.

    A name that ends like a page is none: `index.html` is a valid name of a project.
    """
    if display_name == name or not is_spelling(display_name, name):
        return None
    return None if display_name.lower().endswith(_PAGE_ENDINGS) else display_name
