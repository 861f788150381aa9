"""What is known of links to other hosts, and of the files that came from there."""

from typing import NamedTuple

import msgspec

from pypimirror.model import File, Link


class LinkOrigin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How an external file came, and what tells whether it is still the same there."""

    link: str
    """The index's own link: to the file, or to the page on which it was found."""
    is_paged: bool = False
    """It was found on the page behind the link."""
    etag: str | None = None
    last_modified: str | None = None
    length: int | None = None
    """What the host last said of the file; its bytes need not be those that are held."""
    pinned: str | None = None
    """The sha256 of the bytes that were accepted once; None before that."""
    refused: str | None = None
    """The sha256 of other bytes that lie there now."""


class Links(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where else there may be files of a project."""

    page: tuple[Link, ...] = ()
    """By the project's page."""
    document: Link | None = None
    """By its legacy JSON document."""
    looked: frozenset[Link] = frozenset()
    """Those that were looked at."""

    def every(self) -> dict[str, Link]:
        """Return all by their addresses."""
        found = {link.url: link for link in self.page}
        return found if self.document is None else found | {self.document.url: self.document}


class Known(NamedTuple):
    """What is known of an external file."""

    status: str
    file: File
    origin: LinkOrigin
    checked: float
    """When it was last looked at, or 0."""
    delisted_since: float
