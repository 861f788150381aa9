"""The status page in the root: written for those who ask for it, and removed if it is ours."""

import logging

from pypimirror.errors import TreeError
from pypimirror.mirror import Mirror
from pypimirror.store.layout import STATUS_HTML, STATUS_JSON

_log = logging.getLogger(__name__)

_MARKS = {
    STATUS_HTML: b'<meta name="generator" content="pypimirror status page">',
    STATUS_JSON: b'"pypimirror_status":',
}
"""What ours have within their first 1024 bytes."""


def is_there(mirror: Mirror) -> bool:
    """Tell whether both files are in the tree."""
    return all(mirror.store.size(".", name) is not None for name in _MARKS)


def ours(mirror: Mirror) -> set[str]:
    """Return those of the two files that pypimirror wrote."""
    return {name for name in _MARKS if _is_ours(mirror, name)}


def write(mirror: Mirror, html: bytes, json: bytes) -> None:
    """Write the page; raise TreeError where something of somebody else has its place."""
    for name in _MARKS:
        if mirror.store.link_target(name) is not None and not _is_ours(mirror, name):
            raise TreeError(name, "it is not of pypimirror; move it away, or set status_page = False")
    mirror.store.write(None, STATUS_JSON, json)
    mirror.store.write(None, STATUS_HTML, html)


def remove(mirror: Mirror) -> None:
    """Remove a page that is no longer wanted; what is not of our making stays."""
    try:
        for name in sorted(ours(mirror)):
            mirror.store.remove(".", name)
    except TreeError as error:
        _log.warning("%s", error)


def _is_ours(mirror: Mirror, name: str) -> bool:
    content = mirror.store.read(".", name)
    return content is not None and _MARKS[name] in content[:1024]
