"""Values as blobs, each with a checksum before it: a flipped bit may leave a value that can be read."""

import zlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from pypimirror.model import File, Provenance, Served
from pypimirror.want import Asked, Requires

_T = TypeVar("_T")

_CRC_BYTES = 4
_encode = msgspec.msgpack.Encoder().encode
_decode_reasons = msgspec.msgpack.Decoder(dict[str, list[str]]).decode


def sealed(value: msgspec.Struct) -> bytes:
    """Return a value as a blob."""
    content = _encode(value)
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


def packed(reasons: Mapping[str, str]) -> bytes:
    """Return names of files, each with why it is left out, as a blob."""
    by_reason: dict[str, list[str]] = {}
    for filename, why in reasons.items():
        by_reason.setdefault(why, []).append(filename)
    return zlib.compress(_encode(by_reason), 1)


def unpacked(blob: bytes) -> dict[str, str]:
    """Return what is in such a blob; raise msgspec.DecodeError or zlib.error for damage."""
    by_reason = _decode_reasons(zlib.decompress(blob))
    return {filename: why for why, filenames in by_reason.items() for filename in filenames}
