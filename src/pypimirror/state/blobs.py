"""Values as blobs, each with a checksum before it: a flipped bit may leave a value that can be read."""

import zlib

import msgspec

from pypimirror.model import File, Provenance, Served
from pypimirror.want import Asked, Requires

_CRC_BYTES = 4
encoded = msgspec.msgpack.Encoder().encode
by_reason = msgspec.msgpack.Decoder(dict[str, list[str]]).decode


_decode_file = msgspec.msgpack.Decoder(File).decode
_decode_provenance = msgspec.msgpack.Decoder(Provenance).decode
_decode_served = msgspec.msgpack.Decoder(Served).decode
_decode_asked = msgspec.msgpack.Decoder(Asked).decode
_decode_requires = msgspec.msgpack.Decoder(Requires).decode


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


def file(blob: bytes) -> File:
    """Return the file in a blob; raise msgspec.DecodeError for damage, as all of these do."""
    return _decode_file(unsealed(blob))


def provenance(blob: bytes) -> Provenance:
    """Return the document of provenance in a blob."""
    return _decode_provenance(unsealed(blob))


def served(blob: bytes) -> Served:
    """Return what upstream's server said of a file without a digest."""
    return _decode_served(unsealed(blob))


def asked(blob: bytes) -> Asked:
    """Return what is asked for of a project."""
    return _decode_asked(unsealed(blob))


def requires(blob: bytes) -> Requires:
    """Return what a project's releases require."""
    return _decode_requires(unsealed(blob))
