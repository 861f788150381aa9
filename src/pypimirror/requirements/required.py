"""What core metadata requires: the distinct Requires-Dist of its header."""

import itertools
import re
from collections.abc import Callable

from pypimirror.requirements.dependency import MAX_LENGTH, canonical, without_versions

MAX_REQUIREMENTS = 10_000
"""Of one file: the longest lists that are known have some thousand."""
MAX_TEXT = 1 << 20
"""Bytes of these: all of them are kept, for each project."""

_END = re.compile(rb"\n\r?\n")
_REQUIRES = re.compile(rb"^Requires-Dist[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.IGNORECASE | re.MULTILINE)
_VERSION = re.compile(
    rb"^Metadata-Version[ \t]*:[ \t]*(\d{1,4})\.(\d{1,4})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_DYNAMIC = re.compile(rb"^Dynamic[ \t]*:[ \t]*Requires-Dist[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_RELIABLE = (2, 2)
_SHOWN = 100
"""Characters of what is told."""


def requires_dist(metadata: bytes, *, tell: Callable[[str], object] | None = None) -> tuple[str, ...]:
    """Return the distinct requirements of a wheel's core metadata, in canonical text, sorted.

    Where versions can't be read any version is asked for. Lines that are no requirement are left out, as is
    what comes after MAX_REQUIREMENTS of them, or after MAX_TEXT. `tell` is called with what can't be read as
    it stands.
    """
    found = set()
    for line in _lines(metadata):
        text = canonical(line)
        if text is None:
            text = without_versions(line)
            if tell is not None:
                tell(line[:_SHOWN])
        found.add(text)
    return tuple(sorted(text for text in found if text))


def is_reliable(pkg_info: bytes) -> bool:
    """Tell whether an sdist's PKG-INFO says what its wheel will require (PEP 643)."""
    header = _header(pkg_info)
    version = _VERSION.search(header)
    if version is None or (int(version[1]), int(version[2])) < _RELIABLE:
        return False
    return not _DYNAMIC.search(header)


def _lines(metadata: bytes) -> list[str]:
    found = _REQUIRES.findall(_header(metadata))
    distinct = list(dict.fromkeys(found))[:MAX_REQUIREMENTS]
    # What is too long to be a requirement is not kept.
    sizes = itertools.accumulate(min(len(line), MAX_LENGTH) for line in distinct)
    believed = [line for line, size in zip(distinct, sizes, strict=True) if size <= MAX_TEXT]
    return [" ".join(line.decode("utf-8", "replace").split()) for line in believed]


def _header(metadata: bytes) -> bytes:
    end = _END.search(metadata)
    return metadata if end is None else metadata[: end.start()]
