"""Documents of provenance (PEP 740): fetched, and held to be such."""

from typing import NamedTuple

import msgspec

from pypimirror.addresses import is_secure
from pypimirror.errors import VerificationError
from pypimirror.model import Validators
from pypimirror.upstream import NotModified, Upstream


class Document(NamedTuple):
    """A document, and what makes the next request for it conditional."""

    content: bytes
    validators: Validators
    is_verified: bool = False
    """It proves who published its file."""


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
    fetched = upstream.page(url, accept=_PROVENANCE_TYPES, validators=validators, is_of_index=False)
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
