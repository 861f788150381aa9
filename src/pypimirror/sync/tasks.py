"""What workers do: frozen values with `run`, each with a value out. Upstream's errors come as values, too.

What `run` raises of upstream's is such a value for who waits for it.
"""

import contextlib
import errno
import logging
import threading
from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror import attestations, documents, download
from pypimirror.adopt import Candidate
from pypimirror.disk import FreeSpace
from pypimirror.errors import MirrorError, NotFoundError, TreeError, UnavailableError
from pypimirror.model import File, HeldFile, NormalizedName, ProjectPage, Provenance, Validators
from pypimirror.simple import ACCEPT, Demands, is_json, page_serial, parse_project_page
from pypimirror.store.opened import open_file, opened
from pypimirror.store.temporary import Temporary
from pypimirror.sync.crawl import Due
from pypimirror.upstream import NotModified, Upstream
from pypimirror.want import UNREADABLE
from pypimirror.workers import guarded

_log = logging.getLogger(__name__)


class PageSeen(NamedTuple):
    """A good page, and what makes the next request for it conditional."""

    packed: bytes
    """The page as MessagePack, which takes a tenth of the memory while it waits to be taken."""
    serial: str | None
    validators: Validators
    is_json: bool

    @property
    def page(self) -> ProjectPage:
        """The page, made anew at each look."""
        return _unpack(self.packed)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(ProjectPage).decode


class PageResult(NamedTuple):
    """What became of a page; it `is_stale` where it is not the one that the project list speaks of."""

    result: PageSeen | NotModified | MirrorError
    is_stale: bool = False


class PageTask(NamedTuple):
    """The page of a project that is due, to be fetched conditionally where there are validators."""

    due: Due

    def run(self, upstream: Upstream) -> PageResult:
        """Fetch and read the page; one that caches kept too long is asked for past them."""
        result = guarded(lambda: _page(upstream, self.due, is_fresh=False))
        if self._is_stale(result):
            again = self.due._replace(validators=Validators())
            result = guarded(lambda: _page(upstream, again, is_fresh=True))
        return PageResult(result, self._is_stale(result))

    def _is_stale(self, result: PageSeen | NotModified | MirrorError) -> bool:
        if isinstance(result, MirrorError):
            return isinstance(result, NotFoundError) and self.due.is_from_list
        # A page without a serial, from an index that has them, is no newer than the last one.
        serial = result.serial if isinstance(result, PageSeen) else None
        listed = self.due.serial
        return listed is not None and (serial or self.due.page_serial) not in (None, listed)


_LARGE = 1 << 22
_one_at_a_time = threading.Lock()
"""What reads a page of more than _LARGE bytes takes several times as much memory: no two at once."""


def _page(upstream: Upstream, due: Due, *, is_fresh: bool) -> PageSeen | NotModified:
    usual = upstream.project_url(due.name)
    try:
        return _page_at(upstream, due.url or usual, due, is_fresh=is_fresh)
    except NotFoundError:
        if due.url is None:
            raise
        # The list's link leads nowhere (any more): the normalized address is what installers ask for.
        unknown = due._replace(validators=Validators(), speaks_json=False)
        return _page_at(upstream, usual, unknown, is_fresh=is_fresh)


def _page_at(upstream: Upstream, url: str, due: Due, *, is_fresh: bool) -> PageSeen | NotModified:
    fetched = upstream.page(url, accept=ACCEPT, validators=due.validators, is_fresh=is_fresh)
    if isinstance(fetched, NotModified):
        return fetched
    with _one_at_a_time if len(fetched.content) > _LARGE else contextlib.nullcontext():
        page = parse_project_page(
            fetched.content,
            fetched.content_type,
            fetched.url,
            due.name,
            Demands(version=due.speaks_json, end=not fetched.tells_its_end),
        )
        project = page.project if upstream.is_own(fetched.url) else None
        serial = page.serial or page_serial(fetched.content, due.serial) or fetched.serial
        page = msgspec.structs.replace(page, project=project, serial=serial)
        packed = _pack(page)
    return PageSeen(packed, page.serial, fetched.validators, is_json(fetched.content_type))


