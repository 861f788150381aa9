"""What upstream answers: pages as they came, files as they come in."""

import time
from collections.abc import Iterator
from typing import NamedTuple

import urllib3

from pypimirror.addresses import without_credentials
from pypimirror.errors import UnavailableError
from pypimirror.model import Validators
from pypimirror.pace import Floor, Rate
from pypimirror.upstream.lane import BLOCK, PlainAnswer
from pypimirror.upstream.routes import Response
from pypimirror.upstream.trouble import innermost

CHUNK = 1 << 18
REDIRECTS = frozenset({301, 302, 303, 307, 308})


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

    def __init__(self, url: str, response: Response, pace: "Pace", *, start: int = 0) -> None:
        self._response = response
        self._pace = pace
        self.start = start
        """At which byte of the file the body begins (RFC 9110, 14)."""
        headers = response.headers
        self.url = without_credentials(url)
        self.content_type = headers.get("content-type", "")
        self.content_encoding = headers.get("content-encoding", "identity").lower()
        self.length = _length(headers.get("content-length"))
        self.tells_its_end = self.length is not None or bool(getattr(response, "chunked", False))
        """Whether an answer that breaks off can be told from one that ended."""
        self.validators = Validators(headers.get("etag"), headers.get("last-modified"))
        self.serial = headers.get("x-pypi-last-serial")
        self.disposition = headers.get("content-disposition", "")

    def chunks(self) -> Iterator[bytes]:
        """Yield the body unpacked, in blocks; raise UnavailableError where it breaks off, or is too slow."""
        return map(bytes, self._blocks(is_decoded=True))

    def raw_chunks(self) -> Iterator[bytes | memoryview]:
        """Yield the very bytes of the body, as `chunks` does; each block is good until the next is taken."""
        return self._blocks(is_decoded=False)

    def _blocks(self, *, is_decoded: bool) -> Iterator[bytes | memoryview]:
        # read1 hands over what is there, so that a slow file grows on the disk as it comes in.
        read = self._response.read1
        is_too_slow = self._pace.floor.meter()
        block = self._pace.rate.block(BLOCK if isinstance(self._response, PlainAnswer) else CHUNK)
        while True:
            begun = time.monotonic()
            try:
                chunk = read(block, decode_content=is_decoded)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise UnavailableError(self.url, f"the answer broke off ({innermost(error)})") from error
            if not chunk:
                return
            if is_too_slow(len(chunk), time.monotonic() - begun):
                raise UnavailableError(self.url, "it comes in more slowly than minimum_speed")
            self._pace.rate.wait(len(chunk))
            yield chunk

    @property
    def resume_validator(self) -> str | None:
        """What a request for the rest may name: a strong ETag, or a date (RFC 9110, 13.1.5)."""
        etag, last_modified = self.validators
        return etag if etag and not etag.startswith("W/") else last_modified


class Pace(NamedTuple):
    """What all transfers of a run share."""

    rate: Rate
    floor: Floor


def _length(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() and len(value) <= 16 else None
