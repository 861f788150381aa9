"""Hosts that are not the index: asked without credentials, at public addresses only, within bounds of time.

An address is checked after its name was resolved, at each redirect anew, and the connection goes to that very
address. So no link can make this machine ask its own network, whatever a name server says the second time.
"""

import contextlib
import http
import ipaddress
import re
import time
import urllib.robotparser
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from pypimirror import __version__
from pypimirror.addresses import host_of, is_never_outside, origin
from pypimirror.errors import NotFoundError, UnavailableError, UnreachableError
from pypimirror.model import Validators
from pypimirror.upstream.answers import REDIRECTS, Answer, NotModified, Pace
from pypimirror.upstream.certificates import MissingCertificatesError, set_certificates, trust, whom_to_trust
from pypimirror.upstream.connections import connect, connecting
from pypimirror.upstream.deadlines import Deadline, Reaper, watched
from pypimirror.upstream.reach import literal, proxy_for
from pypimirror.upstream.rules import Rules, matches
from pypimirror.upstream.trouble import innermost, raise_of_machine, redirected, retry_after, root

MAX_REDIRECTS = 5

_AGENT = "pypimirror"
"""As robots.txt may call us."""
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_CONNECT_S = 10.0
_ROBOTS_S = 10.0
_MAX_ROBOTS = 1 << 19
_LONGEST_DELAY_S = 10.0


class Robots(NamedTuple):
    """What a host asks of those who follow links (RFC 9309)."""

    allows: bool
    delay: float
    """Seconds between two requests."""


