"""One file's way in: streamed, bounded, hashed and verified, into a file that `store` opened.

Everything here runs beside the main thread: a task in, a value out, nothing shared.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

import msgspec

from pypimirror import metadata
from pypimirror.addresses import is_loopback
from pypimirror.errors import (
    CutOffError,
    MirrorError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from pypimirror.filenames import is_wheel
from pypimirror.model import Digest, File, Validators
from pypimirror.upstream import CHUNK, Answer, NotModified, Upstream

MIN_RESUMED = 1 << 20
"""Bytes from which on it is worth to go on with a file that broke off."""

MAX_UNDECLARED = 1 << 33
"""Bytes that are taken of a file whose size neither the page nor the answer tells."""

_STRENGTH = (
    "md5",
    "sha1",
    "sha224",
    "sha3_224",
    "sha256",
    "blake2s",
    "sha3_256",
    "sha384",
    "sha3_384",
    "sha512",
    "sha3_512",
    "blake2b",
)
"""Algorithms that can be checked (hashlib's guaranteed set of fixed length), the weakest first."""


class Received(NamedTuple):
    """A file that is whole and verified: in the temporary file, or where it was if `is_adopted`."""

    sha256: str
    size: int
    is_adopted: bool
    metadata: bytes | None
    notes: tuple[str, ...]
    metadata_error: UnavailableError | None


class Into(NamedTuple):
    """Where a file goes to."""

    file: BinaryIO
    validator: str | None
    """Where an earlier run left something in it: which file that was."""
    check_space: Callable[[int], None]
    """Called with a size that only the answer tells; raises DiskFullError or TooBigError."""


def obtain(
    upstream: Upstream, file: File, into: Into, existing: BinaryIO | None
) -> Received | MirrorError | OSError:
    """Adopt `existing` if it is the file, else download the file into `into`; errors come as values.

    What an earlier run left in `into` is gone on with where there is a `validator` for it. A MirrorError
    concerns this file alone, an OSError or DiskFullError the machine; after a CutOffError what came is worth
    to be kept.
    """
    transfer = _Transfer(upstream, file, into)
    try:
        if existing is not None and (found := verified(file, existing)):
            return _with_metadata(upstream, file, existing, found, is_adopted=True)
        found = upstream.retrying(transfer)
        return _with_metadata(upstream, file, into.file, found, is_adopted=False)
    except UnavailableError as error:
        return transfer.cut_off(error)
    except (MirrorError, OSError) as error:
        return error


def strongest(digests: Iterable[Digest]) -> Digest | None:
    """Return the strongest digest that can be checked; None where there is none."""
    known = [d for d in digests if d.algorithm in _STRENGTH and _has_right_length(d)]
    return max(known, key=lambda d: _STRENGTH.index(d.algorithm), default=None)


def _has_right_length(digest: Digest) -> bool:
    return len(digest.hexdigest) == _length(digest.algorithm)


@functools.cache
def _length(algorithm: str) -> int:
    return hashlib.new(algorithm, usedforsecurity=False).digest_size * 2


class Found(NamedTuple):
    """What was verified: its sha256 and its size in bytes."""

    sha256: str
    size: int
    notes: tuple[str, ...] = ()


class Hashes:
    """The sha256 that we keep, and the strongest digest that upstream offers, over the same bytes."""

    def __init__(self, file: File) -> None:
        self.expected = strongest(file.digests)
        self._sha256 = hashlib.sha256()
        algorithm = self.expected.algorithm if self.expected else "sha256"
        self._offered = (
            self._sha256 if algorithm == "sha256" else hashlib.new(algorithm, usedforsecurity=False)
        )
        self.size = 0

    def update(self, chunk: bytes | memoryview) -> None:
        """Go on with a block."""
        self.size += len(chunk)
        self._sha256.update(chunk)
        if self._offered is not self._sha256:
            self._offered.update(chunk)

    @property
    def sha256(self) -> str:
        """Of all so far."""
        return self._sha256.hexdigest()

    def mismatch(self, file: File) -> str | None:
        """Say what differs from what upstream's page says; None where nothing does."""
        if file.size is not None and self.size != file.size:
            return f"it has {self.size} bytes, upstream's page says {file.size}"
        if self.expected and self._offered.hexdigest() != self.expected.hexdigest:
            algorithm, hexdigest = self.expected
            return f"its {algorithm} is {self._offered.hexdigest()}, upstream's page says {hexdigest}"
        return None


def verified(file: File, existing: BinaryIO) -> Found | None:
    """Read `existing` and tell whether it is the file by its strongest digest; None where it is not."""
    hashes = Hashes(file)
    if hashes.expected is None:
        return None
    while chunk := existing.read(CHUNK):
        hashes.update(chunk)
    return None if hashes.mismatch(file) else Found(hashes.sha256, hashes.size)


class _Transfer:
    """A download, which goes on where it broke off when it is called again (RFC 9110, 13.1.5 and 14)."""

    def __init__(self, upstream: Upstream, file: File, into: Into) -> None:
        self._upstream = upstream
        self._file = file
        self._into = into.file
        self._validator = into.validator
        self._check_space = into.check_space
        self._hashes = Hashes(file)
        self._is_resumed = False
        self._has_begun = False

    def __call__(self) -> Found:
        file = self._file
        if self._hashes.expected is None:
            _check_trust(file, file.url)
        self._begin()
        start = self._hashes.size
        opened = self._upstream.open_file(file.url, start=start, if_range=self._validator, size=file.size)
        with opened as answer:
            if answer.start != start:
                self._rewind()
            self._is_resumed = self._is_resumed or bool(answer.start)
            self._validator = answer.resume_validator
            self._receive(answer)
        reason = self._hashes.mismatch(file)
        if reason and self._is_resumed:
            # Perhaps the parts are of two files: the whole of one decides.
            self._rewind()
            self._validator, self._is_resumed = None, False
            return self()
        if reason:
            raise VerificationError(file.url, reason)
        warning = f"{file.filename}: taken without a digest, as upstream offers none"
        return Found(self._hashes.sha256, self._hashes.size, () if self._hashes.expected else (warning,))

    def cut_off(self, error: UnavailableError) -> UnavailableError:
        """Return the error, as a CutOffError where the next run can go on with what came."""
        can_go_on = self._validator and self._hashes.expected and self._hashes.size >= MIN_RESUMED
        if not can_go_on:
            return error
        received, validator = self._hashes.size, str(self._validator)
        return CutOffError(error.url, error.reason, received=received, validator=validator)

    def _begin(self) -> None:
        """Keep what came before if it is worth it, hashed; else begin anew."""
        if not self._has_begun:
            self._has_begun = True
            if self._validator:
                self._into.seek(0)
                while chunk := self._into.read(CHUNK):
                    self._hashes.update(chunk)
        if self._hashes.size and (not self._validator or self._hashes.size < MIN_RESUMED):
            self._rewind()

    def _rewind(self) -> None:
        self._into.seek(0)
        self._into.truncate()
        self._hashes = Hashes(self._file)

    def _receive(self, answer: Answer) -> None:
        file, hashes = self._file, self._hashes
        if hashes.expected is None:
            _check_trust(file, answer.url)
            if answer.content_encoding != "identity":
                raise VerificationError(
                    file.url, f"it comes packed ({answer.content_encoding}) and has no digest"
                )
        if file.size is None and answer.length is not None:
            self._check_space(answer.length)
        told = None if answer.length is None else answer.start + answer.length
        bound = next(b for b in (file.size, told, MAX_UNDECLARED) if b is not None)
        for chunk in answer.raw_chunks():
            hashes.update(chunk)
            if hashes.size > bound:
                raise VerificationError(file.url, f"it is longer than {bound} bytes")
            self._into.write(chunk)


def is_secure(url: str) -> bool:
    """Tell whether what comes from an address is what its server sent: by TLS, or without any network."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def _check_trust(file: File, url: str) -> None:
    if not is_secure(url):
        raise VerificationError(file.url, "it has no digest, and the connection is not https")


def _with_metadata(
    upstream: Upstream, file: File, content: BinaryIO, found: Found, *, is_adopted: bool
) -> Received:
    text, notes, error = core_metadata(upstream, file, content)
    return Received(found.sha256, found.size, is_adopted, text, found.notes + notes, error)


def core_metadata(
    upstream: Upstream, file: File, content: BinaryIO
) -> tuple[bytes | None, tuple[str, ...], UnavailableError | None]:
    """Return the core metadata of a file that is held: out of the wheel where that is what upstream offers.

    It is fetched only where the wheel's own differs from the digest offered, or the file is no wheel
    (PEP 658). Beside it come notes, and the error where upstream can't be had now.
    """
    if is_wheel(file.filename):
        content.seek(0)
        text = metadata.from_wheel(content, file.filename)
        if text is None:
            return None, (f"{file.filename}: no core metadata, as the wheel is damaged or has none",), None
        if is_offered(text, file):
            return text, (), None
    elif file.core_metadata is None:
        return None, (), None
    try:
        return upstream.retrying(partial(_metadata_transfer, upstream, file)), (), None
    except UnavailableError as error:
        return None, (), error
    except (NotFoundError, VerificationError) as error:
        return None, (f"{file.filename}: no core metadata ({error})",), None


def _metadata_transfer(upstream: Upstream, file: File) -> bytes:
    text = b""
    with upstream.open_file(f"{file.url}.metadata", size=metadata.MAX_SIZE) as answer:
        for chunk in answer.raw_chunks():
            text += chunk
            if len(text) > metadata.MAX_SIZE:
                raise VerificationError(answer.url, f"it is longer than {metadata.MAX_SIZE} bytes")
    if not is_offered(text, file):
        raise VerificationError(f"{file.url}.metadata", "its digest is not what upstream's page says")
    return text


class Document(NamedTuple):
    """A document, and what makes the next request for it conditional."""

    content: bytes
    validators: Validators


class _ProvenanceObject(msgspec.Struct):
    """What a document of provenance has to hold (PEP 740)."""

    version: int
    attestation_bundles: list[object]


_decode_provenance = msgspec.json.Decoder(_ProvenanceObject).decode
_PROVENANCE_TYPES = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9"


def provenance(upstream: Upstream, url: str, validators: Validators) -> Document | NotModified:
    """Fetch a document of provenance, conditionally where there are validators (PEP 740).

    Raises UpstreamError where it can't be had, does not come over https, or is another thing.
    """
    fetched = upstream.page(url, accept=_PROVENANCE_TYPES, validators=validators)
    if isinstance(fetched, NotModified):
        return fetched
    if not is_secure(fetched.url):
        raise VerificationError(fetched.url, "a document of provenance has to come over https")
    try:
        version = _decode_provenance(fetched.content).version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError(fetched.url, f"no document of provenance ({error})") from error
    if version != 1:
        raise VerificationError(fetched.url, f"a document of provenance of version {version}")
    return Document(fetched.content, fetched.validators)


def is_offered(text: bytes, file: File) -> bool:
    """Tell whether this is the core metadata whose digest upstream offers, if it offers one."""
    offered = strongest(file.core_metadata or ())
    return offered is None or _digest(text, offered.algorithm) == offered.hexdigest


def sha256_of(content: BinaryIO) -> str:
    """Return the sha256 of an open file."""
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def sha256(content: bytes) -> str:
    """Return the sha256 of a few bytes."""
    return _digest(content, "sha256")


def _digest(content: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
