"""Why a request failed, and when to ask again."""

import email.utils
import errno
import re
import ssl
from datetime import UTC, datetime
from http import HTTPStatus

from urllib3 import exceptions

from pypimirror.addresses import shown
from pypimirror.errors import NotFoundError, UnavailableError
from pypimirror.upstream.certificates import whom_to_trust
from pypimirror.upstream.connections import Response
from pypimirror.upstream.proxies import proxy_for, through_proxy, variable_for

_LOGIN = "; if it wants a name and a password, they stand in index_url, or in ~/.netrc (or where NETRC says)"
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_TUNNEL = re.compile("Tunnel connection failed: ([0-9]+)")
"""How http.client tells what a proxy answers."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?")
_LONGEST_VALUE = 1000
_LONGEST_RETRY_AFTER_S = 366 * 86_400.0


def refusal(response: Response, hint: str = "") -> NotFoundError | UnavailableError:
    """Return what to raise for an answer that is not 200; a `hint` says what may help."""
    status = response.status
    reason = f"answers {status} {response.reason or ''}".rstrip() + hint
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return NotFoundError(response.url, reason)
    if response.url.startswith("http:"):  # through a tunnel no proxy can answer
        reason += through_proxy(response.url)
    pause = retry_after(response.fields.get("retry-after"))
    return UnavailableError(response.url, reason, may_pass=status in MAY_PASS, retry_after=pause)


def login_hint(response: Response) -> str:
    """Say what may help where a name and a password lack."""
    url, status = response.url, response.status
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and proxy_for(url):
        return f"; the proxy's name and password stand in {variable_for(url)}"
    return _LOGIN if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else ""


def raise_of_machine(error: BaseException) -> None:
    """Raise an error that is this machine's, and not upstream's."""
    inner = root(error)
    if isinstance(inner, OSError) and inner.errno in (errno.EMFILE, errno.ENFILE):
        raise inner from error


def failure(url: str, error: Exception, too_long: str | None) -> UnavailableError:
    """Return what an error of a request means; raise it if it is this machine's."""
    raise_of_machine(error)
    is_tls = isinstance(root(error), ssl.SSLError)
    if isinstance(error, exceptions.ProxyError):
        answered = map(int, _TUNNEL.findall(innermost(error)))
        reason = why_no_proxy(url, error, too_long)
        return UnavailableError(url, reason, may_pass=MAY_PASS.issuperset(answered) and not is_tls)
    if too_long is not None:
        return UnavailableError(url, too_long + through_proxy(url))
    if isinstance(error, exceptions.SSLError):
        reason = f"TLS failed ({innermost(error)}){whom_to_trust(root(error))}"
        return UnavailableError(url, reason, may_pass=False)
    if isinstance(error, ValueError):  # what is no address at all never will be one
        return UnavailableError(url, innermost(error), may_pass=False)
    return UnavailableError(url, innermost(error) + through_proxy(url))


def why_no_proxy(url: str, error: exceptions.ProxyError, too_long: str | None = None) -> str:
    """Say why the proxy for an address can't be used, and what may help."""
    reason = innermost(error) if too_long is None else too_long
    hint = whom_to_trust(root(error))
    if _TUNNEL.findall(reason) == ["407"]:
        hint = f"; its name and password stand in {variable_for(url)}"
    return f"the proxy {shown(proxy_for(url) or '')} can't be used ({reason}){hint}"


def is_silence(error: BaseException) -> bool:
    """Tell whether a socket's own time-out ended a request."""
    inner = root(error)
    return isinstance(inner, TimeoutError) and inner.errno is None


def root(error: BaseException) -> BaseException:
    """Return the innermost error, which knows most."""
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException) and id(e) not in seen), error)
    return error


def innermost(error: BaseException) -> str:
    """Say in a few words why a request failed: what the innermost error says."""
    error = root(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition(">: ")[2] or type(error).__name__


def retry_after(value: str | None) -> float | None:
    """Read Retry-After in seconds: a number or a date (RFC 9110, 10.2.3); of several the longest.

    Servers send fractions, too, which the RFC does not know; what can't be read is None.
    """
    if value is None:
        return None
    value = value[:_LONGEST_VALUE]
    # A date has a comma in itself.
    read = map(_seconds, (value.strip(), *map(str.strip, value.split(","))))
    found = [seconds for seconds in read if seconds is not None]
    return min(max(found), _LONGEST_RETRY_AFTER_S) if found else None


def _seconds(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError, IndexError):
        return None
