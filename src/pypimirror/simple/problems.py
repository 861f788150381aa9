"""What both representations share: their one error, the API version, and the bounds of what they take."""

import re
from urllib.parse import urlsplit

DIGEST = re.compile(r"page:[0-9a-f]{32}")
"""The digest of a project's page by which a mirror like this one tells that it changed."""

MOST_ENTRIES = 200_000
"""Entries of a project page; anchors that lead to no file count, too."""

LONGEST_ADDRESS = 2000
LONGEST_REASON = 1000
"""Characters of why a file was yanked, or a project has its status; what is longer is cut."""
LONGEST_TEXT = 500
"""Characters of any other text, as a constraint of Python versions; what is longer is dropped."""


class PageError(Exception):
    """Why bytes are no page of a simple index; it becomes BadPageError, which knows the address."""


def check_api_version(version: str | float) -> None:
    """Raise PageError for another major version than 1 (PEP 629)."""
    if str(version).partition(".")[0] != "1":
        raise PageError(f"API version {str(version)[:20]}; only 1.x is known")


def provenance(url: str | None) -> str | None:
    """Return an address of provenance; None where it is not a full https one, as PEP 740 demands."""
    if not url or len(url) > LONGEST_ADDRESS:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme == "https" and parts.hostname else None


def project_status(status: str | None, reason: str | None) -> tuple[str | None, str | None]:
    """Return the status marker and its reason; `active` is what a project without a marker is (PEP 792)."""
    if not status or status == "active" or len(status) > LONGEST_TEXT:
        return None, None
    return status, (reason or "")[:LONGEST_REASON] or None
