"""Upstream over HTTP, and the only importer of requests: sessions, time-outs, retries, error mapping.

Nothing here knows what a page means; `simple` reads what this room fetches.
"""

import contextlib
import email.utils
import errno
import http
import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from pypimirror import __version__
from pypimirror.addresses import without_credentials
from pypimirror.errors import BadPageError, NotFoundError, UnavailableError
from pypimirror.model import NormalizedName, Validators
from pypimirror.pace import Floor, Holds, Rate

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

CHUNK = 1 << 18
MAX_PAGE = 1 << 26
"""Bytes of a project page, unpacked: several times the largest that PyPI has."""

_MAX_REDIRECTS = 10
_HOSTS = 32
"""Connection pools kept: an index, its file hosts, and whatever it redirects to."""

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LONGEST_RETRY_AFTER_S = 120.0
"""What a server may ask for before the project is rather left to the next run."""

_BUSY = frozenset({429, 503})
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})


class Fetched(NamedTuple):
    """A page as it came: `url` is where it was found, after redirects."""

    content: bytes
    content_type: str
    url: str
    validators: Validators
    serial: str | None


class NotModified:
    """Upstream's word that a page is what it was."""


class Answer:
    """An open answer with status 200: its headers, and its body as it comes in."""

    def __init__(self, response: requests.Response, pace: "Pace", *, start: int = 0) -> None:
        self._response = response
        self._pace = pace
        self.start = start
        """At which byte of the file the body begins (RFC 9110, 14)."""
        headers = response.headers
        self.url = without_credentials(response.url)
        self.content_type = headers.get("Content-Type", "")
        self.content_encoding = headers.get("Content-Encoding", "identity").lower()
        self.length = _length(headers.get("Content-Length"))
        self.validators = Validators(headers.get("ETag"), headers.get("Last-Modified"))
        self.serial = headers.get("X-PyPI-Last-Serial")

    def chunks(self, *, is_decoded: bool) -> Iterator[bytes]:
        """Yield the body in blocks; raise UnavailableError where it breaks off, or is too slow."""
        # read1 hands over what is there, so that a slow file grows on the disk as it comes in.
        read = self._response.raw.read1
        is_too_slow = self._pace.floor.meter()
        block = self._pace.rate.block(CHUNK)
        while True:
            begun = time.monotonic()
            try:
                chunk = read(block, decode_content=is_decoded)
            except (urllib3.exceptions.HTTPError, requests.RequestException, OSError) as error:
                raise UnavailableError(self.url, f"the answer broke off ({_innermost(error)})") from error
            if not chunk:
                return
            if is_too_slow(len(chunk), time.monotonic() - begun):
                raise UnavailableError(self.url, "it comes in more slowly than minimum_speed")
            self._pace.rate.wait(len(chunk))
            yield chunk

    @property
    def resume_validator(self) -> str | None:
        """What a request for the rest may name: a strong ETag, or a date (RFC 9110, 13.1.5)."""
        etag, last_modified = self.validators
        return etag if etag and not etag.startswith("W/") else last_modified


class Pace(NamedTuple):
    """What all transfers of a run share."""

    rate: Rate
    floor: Floor


