"""What pages show, files in order, and how they look to people. Pure.

What clients read of pages is always the same, whatever their style.
"""

from typing import NamedTuple

import msgspec

from pypimirror.filenames import version_key
from pypimirror.model import HeldFile, NormalizedName


class PublishedProject(msgspec.Struct, frozen=True, kw_only=True):
    """What a project's page shows."""

    name: NormalizedName
    files: tuple[HeldFile, ...]
    """By version, and then by name, however they were handed in."""
    display_name: str = ""
    """The name as people spell it; empty where that is not known."""
    status: str | None = None
    status_reason: str | None = None

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "files", tuple(sorted(self.files, key=_place)))


def _place(held: HeldFile) -> tuple[object, ...]:
    return (*version_key(held.file.version or ""), held.file.filename)


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """What pages are like: with a style up to so many entries, bare above that."""

    is_styled: bool
    most_projects: int = 0
    """On the root page."""
    most_files: int = 0
    """On a project's page."""
    base_url: str = ""
    """What people type to use the mirror; empty where nobody told."""


PLAIN = Style(is_styled=False)


class PageTotals(NamedTuple):
    """How much there is on the pages of a mirror."""

    projects: int
    files: int
    bytes: int
