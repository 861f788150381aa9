"""How pages look to people; what clients read of them is always the same. Pure."""

from typing import NamedTuple

import msgspec


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
