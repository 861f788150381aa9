"""Where redirects may lead, and following them."""

import contextlib
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from pypimirror.addresses import shown, without_credentials
from pypimirror.errors import UnavailableError
from pypimirror.upstream.connections import Response

MAX_ADDRESS = 2000
"""Characters of an address that is followed."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@contextlib.contextmanager
def followed(
    url: str, ask: Callable[[str], Response], onwards: Callable[[str, str], str], *, most: int
) -> Iterator[Response]:
    """Yield the answer from where redirects led to; read no body."""
    for _ in range(most + 1):
        response = ask(url)
        try:
            location = response.fields.get("location") if response.status in _REDIRECTS else None
            if not location:
                yield response
                return
            url = onwards(url, location)
        finally:
            response.release()
    raise UnavailableError(url, f"more than {most} redirects", may_pass=False)


def onwards(url: str, location: str, may_leave_https: Callable[[str], bool]) -> str:
    """Return where a redirect leads; raise UnavailableError where nobody may follow it."""
    target = redirected(url, location)
    if url.startswith("https:") and not target.startswith("https:") and not may_leave_https(target):
        reason = f"redirects from https to http ({shown(target)}), where anybody may have changed it"
        raise UnavailableError(url, reason, may_pass=False)
    return target


def redirected(url: str, location: str) -> str:
    """Return where a redirect leads, without user and fragment.

    Raises UnavailableError where that is no address, or too long to be meant.
    """
    with contextlib.suppress(UnicodeError):  # headers come as Latin-1, addresses in them are UTF-8
        location = location.encode("latin-1").decode()
    if len(location) > MAX_ADDRESS:
        raise UnavailableError(
            url, f"redirects to an address of {len(location):,} characters", may_pass=False
        )
    try:
        target = without_credentials(urljoin(url, location).partition("#")[0])
        parts = urlsplit(target)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good, target = False, ""
    if not is_good or len(target) > MAX_ADDRESS:
        reason = f"redirects to {shown(location)!r}; only http and https are followed, to a sound address"
        raise UnavailableError(url, reason, may_pass=False)
    return target
