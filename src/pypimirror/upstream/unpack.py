"""Unpacking what a page travels in (RFC 9110, 8.4.1): gzip and deflate, to their very end, in bounded steps.

What is cut is an error, though the answer had its full length; and so is much that comes in while nothing
comes out.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

STEP = 1 << 18
"""Bytes that come out at once."""
_SLACK = 1 << 20
"""By how many bytes what travels packed may be longer than what comes out of it."""

_NONE = frozenset(
    {
        *("identity", "none", "binary", "7bit", "8bit", "aws-chunked"),
        *("ascii", "us-ascii", "utf-8", "utf8", "iso-8859-1"),
    }
)
"""What names no packing, though servers put it there."""
_GZIP = frozenset({"gzip", "x-gzip"})
_MAGIC = b"\x1f\x8b"
_SEPARATOR = re.compile(r"[,;\s]+")


class PackingError(Exception):
    """What comes is not packed as it says, or not to its end."""


class UnknownPackingError(Exception):
    """It is packed in a way that was not asked for."""


def packing(value: str) -> str:
    """Return what a Content-Encoding says that has to be unpacked; `identity` where that is nothing."""
    if not value:
        return "identity"
    named = [name for name in _SEPARATOR.split(value.lower()) if name and name not in _NONE]
    return ", ".join(named) or "identity"


def unpacked(blocks: Iterable[bytes], value: str) -> Iterator[bytes]:
    """Yield what is in the blocks of an answer with this Content-Encoding, at most STEP bytes at once.

    Raises UnknownPackingError for any packing but gzip and deflate, PackingError where it is damaged or cut.
    """
    name = packing(value)
    if name == "identity":
        return iter(blocks)
    if name not in _GZIP and name != "deflate":
        raise UnknownPackingError(name[:100])
    packed = _Packed(blocks)
    return packed.members() if name in _GZIP else packed.deflated()


class _Packed:
    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = b""
        self._fruitless = 0
        """Bytes that came in, less those that came out for them."""

    def members(self) -> Iterator[bytes]:
        """Yield what is in the members of a gzip file (RFC 1952); what is behind them is none of it."""
        yield from self._stream(zlib.decompressobj(16 + zlib.MAX_WBITS))
        while self._has(len(_MAGIC)) and self._rest.startswith(_MAGIC):
            yield from self._stream(zlib.decompressobj(16 + zlib.MAX_WBITS))
        self._drop()

    def deflated(self) -> Iterator[bytes]:
        """Yield what is in a stream of zlib (RFC 1950), or in one without a header, as some servers send."""
        has_header = self._has(2) and self._rest[0] & 15 == 8 and int.from_bytes(self._rest[:2]) % 31 == 0
        yield from self._stream(zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS))
        self._drop()

    def _stream(self, stream: Any) -> Iterator[bytes]:
        out = b""
        while not stream.eof:
            # A full step may have left something behind that needs no more input.
            if not self._rest and len(out) < STEP and not self._more():
                raise PackingError("what is packed is cut off")
            try:
                out = stream.decompress(self._rest, STEP)
            except zlib.error as error:
                raise PackingError(f"it is not packed as it says: {error}") from error
            self._rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            self._fruitless = max(0, self._fruitless - len(out))
            if out:
                yield out

    def _has(self, size: int) -> bool:
        while len(self._rest) < size:
            if not self._more():
                return False
        return True

    def _more(self) -> bool:
        block = next(self._blocks, None)
        if block is None:
            return False
        self._rest += bytes(block)
        self._fruitless += len(block)
        if self._fruitless > _SLACK:
            raise PackingError("it is packed, and nothing comes out of it")
        return True

    def _drop(self) -> None:
        self._rest = b""
        while self._more():
            self._rest = b""