class Upstream:
    """The index that is mirrored, spoken to over one session by as many threads as it has connections."""

    def __init__(  # noqa: PLR0913 (one for each option)
        self,
        index_url: str,
        *,
        timeout: float,
        retries: int,
        connections: int,
        max_rate: int = 0,
        floor: Floor | None = None,
    ) -> None:
        self.index_url = without_credentials(index_url)
        self._origin = _origin(index_url)
        self._credentials = _credentials(index_url)
        self._timeout = timeout
        self._retries = retries
        self._pace = Pace(Rate(max_rate), floor or Floor(0))
        self._holds = Holds()
        self._requests = itertools.count()
        self._session = requests.Session()
        self._routes: dict[tuple[str, str | None, int | None], _Route] = {}
        self._session.headers["User-Agent"] = f"pypimirror/{__version__} requests/{requests.__version__}"
        adapter = HTTPAdapter(pool_connections=_HOSTS, pool_maxsize=connections)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def requests_made(self) -> int:
        """Return how many requests were sent so far; to be called once, when the run ends."""
        return next(self._requests)

    def project_url(self, name: NormalizedName) -> str:
        """Return the address of a project's page (PEP 503)."""
        return urljoin(self.index_url, f"{name}/")

    def is_own(self, url: str) -> bool:
        """Tell whether an address is on the index's own host."""
        return urlsplit(url).hostname == self._origin[1]

    def page(
        self, url: str, *, accept: str, validators: Validators, is_fresh: bool = False
    ) -> Fetched | NotModified:
        """Fetch a page, conditionally where `validators` are given, with retries; `is_fresh`: past caches.

        Raises NotFoundError, UnavailableError, or BadPageError for one of more than MAX_PAGE bytes.
        """
        return self.retrying(lambda: self._page(url, accept, validators, is_fresh=is_fresh))

    def _page(
        self, url: str, accept: str, validators: Validators, *, is_fresh: bool
    ) -> Fetched | NotModified:
        with self.open_page(url, accept=accept, validators=validators, is_fresh=is_fresh) as answer:
            if isinstance(answer, NotModified):
                return answer
            content, size = [], 0
            for chunk in answer.chunks(is_decoded=True):
                size += len(chunk)
                if size > MAX_PAGE:
                    raise BadPageError(answer.url, f"longer than {MAX_PAGE} bytes")
                content.append(chunk)
            return Fetched(
                b"".join(content), answer.content_type, answer.url, answer.validators, answer.serial
            )

    @contextlib.contextmanager
    def open_page(
        self, url: str, *, accept: str, validators: Validators, is_fresh: bool = False
    ) -> Iterator[Answer | NotModified]:
        """Open a page for reading as a stream, without retries; errors as for `page`."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip, deflate"}
        if is_fresh:
            headers |= {"Cache-Control": "no-cache", "Pragma": "no-cache"}
        if validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        with self._sent(url, headers) as response:
            is_conditional = bool(validators.etag or validators.last_modified)
            if response.status_code == http.HTTPStatus.NOT_MODIFIED and is_conditional:
                # Nothing, but it gives the connection back; what breaks off here lacks nothing.
                with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
                    response.raw.read()
                yield NotModified()
            else:
                yield self._checked(response)

    @contextlib.contextmanager
    def open_file(self, url: str, *, start: int = 0, if_range: str | None = None) -> Iterator[Answer]:
        """Open a file for reading as a stream of its very bytes, without retries; errors as for `page`.

        With `start` and `if_range` it begins there if the file is the same and the server can do that; the
        answer's own `start` tells.
        """
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if start and if_range:
            rest = {"Range": f"bytes={start}-", "If-Range": if_range}
            with self._sent(url, headers | rest) as response:
                status = response.status_code
                if status == http.HTTPStatus.PARTIAL_CONTENT and _begins_at(response, start):
                    yield Answer(response, self._pace, start=start)
                    return
                if status not in (
                    http.HTTPStatus.PARTIAL_CONTENT,
                    http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                ):
                    yield self._checked(response)
                    return
        with self._sent(url, headers) as response:
            yield self._checked(response)

    def _checked(self, response: requests.Response) -> Answer:
        status = response.status_code
        if status == http.HTTPStatus.OK:
            return Answer(response, self._pace)
        url = without_credentials(response.url)
        reason = f"answers {status} {response.reason or ''}".rstrip()
        if status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.GONE):
            raise NotFoundError(url, reason)
        retry_after = _retry_after(response.headers.get("Retry-After"))
        if retry_after and status in _BUSY:
            self._holds.hold(_host(url), retry_after)
        raise UnavailableError(url, reason, may_pass=status in _MAY_PASS, retry_after=retry_after)

    def retrying(self, operation: Callable[[], _T]) -> _T:
        """Call `operation` again while it raises an UnavailableError that may pass, up to the retries."""
        for attempt in itertools.count():
            try:
                return operation()
            except UnavailableError as error:
                pause = error.retry_after if error.retry_after is not None else _pause(attempt)
                if not error.may_pass or attempt >= self._retries or pause > _LONGEST_RETRY_AFTER_S:
                    raise
                _log.debug("%s; asking again in %.1f s", error, pause)
                time.sleep(pause)
        raise AssertionError

    @contextlib.contextmanager
    def _sent(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._get(url, headers)
            # Closing gives the connection back if the body was read to its end; else it can't be used again.
            with response:
                location = response.headers.get("Location") if response.is_redirect else None
                if location is None:
                    yield response
                    return
                url = _joined(url, location)
        raise UnavailableError(url, f"more than {_MAX_REDIRECTS} redirects", may_pass=False)

    def _send(self, url: str, headers: dict[str, str]) -> requests.Response:
        """Send a request by the session's adapter.

        A third of the time of `Session.get` goes into what is the same each time: proxies and certificates of
        the environment, netrc, merged headers. Cookies and redirects, which it does too, are not wanted here:
        it would read the body of a redirect without any bound.
        """
        origin = _origin(url)
        route = None if "@" in urlsplit(url).netloc else self._routes.get(origin)
        if route is None:
            # Credentials of the index go to its own host alone; other hosts have theirs in netrc.
            auth = self._credentials if origin == self._origin else None
            template = self._session.prepare_request(requests.Request("GET", url, auth=auth))
            settings = self._session.merge_environment_settings(template.url, {}, True, None, None)
            route = _Route(template, settings)
            if "@" not in urlsplit(url).netloc:
                self._routes[origin] = route
        request = route.template.copy()
        request.prepare_url(url, None)
        request.headers.update(headers)
        adapter = self._session.get_adapter(str(request.url))
        return adapter.send(request, timeout=self._timeout, **route.settings)

    def _get(self, url: str, headers: dict[str, str]) -> requests.Response:
        host = _host(url)
        if (seconds := self._holds.refused(host)) is not None:
            reason = f"the server asked to be left alone for {seconds:.0f} seconds"
            raise UnavailableError(url, reason, may_pass=False)
        self._holds.wait(host)
        next(self._requests)
        try:
            response = self._send(url, headers)
        except requests.exceptions.SSLError as error:
            raise UnavailableError(url, f"TLS failed ({_innermost(error)})", may_pass=False) from error
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
            _raise_of_machine(error)
            raise UnavailableError(url, _innermost(error)) from error
        except (requests.RequestException, ValueError, OverflowError) as error:  # no address at all
            raise UnavailableError(url, _innermost(error), may_pass=False) from error
        _log.debug("%d %s", response.status_code, without_credentials(url))
        return response


class _Route(NamedTuple):
    """What is the same for all requests to one scheme, host and port."""

    template: requests.PreparedRequest
    settings: Mapping[str, Any]
    """Proxies and certificates, as the environment has them."""


def _joined(url: str, location: str) -> str:
    """Return where a redirect leads; raise UnavailableError where that is no address."""
    with contextlib.suppress(UnicodeError):  # headers come as Latin-1, addresses in them are UTF-8
        location = location.encode("latin-1").decode()
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise UnavailableError(url, f"redirects to {location!r}", may_pass=False) from error


def _begins_at(response: requests.Response, start: int) -> bool:
    """Tell whether a partial answer is the rest that was asked for (RFC 9110, 14.4)."""
    return response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _pause(attempt: int) -> float:
    longest: float = min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S)
    return longest * random.uniform(0.5, 1)  # noqa: S311 (so that workers don't ask in step)


def _retry_after(value: str | None) -> float | None:
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


def _length(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() and len(value) <= 16 else None


def _raise_of_machine(error: BaseException) -> None:
    """Raise what is no trouble of upstream's, but of this machine."""
    inner = _root(error)
    if isinstance(inner, OSError) and inner.errno in (errno.EMFILE, errno.ENFILE):
        raise inner from error


def _root(error: BaseException) -> BaseException:
    seen: set[int] = set()
    while id(error) not in seen:
        seen.add(id(error))
        inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
        error = next((e for e in inner if isinstance(e, BaseException) and id(e) not in seen), error)
    return error


def _innermost(error: BaseException) -> str:
    """Say in a few words why a request failed: what the innermost error says."""
    error = _root(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).rpartition(">: ")[2] or type(error).__name__


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return url


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _credentials(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")
