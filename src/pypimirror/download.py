"""One file's way in: streamed, bounded, hashed and verified, into a file that `store` opened.

Everything here runs beside the main thread: a task in, a value out, nothing shared.
"""

import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import BinaryIO, NamedTuple

import msgspec

from pypimirror import metadata
from pypimirror.addresses import host_of, is_secure
from pypimirror.checksums import Hashes, is_offered, strongest
from pypimirror.documents import Document
from pypimirror.errors import (
    CutOffError,
    MirrorError,
    NotAskedError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from pypimirror.filenames import is_own_packing, is_wheel
from pypimirror.model import File, HeldFile, Served, Validators
from pypimirror.upstream import Answer, NotModified, Upstream

MIN_RESUMED = 1 << 20
"""Bytes from which on it is worth to go on with a file that broke off."""

MAX_UNDECLARED = 1 << 33
"""Bytes that are taken of a file whose size neither the page nor the answer tells."""

_one_wheel = threading.Lock()
"""Whose members are looked at: of many they take some 60 MiB, and each thread may get such a one."""


class Unchanged(NamedTuple):
    """A held file is what upstream has; what it says of it now."""

    served: Served | None
    """None: what it said before."""


class Received(NamedTuple):
    """A file that is whole and verified: in the temporary file, or where it was if `is_adopted`."""

    sha256: str
    size: int
    is_verified: bool = True
    """By a digest, as far as upstream offers any."""
    is_adopted: bool = False
    metadata: bytes | None = None
    notes: tuple[str, ...] = ()
    metadata_error: UnavailableError | None = None
    provenance: Document | None = None
    """What proved who published it, where that is required."""
    served: Served | None = None
    """Set where upstream offers no digest."""
    requires: tuple[str, ...] | None = None
    """What its core metadata requires, where that was asked."""


class Into(NamedTuple):
    """Where a file goes to."""

    file: BinaryIO
    validator: str | None
    """Where an earlier run left something in it: which file that was."""
    check_space: Callable[[int], None]
    """Called with a size that only the answer tells; raises DiskFullError or TooBigError."""


def adopted(upstream: Upstream, file: File, existing: BinaryIO) -> Received | None:
    """Return what is known of `existing` if it is the file; None where it is not."""
    found = verified(file, existing)
    return found and _with_metadata(upstream, file, existing, found)._replace(is_adopted=True)


def obtain(upstream: Upstream, file: File, into: Into) -> Received | MirrorError | OSError:
    """Download a file; errors come as values.

    What an earlier run left in `into` is gone on with where there is a `validator` for it. A MirrorError
    concerns this file alone, an OSError or DiskFullError the machine; after a CutOffError what came is worth
    to be kept.
    """
    transfer = _Transfer(upstream, file, into)
    try:
        found = upstream.retrying(transfer)
        return _with_metadata(upstream, file, into.file, found)
    except NotAskedError as error:
        return error
    except UnavailableError as error:
        return transfer.cut_off(error)
    except MirrorError as error:
        return error
    except OSError as error:
        transfer.give_back()
        return error


def look_again(
    upstream: Upstream, held: HeldFile, into: Into, *, trusts_size: bool
) -> Received | Unchanged | MirrorError | OSError:
    """Ask for a held file that upstream offers no digest of, conditionally; errors come as values.

    Other bytes come as Received, in `into`. With `trusts_size` a file of which upstream says the same as
    before is the same.
    """
    try:
        return upstream.retrying(lambda: _looked(upstream, held, into, trusts_size=trusts_size))
    except (MirrorError, OSError) as error:
        return error


def _looked(upstream: Upstream, held: HeldFile, into: Into, *, trusts_size: bool) -> Received | Unchanged:
    file, before = held.file, held.served or Served()
    now = msgspec.structs.replace
    with upstream.open_if_changed(file.url, Validators(before.etag, before.last_modified)) as answer:
        if isinstance(answer, NotModified):
            return Unchanged(None)
        said = _served(answer)
        if trusts_size and held.served is not None and said == now(before, refused=None):
            return Unchanged(None)
        # What was listed of the bytes that are held says nothing of these.
        bare = now(file, digests=(), size=None)
        transfer = _Transfer(upstream, bare, into)
        found = transfer.read(answer)
    if found.sha256 == held.sha256:
        return Unchanged(said)
    return _with_metadata(upstream, bare, into.file, found._replace(served=said))


def _served(answer: Answer) -> Served:
    return Served(
        etag=answer.validators.etag, last_modified=answer.validators.last_modified, length=answer.length
    )


def verified(file: File, existing: BinaryIO) -> Received | None:
    """Read `existing` and tell whether it is the file by its strongest digest; None where it is not."""
    hashes = Hashes(file)
    if hashes.expected is None:
        return None
    hashes.update_from(existing)
    return None if hashes.mismatch(file) else Received(hashes.sha256, hashes.size)


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
        self._before = 0
        """Bytes that came before, and are still what is there."""
        self._served: Served | None = None

    def __call__(self) -> Received:
        file = self._file
        if self._hashes.expected is None:
            self._check_trust(file.url)
        self._begin()
        start = self._hashes.size
        is_verified = self._hashes.expected is not None
        with self._upstream.open_file(
            file.url, start=start, if_range=self._validator, size=file.size, is_verified=is_verified
        ) as answer:
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
            packed = why_packed(file.filename, answer.content_encoding)
            raise VerificationError(file.url, f"{reason}; {packed}" if packed else reason)
        return Received(self._hashes.sha256, self._hashes.size, is_verified, served=self._served)

    def read(self, answer: Answer) -> Received:
        """Take the whole of an answer that is open already."""
        self._rewind()
        self._receive(answer)
        return Received(self._hashes.sha256, self._hashes.size)

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
                self._hashes.update_from(self._into)
                self._before = self._hashes.size
        if self._hashes.size and (not self._validator or self._hashes.size < MIN_RESUMED):
            self._rewind()

    def give_back(self) -> None:
        """Take no more of a disk that may be full than what came in an earlier run."""
        with contextlib.suppress(OSError):  # it was no more than a help
            self._into.truncate(self._before)

    def _rewind(self) -> None:
        self._into.seek(0)
        self._into.truncate()
        self._before = 0
        self._hashes = Hashes(self._file)

    def _check_trust(self, url: str) -> None:
        if not is_secure(url) and not self._upstream.accepts_unverified(url):
            host = host_of(url)
            reason = (
                f"it has no digest, and the connection to {host} is not https;"
                f" accept_unverified = {host} takes it all the same"
            )
            raise VerificationError(self._file.url, reason)

    def _receive(self, answer: Answer) -> None:
        file, hashes = self._file, self._hashes
        if hashes.expected is None:
            self._check_trust(answer.url)
            self._served = _served(answer)
            if reason := why_packed(file.filename, answer.content_encoding):
                raise VerificationError(file.url, f"{reason} and has no digest")
        if file.size is None and answer.length is not None:
            self._check_space(answer.length)
        told = None if answer.length is None else answer.start + answer.length
        bound = next(b for b in (file.size, told, MAX_UNDECLARED) if b is not None)
        for chunk in answer.blocks():
            hashes.update(chunk)
            if hashes.size > bound:
                raise VerificationError(file.url, f"it is longer than {bound:,} bytes")
            self._into.write(chunk)


def why_packed(filename: str, encoding: str) -> str | None:
    """Say that a file comes packed, though it was asked for as it is; None where that is its own packing."""
    if encoding == "identity" or is_own_packing(filename, encoding):
        return None
    return f"it comes packed ({encoding[:100]})"


def _with_metadata(upstream: Upstream, file: File, content: BinaryIO, found: Received) -> Received:
    text, notes, error = core_metadata(upstream, file, content)
    return found._replace(metadata=text, notes=notes, metadata_error=error)


def core_metadata(
    upstream: Upstream, file: File, content: BinaryIO
) -> tuple[bytes | None, tuple[str, ...], UnavailableError | None]:
    """Return the core metadata of a file that is held: a wheel's own, whatever upstream offers.

    It is fetched only where the file is no wheel (PEP 658). Beside it come notes, and the error where
    upstream can't be had now.
    """
    if is_wheel(file.filename):
        content.seek(0)
        with _one_wheel:
            text = metadata.from_wheel(content, file.filename)
        if text is None:
            reason = "no core metadata, as the wheel is damaged, has none, or too many files"
            return None, (f"{file.filename}: {reason}",), None
        note = f"{file.filename}: its own core metadata is kept, as what upstream offers is another wheel's"
        return text, () if is_offered(text, file) else (note,), None
    if file.core_metadata is None:
        return None, (), None
    try:
        return offered_metadata(upstream, file), (), None
    except UnavailableError as error:
        return None, (), error
    except (NotFoundError, VerificationError) as error:
        return None, (f"{file.filename}: no core metadata ({error})",), None


def offered_metadata(upstream: Upstream, file: File) -> bytes:
    """Fetch the core metadata that upstream offers of a file (PEP 658); raise MirrorError."""
    return upstream.retrying(partial(_metadata_transfer, upstream, file))


def _metadata_transfer(upstream: Upstream, file: File) -> bytes:
    is_verified = strongest(file.core_metadata or ()) is not None
    with upstream.open_file(
        f"{file.url}.metadata", size=metadata.MAX_SIZE, is_verified=is_verified
    ) as answer:
        text = answer.read(metadata.MAX_SIZE, is_raw=True)
    if len(text) > metadata.MAX_SIZE:
        raise VerificationError(answer.url, f"it is longer than {metadata.MAX_SIZE:,} bytes")
    if not is_offered(text, file):
        raise VerificationError(f"{file.url}.metadata", "its digest is not what upstream's page says")
    return text
