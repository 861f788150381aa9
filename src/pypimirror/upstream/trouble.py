"""Why a request failed, and when to ask again."""

import contextlib
import email.utils
import errno
from datetime import UTC, datetime
from urllib.parse import urljoin

from pypimirror.errors import UnavailableError


def raise_of_machine(error: BaseException) -> None:
    """Raise what is no trouble of upstream's, but of this machine."""
    inner = _root(error)
    if isinstance(inner, OSError) and inner.errno in (errno.EMFILE, errno.ENFILE):
        raise inner from error


def is_silence(error: BaseException) -> bool:
    """Tell whether a socket's own time-out ended a request."""
    inner = _root(error)
    return isinstance(inner, TimeoutError) and inner.errno is None


def _root(error: BaseException) -> BaseException:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException) and id(e) not in seen), error)
    return error


def innermost(error: BaseException) -> str:
    """Say in a few words why a request failed: what the innermost error says."""
    error = _root(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition(">: ")[2] or type(error).__name__


def retry_after(value: str | None) -> float | None:
    """Read Retry-After in seconds: a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        if value.strip().isdecimal():
            return float(value)
        moment = email.utils.parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def redirected(url: str, location: str) -> str:
    """Return where a redirect leads; raise UnavailableError where that is no address."""
    with contextlib.suppress(UnicodeError):  # headers come as Latin-1, addresses in them are UTF-8
        location = location.encode("latin-1").decode()
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise UnavailableError(url, f"redirects to {location!r}", may_pass=False) from error
