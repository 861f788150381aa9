"""One client for the index and all other hosts: what is the same for an origin, and kept connections."""

import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from ssl import SSLContext
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3

from pypimirror import __version__
from pypimirror.addresses import PORTS, origin
from pypimirror.errors import UnavailableError
from pypimirror.upstream.certificates import context, trust
from pypimirror.upstream.connections import (
    ClosedEarlyError,
    Connection,
    FirstHandshakes,
    Origin,
    Response,
    Way,
)
from pypimirror.upstream.credentials import Login
from pypimirror.upstream.deadlines import Deadline
from pypimirror.upstream.proxies import basic, manager, proxy_for
from pypimirror.upstream.reach import AnyReach, RefusedAddressError
from pypimirror.upstream.rules import UnusableError

_ORIGINS = 32
"""Origins whose connections are kept: an index, its file hosts, and whatever it redirects to."""
_AGENT = f"pypimirror/{__version__} requests/{requests.__version__}"
_AS_IT_IS = "!#$%&'()*+,/:;=?@[]~"
"""What stays in the target of a request, beside letters and digits."""

Who = tuple[Login | None, tuple[str, ...]]
"""As whom an origin is asked: name and password, and files with a certificate and its key."""


TROUBLE = (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError)
"""What a request may raise; ValueError for what is no address."""


class Client:
    """Sends single requests: no retries, no redirects, no cookies, and bodies that nobody reads yet."""

    def __init__(
        self,
        reach: AnyReach,
        *,
        ca_bundle: str,
        connect_s: float,
        who: Callable[[str], Who] = lambda _url: (None, ()),
    ) -> None:
        self._reach = reach
        self._ca_bundle = ca_bundle
        self._connect_s = connect_s
        self._who = who
        self.requests = 0
        """How many were sent so far."""
        self._lock = threading.Lock()
        self._first_handshakes = FirstHandshakes()
        self._origins: dict[tuple[str, str], Origin] = {}
        """By scheme, and host with user and port."""
        weakref.finalize(self, _close, self._origins)

    def close(self) -> None:
        """Close idle connections."""
        _close(self._origins)

    def send(self, url: str, headers: dict[str, str], deadline: Deadline) -> Response:
        """Send a request within a deadline; return the open answer, which has to be released: that ends both.

        Raises UnavailableError for what may not be asked, else some of TROUBLE.
        """
        try:
            response = self._sent(url, headers, deadline)
            if not deadline.has_cut:
                return response
            response.release()
        except (RefusedAddressError, UnusableError) as error:
            deadline.end()
            raise UnavailableError(url, str(error), may_pass=False) from error
        except BaseException:
            deadline.end()
            raise
        raise TimeoutError  # a head that is cut off looks like one that ended

    def _sent(self, url: str, headers: dict[str, str], deadline: Deadline) -> Response:
        """Send a request; once more, at once, where a server closed a kept connection at that very moment."""
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc
        with self._lock:
            found = self._origins.get(key) or self._found(url, key)
            self.requests += 1
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        target, fields = found.prefix + quote(path, _AS_IT_IS), _lines(headers)
        if kept := found.kept():
            try:
                return kept.ask(url, target, fields, deadline)
            except ClosedEarlyError:
                if deadline.has_cut:
                    raise
            with self._lock:
                self.requests += 1
        return Connection(found, deadline).ask(url, target, fields, deadline)

    def _found(self, url: str, key: tuple[str, str]) -> Origin:
        scheme, host, port = _checked(url)
        proxy = proxy_for(url)
        login, certificate = self._who(url)
        tls = context(trust(self._ca_bundle), certificate) if scheme == "https" else None
        way = self._direct(host, port, tls) if proxy is None else self._behind(proxy, url, host, port, tls)
        fields = urllib3.make_headers(keep_alive=True, user_agent=_AGENT)
        if login:
            fields["authorization"] = basic(*login)
        host = host.rstrip(".")
        fields["Host"] = host if port == PORTS[scheme] else f"{host}:{port}"
        prefix = ""
        if way.forwards is not None:
            fields |= way.forwards
            prefix = f"http://{fields['Host']}"
        if len(self._origins) >= _ORIGINS:
            self.close()
        found = self._origins[key] = Origin(way, prefix, _lines(fields))
        return found

    def _direct(self, host: str, port: int, tls: Any) -> Way:
        """Return the way to addresses that are looked up and checked for each connection."""
        hosts = partial(self._reach.addresses, host, port)
        options: dict[str, Any] = {"port": port, "timeout": self._connect_s}
        if tls is None:
            return Way(urllib3.connection.HTTPConnection, hosts, options, self._first_handshakes)
        options |= {"ssl_context": tls, "server_hostname": host.strip("[].")}
        return Way(urllib3.connection.HTTPSConnection, hosts, options, self._first_handshakes)

    def _behind(self, proxy: str, url: str, host: str, port: int, tls: Any) -> Way:
        """Return the way to a proxy, which resolves names by itself."""
        self._reach.check_behind_proxy(url)

        def trusted() -> SSLContext:
            return context(trust(self._ca_bundle))

        pool: Any = manager(url, proxy, trusted).connection_from_host(host, port, urlsplit(url).scheme)
        place = pool.proxy or pool
        options = {"port": place.port, "timeout": self._connect_s} | pool.conn_kw
        if pool.scheme == "https":
            options["ssl_context"] = tls or trusted()
        way = Way(
            pool.ConnectionCls, lambda: [place.host], options, self._first_handshakes, is_behind_proxy=True
        )
        if pool.proxy is None:  # SOCKS leads to any place, whatever is spoken there
            return way
        if tls is None:
            return way._replace(forwards=pool.proxy_headers)
        tunnel = {"host": host, "port": port, "headers": pool.proxy_headers, "scheme": pool.proxy.scheme}
        return way._replace(tunnel=tunnel)


def _lines(fields: Mapping[str, str]) -> str:
    """Return header fields as they are sent: each in one line (RFC 9112, 5.2), whatever a server has sent."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if lines.count("\r") != len(fields) or lines.count("\n") != len(fields):
        return _lines({name: " ".join(value.split()) for name, value in fields.items()})
    return lines


def _close(origins: dict[tuple[str, str], Origin]) -> None:
    while origins:
        origins.popitem()[1].close()


def _checked(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address; raise ValueError where it has none."""
    scheme, host, port = origin(url)
    if scheme not in PORTS or not host or not port:
        raise urllib3.exceptions.LocationValueError("it names no host")
    parsed = urllib3.util.parse_url(f"{scheme}://[{host}]/" if ":" in host else f"{scheme}://{host}/")
    return scheme, parsed.host or host, port
