"""The way to an origin, found once for all requests: connections, proxies, certificates, credentials."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pypimirror import __version__
from pypimirror.upstream import lane
from pypimirror.upstream.deadlines import Reaper, watched

FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""What a file is asked for with: its very bytes."""

_PORTS = {"http": 80, "https": 443}
_HOSTS = 32
"""Connection pools kept: an index, its file hosts, and whatever it redirects to."""


Response = urllib3.BaseHTTPResponse | lane.PlainAnswer


class Rules(NamedTuple):
    """Which hosts that links lead to may be asked."""

    hosts: tuple[str, ...] = ()
    """Globs of hosts that may be asked wherever they are, and behind a proxy."""
    allows_http: bool = False


class Route(NamedTuple):
    """What is the same for all requests to one origin."""

    open: Callable[..., urllib3.BaseHTTPResponse]
    prefix: str
    """What comes before the path in a request: nothing, unless a proxy wants the whole address."""
    headers: dict[str, str]
    pool: Any
    file_fields: bytes
    """The header of a request for a file; none where a proxy has to be asked for it."""


class _Adapter(HTTPAdapter):
    """Finds out once what requests does for each request."""

    def route(
        self,
        request: requests.PreparedRequest,
        settings: Mapping[str, Any],
        timeout: float,
        reaper: Reaper,
    ) -> Route:
        """Return the way to the origin of a request, with the proxies and certificates of the environment.

        Raises requests.RequestException where there is none, or OSError where a certificate is not there.
        """
        # The stubs know neither what a pool can do nor the types of cert_verify.
        untyped: Any = self
        pool = untyped.get_connection_with_tls_context(
            request, settings["verify"], settings["proxies"], settings["cert"]
        )
        pool.ConnectionCls = watched(pool.ConnectionCls, reaper)
        untyped.cert_verify(pool, request.url, settings["verify"], settings["cert"])
        target = self.request_url(request, settings["proxies"])
        send = partial(
            pool.urlopen,
            "GET",
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=urllib3.Timeout(connect=timeout, read=timeout),
            preload_content=False,
            decode_content=False,
        )
        prefix = target.removesuffix(request.path_url)
        headers = dict(request.headers)
        has_lane = not prefix and lane.is_open(pool)
        fields = _file_fields(str(request.url), headers) if has_lane else b""
        return Route(send, prefix, headers, pool, fields)


class Routes:
    """The routes to all origins. Credentials of `index_url` go to its own origin alone."""

    def __init__(self, index_url: str, *, timeout: float, connections: int, reaper: Reaper) -> None:
        self._reaper = reaper
        self._origin = origin(index_url)
        self._credentials = _credentials(index_url)
        self._timeout = timeout
        self._session = requests.Session()
        self._session.headers["User-Agent"] = f"pypimirror/{__version__} requests/{requests.__version__}"
        self._adapter = _Adapter(pool_connections=_HOSTS, pool_maxsize=connections)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._routes: dict[tuple[str, str], Route] = {}

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def send(self, url: str, headers: dict[str, str]) -> Response:
        """Send a request over the connections that requests keeps for its origin; return the open answer.

        Half of the time of `Session.get` goes into what is the same each time: proxies and certificates of
        the environment, netrc, merged headers. Cookies and redirects, which it does too, are not wanted here:
        it would read the body of a redirect without any bound.
        Raises what requests and urllib3 raise, or OSError where a certificate is not there.
        """
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc
        route = self._routes.get(key) or self._found(url, key)
        target = f"{route.prefix}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        try:
            if headers == FILE_HEADERS and route.file_fields:
                answer = lane.get(route.pool, target, route.file_fields)
                if answer is not None:
                    return answer
            return route.open(target, headers=route.headers | headers)
        except urllib3.exceptions.ClosedPoolError:  # there were more origins than pools are kept
            return self._found(url, key).open(target, headers=route.headers | headers)

    def _found(self, url: str, key: tuple[str, str]) -> Route:
        # Other hosts than the index's have their credentials in netrc.
        auth = self._credentials if origin(url) == self._origin else None
        request = self._session.prepare_request(requests.Request("GET", url, auth=auth))
        settings = self._session.merge_environment_settings(str(request.url), {}, True, None, None)
        if len(self._routes) >= _HOSTS:
            self._routes.clear()
        route = self._routes[key] = self._adapter.route(request, settings, self._timeout, self._reaper)
        return route


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _file_fields(url: str, headers: dict[str, str]) -> bytes:
    scheme, host, port = origin(url)
    host = f"[{host}]" if host and ":" in host else host
    if port != _PORTS.get(scheme):
        host = f"{host}:{port}"
    fields = {"Host": host} | headers | FILE_HEADERS
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1") + b"\r\n"


def _credentials(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")