class FileTask(NamedTuple):
    """A file to fetch into a temporary one, unless the candidate is it."""

    name: NormalizedName
    file: File
    temporary: Temporary
    space: FreeSpace
    """What files may take."""
    candidate: Candidate | None
    validator: str | None
    """Where the temporary file has what an earlier run got: which file that was."""
    is_attested: bool = False
    """It is taken only with a provenance that is verified."""
    asks_requires: bool = False
    """What its core metadata requires is to be told, too."""

    def run(self, upstream: Upstream) -> download.Received | MirrorError | OSError:
        """Adopt or download the file."""
        found = self._attested(upstream) if self.is_attested else self._fetched(upstream)
        if self.asks_requires and isinstance(found, download.Received) and found.metadata is not None:
            return found._replace(requires=_requires(found.metadata, self.name, self.file.filename))
        return found

    def _fetched(self, upstream: Upstream) -> download.Received | MirrorError | OSError:
        try:
            return guarded(lambda: self._adopted(upstream) or self._downloaded(upstream))
        except OSError as error:
            return error

    def _adopted(self, upstream: Upstream) -> download.Received | None:
        if self.candidate is None:
            return None
        try:
            with opened(self.candidate.path) as existing:
                return download.adopted(upstream, self.file, existing) if existing else None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise TreeError.unreadable(self.candidate.path, error) from error

    def _downloaded(self, upstream: Upstream) -> download.Received | MirrorError | OSError:
        with self.temporary.open() as into:
            place = download.Into(into, self.validator, self.space.check_file)
            found = download.obtain(upstream, self.file, place)
            into.begin_write_back()
        return found

    def _attested(self, upstream: Upstream) -> download.Received | MirrorError | OSError:
        """Obtain the file, if a document of provenance proves who published it.

        The document comes first: a file that can't be taken is not downloaded.
        """
        promised = dict(self.file.digests).get("sha256")
        document = _document(upstream, self.file, promised) if promised else None
        if isinstance(document, MirrorError):
            return document
        found = self._fetched(upstream)
        if not isinstance(found, download.Received):
            return found
        if document is None or found.sha256 != promised:
            document = _document(upstream, self.file, found.sha256)
        return document if isinstance(document, MirrorError) else found._replace(provenance=document)


class LookTask(NamedTuple):
    """A held file that upstream offers no digest of: whether it is still the same there."""

    name: NormalizedName
    held: HeldFile
    temporary: Temporary
    space: FreeSpace
    trusts_size: bool
    """Nothing else tells of a change: what upstream says of the file counts, without its bytes."""
    candidate: None = None
    """Nothing in the tree stands for it."""

    @property
    def file(self) -> File:
        """What comes, if it changed: nothing that was said of the old bytes counts for it."""
        return msgspec.structs.replace(self.held.file, digests=(), size=None)

    def run(self, upstream: Upstream) -> download.Received | download.Unchanged | MirrorError | OSError:
        """Look whether the file is still what upstream has."""
        with self.temporary.open() as file:
            into = download.Into(file, None, self.space.check)
            return download.look_again(upstream, self.held, into, trusts_size=self.trusts_size)


class Metadata(NamedTuple):
    """What became of a file's core metadata."""

    text: bytes | None
    notes: tuple[str, ...]
    error: MirrorError | None
    requires: tuple[str, ...] | None = None
    """What it requires, where that was asked."""


class MetadataTask(NamedTuple):
    """A held file whose core metadata is missing."""

    name: NormalizedName
    held: HeldFile
    path: str
    """Where the file lies."""
    asks_requires: bool = False
    """What it requires is to be told, too."""

    def run(self, upstream: Upstream) -> Metadata | None:
        """Find the core metadata; None where the file is gone."""
        try:
            content = open_file(self.path)
            if content is None:  # something else has its place
                return None
            with content:
                found = Metadata(*download.core_metadata(upstream, self.held.file, content))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TreeError.unreadable(self.path, error) from error
        if self.asks_requires and found.text is not None:
            return found._replace(requires=_requires(found.text, self.name, self.held.file.filename))
        return found


class ProvenanceTask(NamedTuple):
    """A held file whose document of provenance is to be fetched, or looked at again."""

    held: HeldFile
    is_attested: bool = False
    """The document has to prove who published the file."""

    def run(self, upstream: Upstream) -> documents.Document | NotModified:
        """Fetch the document, conditionally where there is one; unchanged is one that did before."""
        url = self.held.file.provenance or ""
        known = self.held.provenance if self.held.is_attested or not self.is_attested else None
        found = _provenance(upstream, url, known)
        if not self.is_attested:
            return found
        return _verified(found, url, self.held.file.filename, self.held.sha256)


class RequiresTask(NamedTuple):
    """A wheel of which a dry run reads the core metadata alone."""

    name: NormalizedName
    file: File

    def run(self, upstream: Upstream) -> tuple[str, ...]:
        """Fetch the core metadata that upstream offers, and tell what it requires."""
        return _requires(download.offered_metadata(upstream, self.file), self.name, self.file.filename)


FileResult = download.Received | download.Unchanged | MirrorError | OSError


def _requires(metadata: bytes, name: NormalizedName, filename: str) -> tuple[str, ...]:
    from pypimirror.requirements.required import requires_dist

    return requires_dist(metadata, tell=partial(_log.info, UNREADABLE, name, filename))


def _document(upstream: Upstream, file: File, sha256: str) -> documents.Document | MirrorError:
    url = file.provenance or ""
    found = guarded(lambda: _verified(_provenance(upstream, url, None), url, file.filename, sha256))
    if isinstance(found, NotModified):
        return UnavailableError(url, "an unconditional request was answered with 304")
    return found


def _provenance(upstream: Upstream, url: str, known: Provenance | None) -> documents.Document | NotModified:
    validators = Validators(known.etag, known.last_modified) if known else Validators()
    return documents.provenance(upstream, url, validators)


def _verified(
    found: documents.Document | NotModified, url: str, filename: str, sha256: str
) -> documents.Document | NotModified:
    if isinstance(found, documents.Document):
        publishers = attestations.verify(found.content, url=url, filename=filename, sha256=sha256)
        _log.debug("%s: published by %s", filename, ", ".join(publishers))
        return found._replace(is_verified=True)
    return found
