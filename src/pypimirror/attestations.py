"""Whether a document of provenance proves who published a file (PEP 740); pypi-attestations verifies it.

That library comes with the extra `attestations`, takes a second to import, and is imported when it is needed.
Nothing is asked over the network: the trusted root is sigstore's own, as installed or last refreshed.
"""

import logging

from pypimirror.errors import VerificationError

_MAX_SIZE = 1 << 20
_MAX_ATTESTATIONS = 100


def verify(document: bytes, *, url: str, filename: str, sha256: str) -> tuple[str, ...]:
    """Return the publishers that a document proves for the file of this name and digest.

    Each of its attestations has to be about this file, and to verify for the publisher that it is listed
    under. Raises VerificationError where one does not, or where there is none; `url` is the document's.
    """
    if len(document) > _MAX_SIZE:
        raise VerificationError(url, f"a document of provenance of more than {_MAX_SIZE} bytes")
    try:
        return _publishers(document, filename, sha256)
    except MemoryError:
        raise
    except Exception as error:  # (whatever a library says of hostile bytes, they are not verified)
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise VerificationError(url, f"it does not prove who published {filename} ({text})") from error


def _publishers(document: bytes, filename: str, sha256: str) -> tuple[str, ...]:
    from pypi_attestations import Distribution, Provenance  # few mirrors need it, and it is slow

    # It warns of each trusted root that it does not refresh, which is as we want it.
    logging.getLogger("sigstore").setLevel(logging.ERROR)
    provenance = Provenance.model_validate_json(document)
    found = [(b.publisher, each) for b in provenance.attestation_bundles for each in b.attestations]
    if not 0 < len(found) <= _MAX_ATTESTATIONS:
        raise ValueError(f"it has {len(found)} attestations; 1 to {_MAX_ATTESTATIONS} are taken")
    distribution = Distribution(name=filename, digest=sha256)
    for publisher, attestation in found:
        attestation.verify(publisher, distribution, offline=True)
    return tuple(dict.fromkeys(_named(publisher.model_dump()) for publisher, _ in found))


def _named(publisher: dict[str, object]) -> str:
    return " ".join(str(value) for key, value in publisher.items() if value and key != "environment")
