"""What somebody asks for of a project, and what was decided about its files."""

from typing import NamedTuple

import msgspec

from pypimirror.model import Digest, File
from pypimirror.selection.releases import Release, admits, pins


class Want(msgspec.Struct, frozen=True, order=True):
    """What somebody asks for of a project: releases by a specifier, or files by their digests."""

    specifier: str = ""
    """PEP 440, as `str(SpecifierSet)` has it; empty is every release."""
    digests: tuple[Digest, ...] = ()
    """If there are any: only files with one of them."""
    is_exact: bool = False
    """Only what the specifier pins."""

    def asks_for(self, file: File, release: Release) -> bool:
        """Tell whether this file is one that is asked for."""
        if self.digests:
            return self._has_digest(file) and admits(self.specifier, release)
        if self.is_exact:
            return pins(self.specifier, release)
        return admits(self.specifier, release)

    def is_pinned(self, file: File, release: Release) -> bool:
        """Tell whether this file is asked for by its digest, or its release by `==` or `===`."""
        if self.digests:
            return self.asks_for(file, release)
        return bool(self.specifier) and pins(self.specifier, release)

    def _has_digest(self, file: File) -> bool:
        return any(digest in self.digests for digest in file.digests)

    def __str__(self) -> str:
        shown = self.specifier or "any version"
        return f"{shown} with a digest" if self.digests else shown


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
