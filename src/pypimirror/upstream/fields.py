"""Fields of a request's header, and what those of an answer say."""

from collections.abc import Mapping
from http import HTTPStatus

from pypimirror.model import Validators

FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""What a file is asked for with: its very bytes."""


def conditions(validators: Validators) -> dict[str, str]:
    """Return the headers of a conditional request (RFC 9110, 13.1)."""
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in named.items() if value}


def begins_at(fields: Mapping[str, str], start: int) -> bool:
    """Tell whether a partial answer is the rest that was asked for (RFC 9110, 14.4)."""
    return fields.get("content-range", "").startswith(f"bytes {start}-")


def is_news(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer is worth a line: what a page says is told where it changes something."""
    if status == HTTPStatus.NOT_MODIFIED:
        return False
    return status != HTTPStatus.OK or headers.get("Accept") == FILE_HEADERS["Accept"]
