"""What both representations share: their one error, the API version, and an entry's way to a `File`."""

import re
from collections.abc import Mapping
from urllib.parse import unquote, urljoin, urlsplit

from pypimirror import filenames
from pypimirror.addresses import without_credentials
from pypimirror.model import Digest

DIGEST = re.compile(r"page:[0-9a-f]{32}")
"""The digest of a project's page by which a mirror like this one tells that it changed."""

_HEX = re.compile(r"[0-9a-f]{8,256}")
_ALGORITHM = re.compile(r"[a-z0-9_-]{1,32}")


class PageProblem(Exception):  # noqa: N818 (becomes BadPageError, which knows the address)
    """Why bytes are no page of a simple index."""


def check_api_version(version: str) -> None:
    """Raise PageProblem for another major version than 1 (PEP 629)."""
    if version.partition(".")[0] != "1":
        raise PageProblem(f"API version {version[:20]}; only 1.x is known")


def digests(offered: Mapping[str, str]) -> tuple[Digest, ...]:
    """Return the well-formed digests of `offered`, sorted by algorithm."""
    pairs = ((algorithm.lower(), value.lower()) for algorithm, value in offered.items())
    return tuple(sorted({Digest(a, v) for a, v in pairs if _ALGORITHM.fullmatch(a) and _HEX.fullmatch(v)}))


def provenance(url: str | None) -> str | None:
    """Return an address of provenance; None where it is not a full https one, as PEP 740 demands."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None


def project_status(status: str | None, reason: str | None) -> tuple[str | None, str | None]:
    """Return the status marker and its reason; `active` is what a project without a marker is (PEP 792)."""
    if not status or status == "active":
        return None, None
    return status, reason or None


def file_url(base: str, reference: str) -> str:
    """Return the absolute address of a file, without fragment and credentials.

    Raises ValueError for other than http and https.
    """
    url = without_credentials(urljoin(base, reference).partition("#")[0])
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"its address {url[:200]!r} is none of http or https")
    return url


def filename_of(url: str) -> str:
    """Return the last component of an address's path, percent-decoded."""
    return unquote(url.partition("#")[0].partition("?")[0].rpartition("/")[2])


def refusal(filename: str) -> str | None:
    """Say why a file of this name is refused; None where it is not."""
    if reason := filenames.why_unsafe(filename):
        return f"{filename[:200]!r}: its name is {reason}"
    if not filenames.is_distribution(filename):
        return f"{filename[:200]!r}: by its ending it is no distribution"
    return None
