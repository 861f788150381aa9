"""Upstream over HTTP, and the only importer of requests: sessions, time-outs, retries, error mapping.

Nothing here knows what a page means; `simple` reads what this room fetches.
"""

import contextlib
import functools
import http
import logging
import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pypimirror.addresses import host_of, shown, without_credentials
from pypimirror.errors import UnavailableError
from pypimirror.model import NormalizedName, Validators
from pypimirror.pace import MinimumSpeed, Rate
from pypimirror.upstream.answers import (
    FILE_HEADERS,
    Answer,
    Fetched,
    NotModified,
    Pace,
    conditions,
    length_of,
)
from pypimirror.upstream.certificates import why_unusable
from pypimirror.upstream.client import TROUBLE, Client, Who
from pypimirror.upstream.connections import Response
from pypimirror.upstream.credentials import Credentials
from pypimirror.upstream.deadlines import Patience, Reaper
from pypimirror.upstream.hosts import Hosts, LeftAlone
from pypimirror.upstream.proxies import check_proxy
from pypimirror.upstream.reach import Reach, is_index_private
from pypimirror.upstream.redirects import followed, onwards
from pypimirror.upstream.rules import OwnHosts, Rules, matches
from pypimirror.upstream.trouble import MAY_PASS, failure, is_silence, login_hint, refusal

if TYPE_CHECKING:
    from pypimirror.upstream.external import ExternalHosts

__all__ = [
    "Answer",
    "Fetched",
    "Hosts",
    "LeftAlone",
    "NotModified",
    "Rules",
    "Upstream",
    "check_proxy",
    "is_index_private",
    "why_unusable",
]

_log = logging.getLogger(__name__)

MAX_PAGE = 1 << 24
"""Bytes of a project page, unpacked: several times the largest that PyPI has."""

_MAX_REDIRECTS = 10
_PAGE_TIMES = 10
"""A page may take so many times `timeout`, and a list of projects more."""
_LIST_TIMES = 30
_LONGEST_READ_S = 60.0
"""Something of an answer has to come within each minute, whatever `timeout` is."""
_LONGEST_TICK_S = 0.5
"""So late a request that takes too long is ended at most."""
_UNSIZED_S = 6 * 3600.0
"""For a file whose size nobody tells."""

_BUSY = frozenset({429, 503})
_OF_RANGES = frozenset({206, 416})


