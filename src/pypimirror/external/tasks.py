"""What workers do at other hosts than the index's: frozen values with `run`, each with a value out.

Nobody vouches for what other hosts send: it is bounded in size and time, has to look like what its name says,
and the bytes that were accepted once are pinned. What `run` raises of upstream's is a value for who waits.
"""

from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror.checksums import Hashes, strongest
from pypimirror.disk import FreeSpace
from pypimirror.download import Into, core_metadata, why_packed
from pypimirror.errors import BadPageError, NotFoundError, UnavailableError, VerificationError
from pypimirror.external.links import LinkedFile, file_named, file_offered, worth_it
from pypimirror.external.model import LinkOrigin
from pypimirror.filenames import magic_of
from pypimirror.model import File, Link, NormalizedName, Validators
from pypimirror.selection import Selection
from pypimirror.simple import download_url, is_html, parse_links
from pypimirror.store.temporary import Temporary
from pypimirror.upstream import Answer, NotModified, Upstream

MAX_SIZE = 1 << 30
"""Bytes of an external file."""
MAX_PAGE = 5 * 10**6
"""Bytes of an external page."""

_HEAD = 8
_LOOK_S = 30.0
_FETCH_S = 900.0


class LegacyDocument(NamedTuple):
    """Where a legacy JSON document of the index's own says that its project can be downloaded, if it does."""

    link: Link | None


class DocumentTask(NamedTuple):
    """A project whose legacy JSON document is to be read; this one is upstream's own."""

    name: NormalizedName

    def run(self, upstream: Upstream) -> LegacyDocument | None:
        """Read the document; None where something else comes."""
        url = upstream.document_url(self.name)
        try:
            fetched = upstream.page(
                url, accept="application/json", validators=Validators(), is_of_index=False
            )
            assert not isinstance(fetched, NotModified)
            found = LegacyDocument(download_url(fetched.content, fetched.url))
            return found if upstream.is_own(fetched.url) else None
        except (NotFoundError, BadPageError):
            return None
        except UnavailableError as error:
            # Whatever an index answers that knows nothing of such documents.
            if error.may_pass or not error.reason.startswith("answers 4"):
                raise
            return None


class Looked(NamedTuple):
    """What is behind a link."""

    candidates: list[LinkedFile]
    is_page: bool = False
    delay: float = 0.0
    """Seconds that the host wants between two requests."""


class LinkTask(NamedTuple):
    """A link whose address names no file of the project: what is behind it may."""

    name: NormalizedName
    link: Link
    selection: Selection | None
    """What of a page is wanted; None where pages are not to be read."""

    def run(self, upstream: Upstream) -> Looked:
        """Look what is behind the link.

        The server may name a file (RFC 6266), or it is where a redirect leads. Of the files to which a page
        links the newest that are wanted are candidates.
        """
        hosts, link, name, selection = upstream.external, self.link, self.name, self.selection
        allows_http = strongest(link.digests) is not None
        with hosts.open(link.url, seconds=_LOOK_S, allows_http=allows_http) as answer:
            assert isinstance(answer, Answer)
            if filename := file_offered(answer.disposition, name) or file_named(answer.url, name):
                return Looked([LinkedFile(filename, link.url, link.digests)])
            if selection is None or not is_html(answer.content_type):
                return Looked([])
            delay = hosts.robots(answer.url)
            if delay is None:
                raise UnavailableError(answer.url, "its robots.txt asks not to read it", may_pass=False)
            content = answer.read(MAX_PAGE)
            if len(content) > MAX_PAGE:
                raise UnavailableError(answer.url, f"a page of more than {MAX_PAGE:,} bytes", may_pass=False)
            links = parse_links(content, answer.content_type, answer.url)
        candidates = worth_it(links, name, lambda filename: selection.why_not(filename) is None)
        return Looked(candidates, is_page=True, delay=delay)


class Brought(NamedTuple):
    """A file that is whole in the temporary file; whether it is the one that is pinned is to be seen."""

    sha256: str
    size: int
    origin: LinkOrigin
    """As it was, with what the host says of the file now."""
    metadata: bytes | None
    notes: tuple[str, ...]


class FetchTask(NamedTuple):
    """A file to fetch, unless it is what it was."""

    name: NormalizedName
    file: File
    temporary: Temporary
    origin: LinkOrigin
    """With what may tell that it is what it was; where nothing does, the bytes do."""
    space: FreeSpace
    """What files may take."""

    def run(self, upstream: Upstream) -> Brought | None:
        """Fetch the file; None where it is what it was when it was last looked at."""
        with self.temporary.open() as file:
            into = Into(file, None, self.space.check_file)
            return upstream.retrying(partial(self._fetched, upstream, into))

    def _fetched(self, upstream: Upstream, into: Into) -> Brought | None:
        file, origin, hashes = self.file, self.origin, Hashes(self.file)
        into.file.seek(0)
        into.file.truncate()
        with upstream.external.open(
            file.url,
            seconds=_FETCH_S,
            validators=Validators(origin.etag, origin.last_modified),
            allows_http=hashes.expected is not None,
        ) as answer:
            if isinstance(answer, NotModified) or _is_same(origin, answer):
                return None
            _check(file, answer)
            into.check_space(answer.length or 0)
            head = b""
            for chunk in answer.blocks():
                if len(head) < _HEAD:
                    head += chunk[:_HEAD]
                    _check_head(file, answer.url, head, is_whole=False)
                hashes.update(chunk)
                if hashes.size > MAX_SIZE:
                    raise VerificationError(answer.url, f"it is longer than {MAX_SIZE:,} bytes")
                into.file.write(chunk)
            _check_head(file, answer.url, head, is_whole=True)
        if reason := hashes.mismatch(file):
            raise VerificationError(file.url, reason)
        text, notes, _ = core_metadata(upstream, file, into.file)
        etag, last_modified = answer.validators
        length = answer.length or hashes.size
        now = msgspec.structs.replace(origin, etag=etag, last_modified=last_modified, length=length)
        return Brought(hashes.sha256, hashes.size, now, text, notes)


def _is_same(known: LinkOrigin, answer: Answer) -> bool:
    """Tell by the strongest of what both times was offered whether a file is what it was."""
    etag, last_modified = answer.validators
    if known.etag and etag:
        return known.etag == etag
    is_dated = bool(known.last_modified and last_modified)
    if is_dated and known.last_modified != last_modified:
        return False
    has_length = known.length is not None and answer.length is not None
    return known.length == answer.length if has_length else is_dated


def _check_head(file: File, url: str, head: bytes, *, is_whole: bool) -> None:
    """Raise VerificationError where a file begins as none of its kind does, as a page that says sorry."""
    magic = magic_of(file.filename)
    if magic and (is_whole or len(head) >= _HEAD) and not head.startswith(magic):
        raise VerificationError(url, f"what comes is no {file.filename.rpartition('.')[2]} file")


def _check(file: File, answer: Answer) -> None:
    """Raise VerificationError where an answer can't be the whole file, or is too long."""
    if answer.length is not None and answer.length > MAX_SIZE:
        raise VerificationError(answer.url, f"it is longer than {MAX_SIZE:,} bytes")
    if strongest(file.digests) is not None:
        return
    if is_html(answer.content_type) and not magic_of(file.filename):
        raise VerificationError(answer.url, "what comes is a page")
    if not answer.tells_its_end:
        raise VerificationError(answer.url, "without length and digest nobody can tell whether it is whole")
    if reason := why_packed(file.filename, answer.content_encoding):
        raise VerificationError(answer.url, f"{reason} and has no digest")
