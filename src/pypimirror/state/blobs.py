"""Values as blobs, each with a checksum before it: a flipped bit may leave a value that can be read."""

import zlib
from collections.abc import Callable
from typing import TypeVar

import msgspec

from pypimirror.model import File, Provenance, Served
from pypimirror.want import Asked, Requires

_T = TypeVar("_T")

_CRC_BYTES = 4
encoded = msgspec.msgpack.Encoder().encode
by_reason = msgspec.msgpack.Decoder(dict[str, list[str]]).decode


def sealed(value: msgspec.Struct) -> bytes:
    """Return a value as a blob."""
    content = encoded(value)
    return zlib.crc32(content).to_bytes(_CRC_BYTES, "little") + content


def unsealed(blob: bytes) -> bytes:
    """Return what is in a blob; raise msgspec.DecodeError for damage."""
    content = blob[_CRC_BYTES:]
    if zlib.crc32(content).to_bytes(_CRC_BYTES, "little") != blob[:_CRC_BYTES]:
        raise msgspec.DecodeError("a value has not its checksum")
    return content


def _reader(kind: type[_T]) -> Callable[[bytes], _T]:
    """Return what reads a value of a kind in a blob; it raises msgspec.DecodeError for damage."""
    decode = msgspec.msgpack.Decoder(kind).decode
    return lambda blob: decode(unsealed(blob))


file = _reader(File)
provenance = _reader(Provenance)
served = _reader(Served)
asked = _reader(Asked)
requires = _reader(Requires)
