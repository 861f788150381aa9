"""The nouns: what upstream says, what the mirror holds. Frozen values without behaviour."""

from typing import NamedTuple, NewType

import msgspec

NormalizedName = NewType("NormalizedName", str)
"""A project's name in PEP 503 form. Made by `names.normalize` alone."""


class Digest(NamedTuple):
    """A digest as an index offers it: both parts in lower case."""

    algorithm: str
    hexdigest: str


class File(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file as upstream lists it. Its name is safe to be a file's name in a project's folder."""

    filename: str
    url: str
    """Absolute, without fragment."""
    digests: tuple[Digest, ...] = ()
    size: int | None = None
    """Bytes; None where upstream does not say (HTML)."""
    version: str | None = None
    """Upstream's spelling where it lists versions (PEP 700)."""
    requires_python: str | None = None
    yanked: str | None = None
    """PEP 592: None is not yanked, empty is yanked without a reason."""
    core_metadata: tuple[Digest, ...] | None = None
    """PEP 658, 714: None is not offered, empty is offered without a digest."""
    upload_time: str | None = None
    """PEP 700: in UTC, as `upload_times` writes it."""
    provenance: str | None = None
    """PEP 740: an https address."""


class Link(NamedTuple):
    """A link to somewhere else: an absolute address without fragment, and what the fragment offers."""

    url: str
    digests: tuple[Digest, ...] = ()


class ProjectPage(msgspec.Struct, frozen=True, kw_only=True):
    """A project page (PEP 503, 691) in either representation."""

    files: tuple[File, ...]
    serial: str | None = None
    """The page's own last serial; compared for equality only."""
    status: str | None = None
    status_reason: str | None = None
    """PEP 792."""
    refused: tuple[str, ...] = ()
    """The first files whose entry can't be taken, each with the reason."""
    more_refused: int = 0
    """How many there are beside the first."""
    skipped: tuple[str, ...] = ()
    """What kinds of entries were passed over, each kind with its count and an example."""
    notes: tuple[str, ...] = ()
    """What was dropped of entries that are taken; the first such things."""
    project: NormalizedName | None = None
    """Which project the page proves to be of; None where nothing tells: it adds, and removes nothing."""
    unusable: frozenset[str] = frozenset()
    """Names of files that the page lists and whose entries can't be used: these files are not gone."""
    nameless: int = 0
    """Entries without any readable name of a file; while there are such, nothing of the project is gone."""
    links: tuple[Link, ...] | None = None
    """Where else there may be files of the project (PEP 438); None where the format has no such links."""


class ListEntry(msgspec.Struct, frozen=True):
    """One project of the project list: the name as shown, and its last serial if the list has serials.

    The digest of a project's page, where a mirror like this one gives it, serves as a serial, too.
    """

    name: str
    serial: str | None = None
    url: str | None = None
    """Where the list's own link leads to; None where it has none (JSON)."""


class Listed(NamedTuple):
    """A project as the mirror's root page lists it."""

    name: NormalizedName
    display_name: str
    digest: str | None
    """Of its JSON page (`simple.page_digest`); None where there is none."""


class Validators(NamedTuple):
    """What a conditional request is made of (RFC 9110, 8.8)."""

    etag: str | None = None
    last_modified: str | None = None


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document of provenance (PEP 740) that lies beside its file; what makes asking for it conditional."""

    sha256: str
    etag: str | None = None
    last_modified: str | None = None
    is_verified: bool = False
    """It proved who published the file; looked at where `provenance_required` asks for that."""


class Served(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What upstream said of a file without a digest when it last gave it: that tells whether it changed."""

    etag: str | None = None
    last_modified: str | None = None
    length: int | None = None
    refused: str | None = None
    """The sha256 of other bytes that lie there now; the rest is said of these."""


class HeldFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is whole and verified in the tree."""

    file: File
    sha256: str
    size: int
    metadata: str | None = None
    """The sha256 of `<filename>.metadata` beside it; None where there is none."""
    provenance: Provenance | None = None
    """What `<filename>.provenance` beside it is; None where there is none."""
    served: Served | None = None
    """Set where upstream offers no digest of it."""

    @property
    def is_attested(self) -> bool:
        """Whether its provenance was verified."""
        return self.provenance is not None and self.provenance.is_verified
