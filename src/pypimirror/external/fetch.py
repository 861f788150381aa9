"""External files, beside the main thread: what is behind a link, and such a file's way in.

Nobody vouches for what other hosts send: it is bounded in size and time, has to look like what its name says,
and the bytes that were accepted once are pinned.
"""

from collections.abc import Collection
from functools import partial
from typing import NamedTuple

import msgspec

from pypimirror.download import Hashes, Into, core_metadata, strongest, why_packed
from pypimirror.errors import UnavailableError, VerificationError
from pypimirror.external.links import LinkedFile, file_named, file_offered, worth_it
from pypimirror.external.model import Origin
from pypimirror.filenames import magic_of
from pypimirror.model import File, Link, NormalizedName, Validators
from pypimirror.selection import Selection
from pypimirror.simple import is_html, parse_links
from pypimirror.upstream import Answer, NotModified, Upstream
from pypimirror.upstream.external import ExternalHosts

MAX_SIZE = 1 << 30
"""Bytes of an external file."""
MAX_PAGE = 5 * 10**6
"""Bytes of an external page."""

_HEAD = 8
_LOOK_S = 30.0
_FETCH_S = 900.0


class Looked(NamedTuple):
    """What is behind a link."""

    candidates: list[LinkedFile]
    is_page: bool = False
    delay: float = 0.0
    """Seconds that the host wants between two requests."""


class Brought(NamedTuple):
    """A file that is whole in the temporary file; whether it is the one that is pinned is to be seen."""

    sha256: str
    size: int
    origin: Origin
    """As it was, with what the host says of the file now."""
    metadata: bytes | None
    notes: tuple[str, ...]


def look(
    hosts: ExternalHosts,
    link: Link,
    name: NormalizedName,
    selection: Selection | None,
    dead: Collection[str],
) -> Looked:
    """Look what is behind a link whose address names no file of the project; raise MirrorError.

    The server may name one (RFC 6266), or it is where a redirect leads. A page is read where there is a
    `selection`: of the files to which it links the newest that are wanted are candidates.
    """
    allows_http = strongest(link.digests) is not None
    with hosts.open(link.url, seconds=_LOOK_S, dead=dead, allows_http=allows_http) as answer:
        assert isinstance(answer, Answer)
        if filename := file_offered(answer.disposition, name) or file_named(answer.url, name):
            return Looked([LinkedFile(filename, link.url, link.digests)])
        if selection is None or not is_html(answer.content_type):
            return Looked([])
        robots = hosts.robots(answer.url, dead=dead)
        if not robots.allows:
            raise UnavailableError(answer.url, "its robots.txt asks not to read it", may_pass=False)
        content = answer.read(MAX_PAGE)
        if len(content) > MAX_PAGE:
            raise UnavailableError(answer.url, f"a page of more than {MAX_PAGE} bytes", may_pass=False)
        links = parse_links(content, answer.content_type, answer.url)
    candidates = worth_it(links, name, lambda filename: selection.why_not(filename) is None)
    return Looked(candidates, is_page=True, delay=robots.delay)


def fetch(
    upstream: Upstream, file: File, origin: Origin, into: Into, dead: Collection[str]
) -> Brought | None:
    """Fetch an external file; return None where it is what it was when it was last looked at.

    Where `origin` has no validators and no length, the bytes alone tell. Raises MirrorError for trouble with
    this file alone, DiskFullError or OSError for that of the machine.
    """
    return upstream.retrying(partial(_fetched, upstream, file, origin, into, dead))


def _fetched(
    upstream: Upstream, file: File, origin: Origin, into: Into, dead: Collection[str]
) -> Brought | None:
    into.file.seek(0)
    into.file.truncate()
    hashes = Hashes(file)
    known = Validators(origin.etag, origin.last_modified)
    with upstream.external.open(
        file.url, seconds=_FETCH_S, validators=known, dead=dead, allows_http=hashes.expected is not None
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
                raise VerificationError(answer.url, f"it is longer than {MAX_SIZE} bytes")
            into.file.write(chunk)
        _check_head(file, answer.url, head, is_whole=True)
    if reason := hashes.mismatch(file):
        raise VerificationError(file.url, reason)
    text, notes, _ = core_metadata(upstream, file, into.file)
    etag, last_modified = answer.validators
    now = msgspec.structs.replace(
        origin, etag=etag, last_modified=last_modified, length=answer.length or hashes.size
    )
    return Brought(hashes.sha256, hashes.size, now, text, notes)


def _is_same(known: Origin, answer: Answer) -> bool:
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
        raise VerificationError(answer.url, f"it is longer than {MAX_SIZE} bytes")
    if strongest(file.digests) is not None:
        return
    if is_html(answer.content_type) and not magic_of(file.filename):
        raise VerificationError(answer.url, "what comes is a page")
    if not answer.tells_its_end:
        raise VerificationError(answer.url, "without length and digest nobody can tell whether it is whole")
    if reason := why_packed(file.filename, answer.content_encoding):
        raise VerificationError(answer.url, f"{reason} and has no digest")
