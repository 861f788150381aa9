"""Whether a document of provenance proves who published a file (PEP 740); pypi-attestations verifies it.

That library comes with the extra `attestations`, takes a second to import, and is imported when it is needed.
Nothing is asked over the network: the trusted root is sigstore's own, as installed or last refreshed.
"""

import contextlib
import errno
import functools
import logging
from pathlib import Path

from pypimirror.errors import VerificationError

_MAX_SIZE = 1 << 20
_MAX_ATTESTATIONS = 100
_PATIENCE_S = 60.0
"""What another process may take to write sigstore's folder, before it is taken for one that was stopped."""


def verify(document: bytes, *, url: str, filename: str, sha256: str) -> tuple[str, ...]:
    """Return the publishers that a document proves for the file of this name and digest.

    Each of its attestations has to be about this file, and to verify for the publisher that it is listed
    under. Raises VerificationError where one does not, or where there is none, and OSError where this
    machine has no trusted root to verify by; `url` is the document's.
    """
    if len(document) > _MAX_SIZE:
        raise VerificationError(url, f"a document of provenance of more than {_MAX_SIZE:,} bytes")
    _prepare()
    try:
        return _publishers(document, filename, sha256)
    except MemoryError:
        raise
    except Exception as error:  # (whatever a library says of hostile bytes, they are not verified)
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise VerificationError(url, f"it does not prove who published {filename} ({text})") from error


@functools.cache
def _prepare() -> None:
    """Let sigstore write its folder, which it does without care for others that read it, and read it once.

    A folder that can't be locked, as on a disk that is only read, is read as it is. Raises OSError.
    """
    from filelock import FileLock
    from platformdirs import user_cache_path
    from sigstore.verify import Verifier

    # It warns of each trusted root that it does not refresh, which is as we want it.
    logging.getLogger("sigstore").setLevel(logging.ERROR)
    folder: Path = user_cache_path("sigstore-python", "sigstore")
    lock = FileLock(folder / "pypimirror.lock", timeout=_PATIENCE_S, fallback_to_soft=False)
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, NotImplementedError):
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(lock)
        try:
            Verifier.production(offline=True)
        except (MemoryError, OSError):
            raise
        except Exception as error:
            reason = f"sigstore's trusted root can't be read ({error}); remove it, and it is written anew"
            raise OSError(errno.EIO, reason, f"{folder / 'tuf'}") from error


def _publishers(document: bytes, filename: str, sha256: str) -> tuple[str, ...]:
    from pypi_attestations import Distribution, Provenance  # few mirrors need it, and it is slow

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
