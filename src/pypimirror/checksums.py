"""Checksums: those that can be checked, those that upstream offers, and those of bytes. Pure."""

import hashlib
from collections.abc import Iterable
from typing import BinaryIO

from pypimirror.model import Digest, File

_BLOCK = 1 << 16

_STRENGTH = (
    *("md5", "sha1", "sha224", "sha3_224", "sha256", "blake2s", "sha3_256"),
    *("sha384", "sha3_384", "sha512", "sha3_512", "blake2b"),
)
"""Algorithms that can be checked (hashlib's guaranteed set of fixed length), the weakest first."""

DIGITS = {name: 2 * hashlib.new(name, usedforsecurity=False).digest_size for name in _STRENGTH}
"""The same, with the digits of their digests."""


def strongest(digests: Iterable[Digest]) -> Digest | None:
    """Return the strongest digest that can be checked; None where there is none."""
    known = [d for d in digests if len(d.hexdigest) == DIGITS.get(d.algorithm)]
    return max(known, key=lambda d: _STRENGTH.index(d.algorithm), default=None)


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

    def update_from(self, file: BinaryIO) -> None:
        """Go on with all that is left of a file."""
        while chunk := file.read(_BLOCK):
            self.update(chunk)

    @property
    def sha256(self) -> str:
        """Of all so far."""
        return self._sha256.hexdigest()

    def mismatch(self, file: File) -> str | None:
        """Say what differs from what upstream's page says; None where nothing does."""
        if file.size is not None and self.size != file.size:
            return f"it has {self.size:,} bytes, upstream's page says {file.size:,}"
        if self.expected and self._offered.hexdigest() != self.expected.hexdigest:
            algorithm, hexdigest = self.expected
            return f"its {algorithm} is {self._offered.hexdigest()}, upstream's page says {hexdigest}"
        return None


def is_offered(text: bytes, file: File) -> bool:
    """Tell whether this is the core metadata whose digest upstream offers, if it offers one."""
    offered = strongest(file.core_metadata or ())
    return offered is None or _digest(text, offered.algorithm) == offered.hexdigest


def sha256_of(content: BinaryIO) -> str:
    """Return the sha256 of an open file."""
    digest = hashlib.sha256()
    while chunk := content.read(_BLOCK):
        digest.update(chunk)
    return digest.hexdigest()


def sha256(content: bytes) -> str:
    """Return the sha256 of a few bytes."""
    return _digest(content, "sha256")


def _digest(content: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
