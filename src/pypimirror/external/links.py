"""Links to external files: which file one leads to, and which of a page are worth it. Pure."""

import email.message
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from packaging.version import Version

from pypimirror.filenames import is_distribution, release_in, why_unsafe
from pypimirror.model import Digest, Link

MOST_VERSIONS = 20
MOST_FILES = 200
"""What is taken of one external page."""

_MOST_FIELDS = 50
_MAX_DISPOSITION = 4000
"""Characters: a file's name has 240 bytes, and may be told twice, percent-encoded."""


class LinkedFile(NamedTuple):
    """A link to a file of a project, by the name that its address or its server tells."""

    filename: str
    url: str
    digests: tuple[Digest, ...] = ()


def file_named(url: str, project: str) -> str | None:
    """Return the name of a file of `project` that an address tells: in its path, or in its query."""
    return next(_of_project(_names_in(url), project), None)


def file_offered(disposition: str, project: str) -> str | None:
    """Return the name of a file of `project` that a Content-Disposition tells (RFC 6266)."""
    if not disposition or len(disposition) > _MAX_DISPOSITION:
        return None
    header = email.message.Message()
    header["Content-Disposition"] = disposition
    try:
        told = header.get_filename() or ""
    except (ValueError, LookupError, TypeError):  # a charset that there is not, parts without numbers
        return None
    # Some send a path: what counts is its last part.
    return next(_of_project([re.split(r"[/\\]", told)[-1]], project), None)


def _names_in(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    # The last part that has a file's name: some have /download behind it.
    yield from (unquote(part) for part in reversed(parts.path.split("/")))
    with_fields = parts.query.count("&") < _MOST_FIELDS
    for key, value in parse_qsl(parts.query, keep_blank_values=True) if with_fields else ():
        yield from (text.rpartition("/")[2] for text in (value, key))


def _of_project(names: Iterable[str], project: str) -> Iterator[str]:
    for name in names:
        if is_distribution(name) and not why_unsafe(name) and release_in(name, project) is not None:
            yield name


def worth_it(links: Iterable[Link], project: str, is_wanted: Callable[[str], bool]) -> list[LinkedFile]:
    """Return the links of a page to wanted files of `project`: the newest versions, each file once.

    At most MOST_VERSIONS versions and MOST_FILES files, the newest first; no snapshots of development. (Old
    ones such as 1.0-dev or 1.0dev-r123 are no versions, so that such files count as another project's.)
    """
    versions: dict[Version, dict[str, LinkedFile]] = {}
    for link in links:
        filename = file_named(link.url, project)
        version = release_in(filename, project) if filename else None
        if filename and version and not version.is_devrelease and is_wanted(filename):
            candidate = LinkedFile(filename, link.url, link.digests)
            versions.setdefault(version, {}).setdefault(filename, candidate)
    newest = sorted(versions, reverse=True)[:MOST_VERSIONS]
    found = (versions[version][filename] for version in newest for filename in sorted(versions[version]))
    return list(itertools.islice(found, MOST_FILES))