class ExternalHosts:
    """Makes requests to any host that a link may name, each with a connection of its own."""

    def __init__(
        self,
        rules: Rules,
        *,
        timeout: float,
        pace: Pace,
        count_request: Callable[[], None],
        reaper: Reaper | None = None,
    ) -> None:
        self._rules = rules
        self._timeout = urllib3.Timeout(connect=min(timeout, _LONGEST_CONNECT_S), read=timeout)
        self._pace = pace
        self._count_request = count_request
        self._reaper = reaper or Reaper()
        self._robots: dict[str, urllib.robotparser.RobotFileParser] = {}

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        seconds: float,
        allows_http: bool = False,
        validators: Validators = Validators(),
        dead: Collection[str] = (),
    ) -> Iterator[Answer | NotModified]:
        """Open what is behind a link, conditionally where there are validators; all of it takes `seconds`.

        `dead` hosts are not asked; `allows_http` where something else tells that nobody tampered with it.
        Raises UnreachableError for a host that is dead, else NotFoundError or UnavailableError, also for an
        address that may not be asked.
        """
        deadline = time.monotonic() + seconds
        headers = {
            "User-Agent": f"{_AGENT}/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "identity",
        }
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        for _ in range(MAX_REDIRECTS + 1):
            url = self._checked_url(url, dead, allows_http=allows_http)
            with self._answered(url, headers, deadline) as response:
                location = response.headers.get("Location") if response.status in REDIRECTS else None
                if location is None:
                    yield self._checked(url, response, is_conditional=any(validators))
                    return
                url = redirected(url, location).partition("#")[0]
        raise UnavailableError(url, f"more than {MAX_REDIRECTS} redirects", may_pass=False)

    def robots(self, url: str, *, dead: Collection[str] = ()) -> Robots:
        """Ask a host whether a page may be read, and how fast; one that can't say so does not allow it.

        Raises UnreachableError where the host is dead.
        """
        place = urlunsplit((*urlsplit(url)[:2], "/robots.txt", "", ""))
        rules = self._robots.get(place)
        if rules is None:
            rules = urllib.robotparser.RobotFileParser()
            rules.parse(self._robots_text(place, dead).splitlines())
            self._robots[place] = rules
        delay = float(rules.crawl_delay(_AGENT) or 0)
        return Robots(rules.can_fetch(_AGENT, url), min(delay, _LONGEST_DELAY_S))

    def _robots_text(self, place: str, dead: Collection[str]) -> str:
        text = b""
        try:
            with self.open(place, seconds=_ROBOTS_S, dead=dead) as answer:
                assert isinstance(answer, Answer)
                for chunk in answer.raw_chunks():
                    text += chunk
                    if len(text) > _MAX_ROBOTS:
                        break
        except NotFoundError:
            return ""
        except UnreachableError:
            raise
        except UnavailableError as error:
            # RFC 9309, 2.3.1.3: whom it forbids to ask may go on.
            return "" if error.reason.startswith("answers 4") else "User-agent: *\nDisallow: /"
        return text[:_MAX_ROBOTS].decode(errors="replace")

    def _checked(
        self, url: str, response: urllib3.BaseHTTPResponse, *, is_conditional: bool
    ) -> Answer | NotModified:
        status = response.status
        if status == http.HTTPStatus.NOT_MODIFIED and is_conditional:
            return NotModified()
        if status == http.HTTPStatus.OK:
            return Answer(url, response, self._pace)
        reason = f"answers {status} {response.reason or ''}".rstrip()
        if status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
            raise NotFoundError(url, reason)
        pause = retry_after(response.headers.get("Retry-After"))
        raise UnavailableError(url, reason, retry_after=pause)

    @contextlib.contextmanager
    def _answered(
        self, url: str, headers: dict[str, str], deadline: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Yield the answer to one request; what takes longer than until the deadline is cut off."""
        proxy = proxy_for(url)
        left = max(0.0, deadline - time.monotonic())
        with self._reaper.watching(left) as watch, contextlib.ExitStack() as opened:
            try:
                if proxy is None:
                    send = opened.enter_context(self._direct(url))
                else:
                    send = opened.enter_context(self._proxied(url, proxy))
                self._count_request()
                response = send(headers=headers)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise_of_machine(error)
                reason = innermost(error) + whom_to_trust(root(error))
                raise _unreachable(url, watch, reason) from error
            opened.callback(response.close)
            if watch.has_cut:  # a head that is cut off looks like one that ended
                raise _unreachable(url, watch, "")
            try:
                yield response
            except UnavailableError as error:
                if not watch.has_cut:
                    raise
                raise _unreachable(url, watch, error.reason) from error
            if watch.has_cut:  # what ends with its connection may have been cut off
                raise _unreachable(url, watch, "")

    def _checked_url(self, url: str, dead: Collection[str], *, allows_http: bool) -> str:
        """Return an address with its host as everybody reads it, without credentials.

        Raises UnavailableError where it may not be asked whatever its host resolves to.
        """
        try:
            url = _plain(url)
        except ValueError as error:
            reason = "only http and https are followed, to a host with a plain name"
            raise UnavailableError(url, reason, may_pass=False) from error
        if urlsplit(url).scheme == "http" and not (allows_http or self._rules.allows_http):
            reason = (
                "http can be tampered with on its way; external_http = True takes it without a digest, too"
            )
            raise UnavailableError(url, reason, may_pass=False)
        if host_of(url) in dead:
            raise UnreachableError(url, "its host did not answer lately, and is not asked now")
        return url

    def _is_allowed(self, url: str) -> bool:
        return matches(host_of(url), self._rules.hosts)

    @contextlib.contextmanager
    def _direct(self, url: str) -> Iterator[Callable[..., urllib3.BaseHTTPResponse]]:
        scheme, host, port = origin(url)
        assert host is not None
        make = partial(connect, url, is_allowed=self._is_allowed(url))
        pool: Any
        if scheme == "https":
            pool = urllib3.HTTPSConnectionPool(host, port)
            pool.ConnectionCls = watched(connecting(HTTPSConnection, make), self._reaper)
            self._set_certificates(pool, url)
        else:
            pool = urllib3.HTTPConnectionPool(host, port)
            pool.ConnectionCls = watched(connecting(HTTPConnection, make), self._reaper)
        parts = urlsplit(url)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        with contextlib.closing(pool):
            yield partial(pool.urlopen, "GET", target, assert_same_host=False, **self._how())

    @contextlib.contextmanager
    def _proxied(self, url: str, proxy: str) -> Iterator[Callable[..., urllib3.BaseHTTPResponse]]:
        """Ask by a proxy: it resolves names by itself, so only hosts that are allowed by name are asked."""
        if not self._is_allowed(url):
            reason = "behind a proxy nobody can tell where it leads; external_hosts can allow its host"
            raise UnavailableError(url, reason, may_pass=False)
        address = literal(host_of(url))
        if address is not None and is_never_outside(address):
            raise UnavailableError(url, f"{address} is no public address", may_pass=False)
        adapter: Any = HTTPAdapter()
        with contextlib.closing(adapter):
            untyped: Any = requests.utils  # the stubs lack a type there
            manager = adapter.proxy_manager_for(untyped.prepend_scheme_if_needed(proxy, "http"))
            pool = manager.connection_from_url(url)
            pool.ConnectionCls = watched(pool.ConnectionCls, self._reaper)
            self._set_certificates(pool, url)
            yield partial(manager.urlopen, "GET", url, **self._how())

    def _set_certificates(self, pool: Any, url: str) -> None:
        """Let a pool trust whom the index's own would, and nobody else."""
        try:
            set_certificates(pool, url, trust(self._rules.ca_bundle))
        except MissingCertificatesError as error:
            raise UnavailableError(url, str(error), may_pass=False) from error

    def _how(self) -> dict[str, Any]:
        return {
            "retries": False,
            "redirect": False,
            "timeout": self._timeout,
            "preload_content": False,
            "decode_content": False,
        }


def _unreachable(url: str, watch: Deadline, reason: str) -> UnreachableError:
    """Say what a connection's end means: that its time was over, or else what it says itself."""
    reason = "it takes too long" if watch.has_cut else reason
    return UnreachableError(url, reason, is_connected=watch.is_connected)


def _plain(url: str) -> str:
    """Return an address whose host nobody can read in two ways; raise ValueError where there is none."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host and "%" not in host:
        host = f"[{ipaddress.IPv6Address(host)}]"
    else:
        host = host.encode("idna").decode("ascii")
        if not _HOST.fullmatch(host):
            raise ValueError("no plain host")
    if parts.scheme not in ("http", "https") or parts.port == 0:
        raise ValueError("neither http nor https")
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit(parts._replace(netloc=host + port))
