"""Values as blobs, each with a checksum before it: a flipped bit may leave a value that can be read."""

import zlib

import msgspec

from pypimirror.model import External, File, Link, Provenance, Served
from pypimirror.want import Asked, Requires

_CRC_BYTES = 4
encoded = msgspec.msgpack.Encoder().encode
by_reason = msgspec.msgpack.Decoder(dict[str, list[str]]).decode


class ExternalLinks(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where else there may be files of a project."""

    page: tuple[Link, ...] = ()
    """By the project's page."""
    document: Link | None = None
    """By its legacy JSON document."""
    looked: frozenset[Link] = frozenset()
    """Those that were looked at."""

    def every(self) -> dict[str, Link]:
        """Return all by their addresses."""
        found = {link.url: link for link in self.page}
        return found if self.document is None else found | {self.document.url: self.document}


_decode_file = msgspec.msgpack.Decoder(File).decode
_decode_provenance = msgspec.msgpack.Decoder(Provenance).decode
_decode_external = msgspec.msgpack.Decoder(External).decode
_decode_served = msgspec.msgpack.Decoder(Served).decode
_decode_links = msgspec.msgpack.Decoder(ExternalLinks).decode
_decode_asked = msgspec.msgpack.Decoder(Asked).decode
_decode_requires = msgspec.msgpack.Decoder(Requires).decode


def sealed(value: msgspec.Struct) -> bytes:
    """Return a value as a blob."""
    content = encoded(value)
    return zlib.crc32(content).to_bytes(_CRC_BYTES, "little") + content


def _unsealed(blob: bytes) -> bytes:
    content = blob[_CRC_BYTES:]
    if zlib.crc32(content).to_bytes(_CRC_BYTES, "little") != blob[:_CRC_BYTES]:
        raise msgspec.DecodeError("a value has not its checksum")
    return content


def file(blob: bytes) -> File:
    """Return the file in a blob; raise msgspec.DecodeError for damage, as all of these do."""
    return _decode_file(_unsealed(blob))


def provenance(blob: bytes) -> Provenance:
    """Return the document of provenance in a blob."""
    return _decode_provenance(_unsealed(blob))


def external(blob: bytes) -> External:
    """Return how a file came that lies elsewhere."""
    return _decode_external(_unsealed(blob))


def served(blob: bytes) -> Served:
    """Return what upstream's server said of a file without a digest."""
    return _decode_served(_unsealed(blob))


def links(blob: bytes) -> ExternalLinks:
    """Return the links in a blob."""
    return _decode_links(_unsealed(blob))


def asked(blob: bytes) -> Asked:
    """Return what is asked for of a project."""
    return _decode_asked(_unsealed(blob))


def requires(blob: bytes) -> Requires:
    """Return what a project's releases require."""
    return _decode_requires(_unsealed(blob))
