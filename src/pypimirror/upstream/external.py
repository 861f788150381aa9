"""Hosts that are not the index: asked without credentials, at public addresses only, within bounds of time.

An address is checked after its name was resolved, at each redirect anew, and the connection goes to that very
address. So no link can make this machine ask its own network, whatever a name server says the second time.
"""

import contextlib
import http
import ipaddress
import re
import socket
import time
import urllib.robotparser
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import urllib3

from pypimirror.errors import BadPageError, NotFoundError, UnavailableError, UnreachableError
from pypimirror.model import Validators
from pypimirror.upstream.answers import FILE_HEADERS, Answer, NotModified, Pace, conditions
from pypimirror.upstream.certificates import whom_to_trust
from pypimirror.upstream.client import TROUBLE, Client
from pypimirror.upstream.connections import Response
from pypimirror.upstream.deadlines import Deadline, Patience, Reaper
from pypimirror.upstream.hosts import Hosts
from pypimirror.upstream.proxies import through_proxy
from pypimirror.upstream.reach import ExternalReach
from pypimirror.upstream.redirects import followed, redirected
from pypimirror.upstream.rules import Rules
from pypimirror.upstream.trouble import (
    MAY_PASS,
    innermost,
    raise_of_machine,
    refusal,
    root,
    why_no_proxy,
)

MAX_REDIRECTS = 5

_AGENT = "pypimirror"
"""As robots.txt may call us."""
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST_CONNECT_S = 10.0
_ROBOTS_S = 10.0
_MAX_ROBOTS = 1 << 19
_LONGEST_DELAY_S = 10.0
_TOO_LONG = "it takes too long"
NOT_ASKED = "its host did not answer lately, and is not asked now"


class ExternalHosts:
    """Makes requests to any host that a link may name."""

    def __init__(self, rules: Rules, *, timeout: float, pace: Pace, reaper: Reaper, hosts: Hosts) -> None:
        self._rules = rules
        self.client = Client(
            ExternalReach(rules.hosts),
            ca_bundle=rules.ca_bundle,
            connect_s=min(timeout, _LONGEST_CONNECT_S),
        )
        self._timeout = timeout
        self._pace = pace
        self._reaper = reaper
        self._hosts = hosts
        self._robots: dict[str, urllib.robotparser.RobotFileParser] = {}

    @contextlib.contextmanager
    def open(
        self,
        url: str,
        *,
        seconds: float,
        allows_http: bool = False,
        validators: Validators = Validators(),
    ) -> Iterator[Answer | NotModified]:
        """Open what is behind a link, conditionally where there are validators; all of it takes `seconds`.

        `allows_http` where something else tells that nobody tampered with it. Raises UnreachableError for a
        host that is given up, else NotFoundError or UnavailableError, also for an address that may not be
        asked.
        """
        ends_at = time.monotonic() + seconds

        def ask(url: str) -> Response:
            return self._get(url, FILE_HEADERS | conditions(validators), ends_at)

        def checked(url: str) -> str:
            return self._checked_url(url, allows_http=allows_http)

        def onwards(url: str, location: str) -> str:
            return checked(redirected(url, location))

        with followed(checked(url), ask, onwards, most=MAX_REDIRECTS) as response:
            if response.status not in MAY_PASS:
                self._hosts.good(response.url)
            try:
                if response.status == http.HTTPStatus.NOT_MODIFIED and any(validators):
                    yield NotModified()
                elif response.status == http.HTTPStatus.OK:
                    yield Answer(response, self._pace, self._patience(response.deadline, ends_at))
                else:
                    error = refusal(response)
                    if isinstance(error, UnavailableError) and error.retry_after:
                        error.may_pass = False  # now: whoever asks leaves its host alone meanwhile
                    raise error
            except UnavailableError as error:
                if time.monotonic() < ends_at:
                    raise
                raise UnreachableError(response.url, _TOO_LONG, is_connected=True) from error

    def _patience(self, deadline: Deadline, ends_at: float) -> Patience:
        left_s = max(0.0, ends_at - time.monotonic())
        return Patience(deadline, whole_s=left_s, bound="all of its time", read_s=self._timeout)

    def robots(self, url: str) -> float | None:
        """Return how many seconds a host wants between two requests; None where a page may not be read.

        One that can't say so does not allow it (RFC 9309). Raises UnreachableError where it is given up.
        """
        place = urlunsplit((*urlsplit(url)[:2], "/robots.txt", "", ""))
        rules = self._robots.get(place)
        if rules is None:
            rules = urllib.robotparser.RobotFileParser()
            rules.parse(self._robots_text(place).splitlines())
            self._robots[place] = rules
        if not rules.can_fetch(_AGENT, url):
            return None
        return min(float(rules.crawl_delay(_AGENT) or 0), _LONGEST_DELAY_S)

    def _robots_text(self, place: str) -> str:
        try:
            with self.open(place, seconds=_ROBOTS_S) as answer:
                assert isinstance(answer, Answer)
                return answer.read(_MAX_ROBOTS)[:_MAX_ROBOTS].decode(errors="replace")
        except (NotFoundError, BadPageError):
            return ""
        except UnreachableError:
            raise
        except UnavailableError as error:
            # RFC 9309, 2.3.1.3: whom it forbids to ask may go on.
            return "" if error.reason.startswith("answers 4") else "User-agent: *\nDisallow: /"

    def _get(self, url: str, headers: dict[str, str], ends_at: float) -> Response:
        left_s = max(0.0, ends_at - time.monotonic())
        deadline = self._reaper.watching(min(self._timeout, left_s))
        try:
            return self.client.send(url, headers, deadline)
        except TROUBLE as error:
            raise_of_machine(error)
            reason = innermost(error) + whom_to_trust(root(error))
            if deadline.has_cut:
                reason = _TOO_LONG if time.monotonic() >= ends_at else "timed out"
            elif isinstance(root(error), socket.gaierror):
                reason = f"its name can't be resolved ({reason})"
            reason += through_proxy(url)
            if isinstance(error, urllib3.exceptions.ProxyError) and not deadline.has_cut:
                reason = why_no_proxy(url, error)
            raise UnreachableError(url, reason, is_connected=deadline.is_connected) from error

    def _checked_url(self, url: str, *, allows_http: bool) -> str:
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
        if self._hosts.why_not(url):
            raise UnreachableError(url, NOT_ASKED)
        return url


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
