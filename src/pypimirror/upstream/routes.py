"""The way to an origin, found once for all requests: connections, proxies, certificates, credentials."""

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pypimirror import __version__
from pypimirror.addresses import PORTS, origin, shown
from pypimirror.errors import UnavailableError
from pypimirror.model import Validators
from pypimirror.upstream import lane
from pypimirror.upstream.certificates import MissingCertificatesError, Trust, set_certificates, trust
from pypimirror.upstream.credentials import Credentials
from pypimirror.upstream.deadlines import Reaper, watched
from pypimirror.upstream.http_client import is_reading, reading
from pypimirror.upstream.reach import Reach, RefusedAddressError, connecting_within
from pypimirror.upstream.rules import Rules, matches
from pypimirror.upstream.trouble import innermost

FILE_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
"""What a file is asked for with: its very bytes."""

_HOSTS = 32
"""Connection pools kept: an index, its file hosts, and whatever it redirects to."""


Response = urllib3.BaseHTTPResponse | lane.PlainAnswer


class Route(NamedTuple):
    """What is the same for all requests to one origin."""

    open: Callable[..., urllib3.BaseHTTPResponse]
    prefix: str
    """What comes before the path in a request: nothing, unless a proxy wants the whole address."""
    headers: dict[str, str]
    pool: Any
    file_fields: bytes
    """The header of a request for a file; none where a proxy has to be asked for it."""
    proxy: str | None


class _Adapter(HTTPAdapter):
    """Finds out once what requests does for each request."""

    def route(self, request: requests.PreparedRequest, way: "Way", timeout: float, reaper: Reaper) -> Route:
        """Return the way to the origin of a request.

        Raises requests.RequestException where there is none, or OSError where a certificate is not there.
        """
        # The stubs know neither what a pool can do nor the types of verify and cert.
        untyped: Any = self
        certificate = (way.client[0], way.client[-1]) if way.client else None
        pool = untyped.get_connection_with_tls_context(
            request, way.trusted.file or way.trusted.folders or True, way.proxies, certificate
        )
        set_certificates(pool, str(request.url), way.trusted, way.client)
        proxy = requests.utils.select_proxy(str(request.url), way.proxies)
        if not is_reading(pool.ConnectionCls):  # a pool may be older than its route
            make = reading(pool.ConnectionCls)
            pool.ConnectionCls = watched(make if proxy else way.connecting(make), reaper)
        target = self.request_url(request, way.proxies)
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
        return Route(send, prefix, headers, pool, fields, proxy)


class Way(NamedTuple):
    """What the environment and the configuration say of the way to an origin."""

    proxies: Mapping[str, str]
    trusted: Trust
    client: tuple[str, ...]
    """The client's certificate."""
    connecting: Callable[[Any], type]


class Routes:
    """The routes to all origins, each with its own credentials alone."""

    def __init__(
        self, index_url: str, *, timeout: float, connections: int, rules: Rules, reaper: Reaper
    ) -> None:
        self._reaper = reaper
        self._index = origin(index_url)[1] or ""
        self._rules = rules
        self._credentials = Credentials(index_url)
        self.reach = Reach(index_url, rules)
        self._connecting = connecting_within(self.reach)
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
        try:
            route = self._routes.get(key) or self._found(url, key)
        except (RefusedAddressError, MissingCertificatesError) as error:
            raise UnavailableError(url, str(error), may_pass=False) from error
        target = f"{route.prefix}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        try:
            if headers == FILE_HEADERS and route.file_fields:
                answer = lane.get(route.pool, target, route.file_fields)
                if answer is not None:
                    return answer
            return route.open(target, headers=route.headers | headers)
        except urllib3.exceptions.ClosedPoolError:  # there were more origins than pools are kept
            return self._found(url, key).open(target, headers=route.headers | headers)
        except urllib3.exceptions.ProxyError as error:
            reason = f"the proxy {shown(route.proxy or '')} can't be used ({innermost(error)})"
            raise UnavailableError(url, reason) from error
        except RefusedAddressError as error:
            raise UnavailableError(url, str(error), may_pass=False) from error

    def _found(self, url: str, key: tuple[str, str]) -> Route:
        login = self._credentials.of(url)
        # Without any of ours, requests would look into netrc by itself.
        auth = login or (lambda request: request)
        request = self._session.prepare_request(requests.Request("GET", url, auth=auth))
        settings = self._session.merge_environment_settings(str(request.url), {}, True, None, None)
        proxies = settings["proxies"]
        if requests.utils.select_proxy(url, proxies) is not None:
            self.reach.check_behind_proxy(url)
        is_https = url.lower().startswith("https:")
        trusted = trust(self._rules.ca_bundle) if is_https else Trust()
        way = Way(proxies, trusted, self._client(url), self._connecting)
        if len(self._routes) >= _HOSTS:
            self._routes.clear()
        route = self._routes[key] = self._adapter.route(request, way, self._timeout, self._reaper)
        return route

    def _client(self, url: str) -> tuple[str, ...]:
        """Return the client's certificate for hosts of the index; none for others, which need not know us."""
        scheme, host, _ = origin(url)
        is_own = host == self._index or matches(host or "", self._rules.index_hosts)
        return self._rules.client_certificate if scheme == "https" and is_own else ()


def is_news(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether an answer is worth a line: what a page says is told where it changes something."""
    if status == HTTPStatus.NOT_MODIFIED:
        return False
    return status != HTTPStatus.OK or headers.get("Accept") == FILE_HEADERS["Accept"]


def conditions(validators: Validators) -> dict[str, str]:
    """Return the headers of a conditional request (RFC 9110, 13.1)."""
    named = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in named.items() if value}


def begins_at(response: Response, start: int) -> bool:
    """Tell whether a partial answer is the rest that was asked for (RFC 9110, 14.4)."""
    return response.headers.get("content-range", "").startswith(f"bytes {start}-")


def _file_fields(url: str, headers: dict[str, str]) -> bytes:
    scheme, host, port = origin(url)
    host = f"[{host}]" if host and ":" in host else host
    if port != PORTS.get(scheme):
        host = f"{host}:{port}"
    fields = {"Host": host} | headers | FILE_HEADERS
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1") + b"\r\n"
