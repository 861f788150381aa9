"""What somebody asks for of a project, and what was decided about its files."""

from typing import NamedTuple

import msgspec

from pypimirror.model import File
from pypimirror.selection.releases import Release, admits, pins
from pypimirror.want import Want


def asks_for(want: Want, file: File, release: Release) -> bool:
    """Tell whether this file is one that is asked for."""
    if want.digests:
        return _has_digest(want, file) and admits(want.specifier, release)
    if want.is_exact:
        return pins(want.specifier, release)
    return admits(want.specifier, release)


def is_pinned(want: Want, file: File, release: Release) -> bool:
    """Tell whether this file is asked for by its digest, or its release by `==` or `===`."""
    if want.digests:
        return asks_for(want, file, release)
    return bool(want.specifier) and pins(want.specifier, release)


def _has_digest(want: Want, file: File) -> bool:
    """Tell whether a file is a pinned one; one that can't be compared may be, and its version tells."""
    algorithms = {digest.algorithm for digest in want.digests}
    comparable = [digest for digest in file.digests if digest.algorithm in algorithms]
    return not comparable or any(digest in want.digests for digest in comparable)


def text_of(want: Want) -> str:
    """Return what is asked for as people read it."""
    shown = want.specifier or "any version"
    return f"{shown} with a digest" if want.digests else shown


EVERYTHING = frozenset({Want()})
"""What a pattern of package_matches asks for."""


class No(NamedTuple):
    """Why a rule leaves a file out."""

    rule: str
    why: str
    until: float | None = None


class LeftOut(msgspec.Struct, frozen=True):
    """A file that is not wanted, with the rule that said so first."""

    file: File
    rule: str
    """The option's name."""
    why: str
    """One clause for people."""
    until: float | None = None
    """POSIX seconds at which the rule lets it through by itself."""


class Decision(NamedTuple):
    """A page's files divided, each part in the order in which they were given."""

    wanted: tuple[File, ...]
    left_out: tuple[LeftOut, ...]
    due: float | None
    """When the first that was left out comes by itself."""
