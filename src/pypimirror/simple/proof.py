"""What the titles and headings of a page say: that it is of a project, of an index, or none at all. Pure."""

import re
from collections.abc import Iterable

from pypimirror import names
from pypimirror.model import NormalizedName

# The words in which indexes say what a page is, beside the project's name: pypiserver, pulp, Nexus,
# Artifactory, GitLab and Azure "Links for", devpi "root/pypi: simple list (including inherited indices)
# for", http.server "Directory listing for", Apache and nginx "Index of".
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a all and archive archives artifactory available browse by cache cached content contents "
        "devpi directory distribution distributions download downloads file files folder for from in "
        "including index indexes indices inherited link links list listing local mirror name nexus of "
        "on package packages page private project projects proxpi proxy pypi pypiserver python "
        "release releases repo repository simple stage the to versions",
    )
)
_SIGNS = re.compile(
    r"\b(?:log[ -]?(?:in|on)|sign[ -]?(?:in|on)|sso|single sign|authenticat|unauthorized|forbidden"
    r"|access denied|anmeld|einlogg|passwor[dt]|session expired|captcha|just a moment|not found|error)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[^\s\"'`«»“”()|,]+")
_MOST_TOKENS = 30


def names_project(titles: Iterable[str], name: NormalizedName) -> bool:
    """Tell whether a title or a heading names the project as pages of indexes do."""
    return any(_names(title, name) for title in titles)


def _names(title: str, name: NormalizedName) -> bool:
    """Tell whether all words of a title but the project's name are those of an index."""
    tokens = _TOKEN.findall(title)
    if len(tokens) > _MOST_TOKENS:
        return False
    left = [stripped for token in tokens if not _is_stage(token) and (stripped := _stripped(token))]
    named = [token for token in left if _is_name(token, name)]
    return bool(named) and all(token.lower() in _WORDS or _is_name(token, name) for token in left)


def _stripped(token: str) -> str:
    return token.rstrip(":/").strip(":;.!-\N{EN DASH}\N{EM DASH}\N{MIDDLE DOT}<>[]{}*#")


def _is_stage(token: str) -> bool:
    """Tell whether this names where the page comes from, as devpi's `root/pypi:`."""
    return token.endswith(":") and "/" in token


def _is_name(token: str, name: NormalizedName) -> bool:
    return names.is_spelling(token.rpartition("/")[2], name)


_LISTS = frozenset({"directory", "index", "links", "list", "listing", "packages", "projects", "simple"})


def is_list(titles: Iterable[str]) -> bool:
    """Tell whether a title or a heading is that of a list of projects, as indexes and folders have them."""
    return any(_is_list(title) for title in titles)


def _is_list(title: str) -> bool:
    tokens = [token for token in _TOKEN.findall(title)[:_MOST_TOKENS] if not token.startswith("/")]
    words = {stripped.lower() for token in tokens if (stripped := _stripped(token))}
    return not words.isdisjoint(_LISTS) and words <= _WORDS


def is_login(titles: Iterable[str]) -> bool:
    """Tell whether a page says that it wants to know who asks, or that it is of some trouble."""
    return any(_SIGNS.search(title) for title in titles)
