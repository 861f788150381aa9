"""What upstream answers: pages as they came, files as they come in."""

import contextlib
import email.utils
import http.client
import io
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from pypimirror.addresses import without_credentials
from pypimirror.errors import BadPageError, UnavailableError
from pypimirror.model import Validators
from pypimirror.pace import MinimumSpeed, Rate
from pypimirror.upstream.connections import Response
from pypimirror.upstream.deadlines import Patience
from pypimirror.upstream.proxies import through_proxy
from pypimirror.upstream.trouble import innermost, raise_of_machine
from pypimirror.upstream.unpack import PackingError, UnknownPackingError, packing, unpacked

_CHUNK = 1 << 16
"""Larger blocks are mapped and unmapped one by one, which costs more than it saves."""
_BLOCK = 1 << 20
"""What is read again and again into the same memory may be larger."""
_SETTLED_S = 2
"""So much older than its answer a page has to be for its date to tell it from a later one."""
_MUCH = 1 << 20
"""Bytes after which a server was good, whatever comes then."""


FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""What a file is asked for with: its very bytes."""

_Bytes = TypeVar("_Bytes", bytes, bytes | memoryview)


class Fetched(NamedTuple):
    """A page as it came: `url` is where it was found, after redirects."""

    content: bytes
    content_type: str
    url: str
    validators: Validators
    serial: str | None
    tells_its_end: bool = False
    """The transport told that all of it came."""


class NotModified:
    """Upstream's word that a page is what it was."""


class Answer:
    """An open answer with status 200: its headers, and its body as it comes in."""

    def __init__(
        self,
        response: Response,
        pace: "Pace",
        patience: Patience,
        *,
        start: int = 0,
        on_good: Callable[[], None] = lambda: None,
    ) -> None:
        self._response = response
        self._pace = pace
        self._patience = patience
        self._on_good = on_good
        """Called when it came to its end, or much of it came in."""
        self.start = start
        """At which byte of the file the body begins (RFC 9110, 14)."""
        fields = response.fields
        self.url = without_credentials(response.url)
        self.content_type = fields.get("content-type", "")
        self.content_encoding = packing(fields.get("content-encoding", ""))
        self.length = length_of(fields)
        self.tells_its_end = self.length is not None or response.chunked
        """Whether an answer that breaks off can be told from one that ended."""
        self.validators = validators_of(fields)
        self.serial = fields.get("x-pypi-last-serial")
        self.disposition = fields.get("content-disposition", "")

    def fetched(self, limit: int) -> "Fetched":
        """Return the page that came; raise BadPageError for one of more than `limit` bytes."""
        content = self.read(limit)
        if len(content) > limit:
            raise BadPageError(self.url, f"longer than {limit:,} bytes")
        return Fetched(content, self.content_type, self.url, self.validators, self.serial, self.tells_its_end)

    def read(self, limit: int, *, is_raw: bool = False) -> bytes:
        """Return the body unpacked, or as it comes: all of it, or as much as is more than `limit` bytes."""
        content = io.BytesIO()  # which hands out what it has gathered without a copy
        for chunk in self.raw_chunks() if is_raw else self.chunks():
            content.write(chunk)
            if content.tell() > limit:
                break
        return content.getvalue()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body unpacked, in blocks; raise UnavailableError where it breaks off, or is too slow.

        Raises BadPageError for what is packed in a way that was not asked for.
        """
        try:
            yield from unpacked(self.raw_chunks(), self.content_encoding)
        except UnknownPackingError as error:
            raise BadPageError(self.url, f"comes in an encoding that was not asked for ({error})") from error
        except PackingError as error:
            raise self._failed(f"the answer broke off ({error})") from error

    def raw_chunks(self) -> Iterator[bytes]:
        """Yield the very bytes of the body, as `chunks` does."""
        return self._received(self._response.read1, _CHUNK)

    def blocks(self) -> Iterator[bytes | memoryview]:
        """Yield the same in larger blocks where it is long, each good until the next is asked for."""
        if (self.length or 0) <= _CHUNK:
            return self.raw_chunks()
        block = memoryview(bytearray(min(self.length or 0, _BLOCK)))
        return self._received(lambda size: self._response.read_into(block[:size]), len(block))

    def _received(self, read: Callable[[int], _Bytes], largest: int) -> Iterator[_Bytes]:
        """Yield what is there, so that a slow file grows on the disk as it comes in."""
        is_too_slow = self._pace.minimum_speed.meter()
        size = self._pace.rate.block(largest)
        received = 0
        while not self._response.is_at_end:
            chunk, seconds = self._read(read, size)
            if is_too_slow(len(chunk), seconds):
                raise self._failed("it comes in more slowly than minimum_speed")
            received += len(chunk)
            if received >= _MUCH:
                received = 0
                self._on_good()
            self._pace.rate.wait(len(chunk))
            if chunk:
                yield chunk
        self._on_good()

    def _read(self, read: Callable[[int], _Bytes], size: int) -> tuple[_Bytes, float]:
        """Return the next block, and how many seconds it took; an empty one is the end."""
        chunk: _Bytes | None = None
        trouble: Exception | None = None
        self._patience.begin()
        try:
            chunk = read(size)
        except (http.client.HTTPException, OSError) as error:
            raise_of_machine(error)
            trouble = error
        seconds = self._patience.end()
        # What ends with its connection may have been cut off.
        if why := self._patience.why_over():
            raise self._failed(why) from trouble
        if chunk is None:
            assert trouble is not None
            raise self._failed(f"the answer broke off ({innermost(trouble)})") from trouble
        return chunk, seconds

    def _failed(self, reason: str) -> UnavailableError:
        return UnavailableError(self.url, f"{reason}{through_proxy(self.url)}")

    @property
    def resume_validator(self) -> str | None:
        """What a request for the rest may name: a strong ETag, or a date (RFC 9110, 13.1.5)."""
        etag, last_modified = self.validators
        return etag if etag and not etag.startswith("W/") else last_modified


class Pace(NamedTuple):
    """What all transfers of a run share."""

    rate: Rate
    minimum_speed: MinimumSpeed


def validators_of(headers: Mapping[str, str]) -> Validators:
    """Return what makes the next request conditional.

    A page that was written in the very second of its answer may be written again in that second, with the
    same Last-Modified: that says nothing then (RFC 9110, 8.8.2.2).
    """
    etag, last_modified = headers.get("etag"), headers.get("last-modified")
    if etag or last_modified is None:
        return Validators(etag, last_modified)
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        written, answered = map(email.utils.parsedate_to_datetime, (last_modified, headers.get("date", "")))
        if (answered - written).total_seconds() < _SETTLED_S:
            return Validators()
    return Validators(None, last_modified)


def conditions(validators: Validators) -> dict[str, str]:
    """Return the headers of a conditional request (RFC 9110, 13.1)."""
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in named.items() if value}


def length_of(fields: Mapping[str, str]) -> int | None:
    """Return how many bytes an answer says to have."""
    value = fields.get("content-length", "")
    return int(value) if value.isdecimal() and len(value) <= 16 else None