class Upstream:
    """The index that is mirrored, asked by as many threads as there are."""

    def __init__(  # noqa: PLR0913 (one for each option)
        self,
        index_url: str,
        *,
        timeout: float,
        retries: int,
        max_rate: int = 0,
        minimum_speed: MinimumSpeed | None = None,
        failures: int = 8,
        rules: Rules = Rules(),
    ) -> None:
        self.index_url = without_credentials(index_url)
        self._projects_url = urljoin(self.index_url, ".")
        self._own = OwnHosts(self.index_url, rules)
        self._pace = Pace(Rate(max_rate), minimum_speed or MinimumSpeed(0))
        self.hosts = Hosts(failures, retries=retries)
        self.retrying = self.hosts.retrying
        self._reaper = Reaper(tick_s=min(_LONGEST_TICK_S, timeout / 10))
        self._credentials = Credentials(index_url)
        reach = Reach(index_url, rules)
        self._client = Client(reach, ca_bundle=rules.ca_bundle, connect_s=timeout, who=self._who)
        self._clients = [self._client]
        self.latency = math.inf
        """Seconds that the fastest answer so far took to begin."""
        self._rules = rules
        self._timeout = timeout

    @functools.cached_property
    def external(self) -> "ExternalHosts":
        """All other hosts, that links lead to."""
        from pypimirror.upstream.external import ExternalHosts  # few mirrors follow links

        external = ExternalHosts(
            self._rules, timeout=self._timeout, pace=self._pace, reaper=self._reaper, hosts=self.hosts
        )
        self._clients.append(external.client)
        return external

    @property
    def requests(self) -> int:
        """How many were sent so far."""
        return sum(client.requests for client in self._clients)

    def close(self) -> None:
        """Close idle connections."""
        for client in self._clients:
            client.close()

    def project_url(self, name: NormalizedName) -> str:
        """Return the address of a project's page (PEP 503)."""
        return f"{self._projects_url}{name}/"

    def document_url(self, name: NormalizedName) -> str:
        """Return the address of a project's legacy JSON document, which not every index has."""
        return urljoin(self.index_url, f"../pypi/{name}/json")

    def is_own(self, url: str) -> bool:
        """Tell whether what comes from an address counts for the index."""
        return self._own.include(url)

    def accepts_unverified(self, url: str) -> bool:
        """Tell whether the configuration takes files by http without a digest from this host."""
        hosts = self._rules.accept_unverified
        return "http" in hosts or matches(host_of(url), hosts)

    def page(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators,
        is_fresh: bool = False,
        is_of_index: bool = True,
    ) -> Fetched | NotModified:
        """Fetch a page, conditionally where `validators` are given, with retries; `is_fresh`: past caches.

        Raises NotFoundError, UnavailableError, BadPageError for one of more than MAX_PAGE bytes, or
        WrongHostError for one that `is_of_index` and comes from a host that does not speak for it.
        """

        def read() -> Fetched | NotModified:
            with self.open_page(
                url, accept=accept, validators=validators, is_fresh=is_fresh, is_of_index=is_of_index
            ) as answer:
                return answer if isinstance(answer, NotModified) else answer.fetched(MAX_PAGE)

        return self.retrying(read)

    @contextlib.contextmanager
    def open_page(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators,
        is_fresh: bool = False,
        is_of_index: bool = True,
    ) -> Iterator[Answer | NotModified]:
        """Open a page for reading as a stream, without retries; errors as for `page`."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip, deflate"}
        if is_fresh:
            headers |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
        headers |= conditions(validators)
        with self._sent(url, headers, lambda _url: False) as response:
            is_same = response.status == http.HTTPStatus.NOT_MODIFIED
            if is_of_index and (is_same or response.status == http.HTTPStatus.OK):
                self._own.check(url, response.url)
            if is_same and any(validators):
                self.hosts.good(response.url)
                yield NotModified()
            else:
                self._check(response)
                times = _LIST_TIMES if url == self.index_url else _PAGE_TIMES
                yield self._answer(response, times * self._timeout, f"{times} times timeout")

    @contextlib.contextmanager
    def open_file(
        self,
        url: str,
        *,
        start: int = 0,
        if_range: str | None = None,
        size: int | None = None,
        is_verified: bool = True,
    ) -> Iterator[Answer]:
        """Open a file for reading as a stream of its very bytes, without retries; errors as for `page`.

        Without a digest that verifies it, no redirect from https to http is followed.
        With `start` and `if_range` it begins there if the file is the same and the server can do that; the
        answer's own `start` tells. The `size` that is known bounds its time, else what the answer says.
        """
        may_leave_https = (lambda _url: True) if is_verified else self.accepts_unverified
        rest = {"Range": f"bytes={start}-", "If-Range": if_range} if start and if_range else {}
        with self._sent(url, FILE_HEADERS | rest, may_leave_https) as response:
            if not (rest and response.status in _OF_RANGES):
                self._check(response)
                yield self._file(response, size)
                return
            is_part = response.status == http.HTTPStatus.PARTIAL_CONTENT
            if is_part and response.fields.get("content-range", "").startswith(f"bytes {start}-"):
                yield self._file(response, size, start=start)
                return
        with self.open_file(url, size=size, is_verified=is_verified) as answer:
            yield answer

    @contextlib.contextmanager
    def open_if_changed(self, url: str, validators: Validators) -> Iterator[Answer | NotModified]:
        """Open a file without a digest as `open_file` does; NotModified where the validators still hold."""
        with self._sent(url, FILE_HEADERS | conditions(validators), self.accepts_unverified) as response:
            if response.status == http.HTTPStatus.NOT_MODIFIED and any(validators):
                yield NotModified()
            else:
                self._check(response)
                yield self._file(response, None)

    def _file(self, response: Response, size: int | None, *, start: int = 0) -> Answer:
        """Return the answer to a request for a file, whose size at `minimum_speed` is its time."""
        size = length_of(response.fields) if size is None else size
        speed = self._pace.minimum_speed.bytes_per_s
        if size is None:
            return self._answer(response, _UNSIZED_S, "its size is unknown", start=start)
        seconds = max(self._timeout, size / speed) if speed else math.inf
        return self._answer(response, seconds, "its size at minimum_speed", start=start)

    def _answer(self, response: Response, seconds: float, bound: str, *, start: int = 0) -> Answer:
        """Return an answer of which the whole has so many seconds."""
        on_good = functools.partial(self.hosts.good, response.url)
        read_s = min(self._timeout, _LONGEST_READ_S)
        patience = Patience(response.deadline, whole_s=seconds, bound=bound, read_s=read_s)
        return Answer(response, self._pace, patience, start=start, on_good=on_good)

    def _check(self, response: Response) -> None:
        """Raise for all answers but 200, and note what those say of their host."""
        status = response.status
        if status == http.HTTPStatus.OK:
            return
        if status not in MAY_PASS:
            self.hosts.good(response.url)
        error = refusal(response, login_hint(response))
        if status in _BUSY and isinstance(error, UnavailableError) and error.retry_after:
            is_for_client = status == http.HTTPStatus.TOO_MANY_REQUESTS
            self.hosts.busy(response.url, error.retry_after, is_for_client=is_for_client)
        raise error

    def _sent(
        self, url: str, headers: dict[str, str], may_leave_https: Callable[[str], bool]
    ) -> contextlib.AbstractContextManager[Response]:
        """Yield the answer from where redirects led to."""
        ask = functools.partial(self._get, headers=headers)
        follow = functools.partial(onwards, may_leave_https=may_leave_https)
        return followed(url, ask, follow, most=_MAX_REDIRECTS)

    def _who(self, url: str) -> Who:
        """Return as whom an origin is asked; a certificate is shown to the index's own hosts alone."""
        shows_certificate = url.startswith("https:") and self._own.include(url)
        return self._credentials.of(url), self._rules.client_certificate if shows_certificate else ()

    def _get(self, url: str, *, headers: dict[str, str]) -> Response:
        self.hosts.wait(url)
        begun = time.monotonic()
        deadline = self._reaper.watching(self._timeout)
        try:
            response = self._client.send(url, headers, deadline)
        except TROUBLE as error:
            is_late = deadline.has_cut or is_silence(error)
            too_long = f"it takes too long: no answer within {self._timeout:g} seconds (timeout)"
            raise failure(url, error, too_long if is_late else None) from error
        self.latency = min(self.latency, time.monotonic() - begun)
        if _log.isEnabledFor(logging.DEBUG):
            # What a page says is told where it changes something.
            is_news = response.status != http.HTTPStatus.OK or headers["Accept"] == FILE_HEADERS["Accept"]
            if url == self.index_url or (is_news and response.status != http.HTTPStatus.NOT_MODIFIED):
                _log.debug("%d %s", response.status, shown(url))
        return response
