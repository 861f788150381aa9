"""The HTTP side of the fake index: answers, conditional and range requests, a server that stops at once.

What is answered is decided elsewhere: the server hands every request to a `respond` function.
"""

import gzip
import hashlib
import re
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# As socketserver types it: the pair is for datagrams.
_Connection = socket.socket | tuple[bytes, socket.socket]

_POLL_INTERVAL_S = 0.01


@dataclass
class Request:
    """One request as logged; `headers` have lower-case names, `status` stays 0 until the answer begins."""

    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    connection: int = 0
    """The client's port: the same for all requests of one connection."""

    @property
    def range(self) -> str | None:
        """The Range header, if one was sent."""
        return self.headers.get("range")


@dataclass(frozen=True)
class Answer:
    """An answer before framing: Content-Length and the like come in when it is sent."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def with_headers(self, headers: Mapping[str, str | None]) -> "Answer":
        """Return this answer with headers added, replaced, or (for `None`) left out."""
        replaced = {name.lower() for name in headers}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in replaced}
        given = {name: value for name, value in headers.items() if value is not None}
        return replace(self, headers=kept | given)

    def sized(self) -> "Answer":
        """Return this answer with its true Content-Length, where its status allows one."""
        if self.status in (204, 304):
            return self
        return self.with_headers({"Content-Length": str(len(self.body))})


def validated(answer: Answer, modified_s: float) -> Answer:
    """Add an ETag made from the body, and Last-Modified."""
    digest = hashlib.sha256(answer.body).hexdigest()[:32]
    return answer.with_headers({"ETag": f'"{digest}"', "Last-Modified": formatdate(modified_s, usegmt=True)})


def conditional(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """Answer 304 when the request names the answer's own validators."""
    if not _is_current(answer, headers):
        return answer
    return replace(answer.with_headers({"Content-Type": None}), status=304, body=b"")


def gzipped(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """Compress the body when the request allows it."""
    if answer.status != 200 or not accepts(headers.get("accept-encoding", ""), "gzip"):
        return answer
    changes: dict[str, str | None] = {"Content-Encoding": "gzip"}
    if "ETag" in answer.headers:
        # A strong ETag would claim the same bytes as without compression.
        changes["ETag"] = f"W/{answer.headers['ETag']}"
    return replace(answer.with_headers(changes), body=gzip.compress(answer.body, mtime=0))


def ranged(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """Answer a request for one byte range with that part; any other request in full."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", ""))
    if answer.status != 200 or match is None or not any(match.groups()):
        return answer
    if headers.get("if-range", answer.headers.get("ETag")) != answer.headers.get("ETag"):
        return answer
    size = len(answer.body)
    first, last = _range_bounds(match[1], match[2], size)
    if first > last:
        return Answer(416, {"Content-Range": f"bytes */{size}"})
    part = answer.with_headers({"Content-Range": f"bytes {first}-{last}/{size}"})
    return replace(part, status=206, body=answer.body[first : last + 1])


def accepts(header: str, *wanted: str) -> bool:
    """Say whether an Accept header names one of these values, and not with q=0."""
    for item in header.lower().split(","):
        value, *parameters = (part.strip() for part in item.split(";"))
        if value in wanted and not any(re.fullmatch(r"q=0(\.0*)?", part) for part in parameters):
            return True
    return False


def _is_current(answer: Answer, headers: Mapping[str, str]) -> bool:
    if "ETag" not in answer.headers:
        return False
    if "if-none-match" in headers:  # It wins over If-Modified-Since (RFC 9110, 13.1.3).
        given = {tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")}
        return bool(given & {answer.headers["ETag"], "*"})
    try:
        since = parsedate_to_datetime(headers["if-modified-since"])
    except (KeyError, ValueError):
        return False
    return parsedate_to_datetime(answer.headers["Last-Modified"]) <= since


def _range_bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


class Exchange:
    """One request and the connection to answer it on."""

    def __init__(self, handler: "_Handler", request: Request, normal: Callable[[Request], Answer]) -> None:
        self.request = request
        self._handler = handler
        self._normal = normal

    def normal_answer(self) -> Answer:
        """Return what the index answers when nothing is wrong."""
        return self._normal(self.request)

    def send(self, answer: Answer) -> None:
        """Send the whole answer, with its length."""
        self.start(answer.sized())
        self.write(answer.body)

    def start(self, answer: Answer) -> None:
        """Send status and headers, exactly those given."""
        self.request.status = answer.status
        self._handler.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def write(self, data: bytes) -> None:
        """Send a part of the body."""
        if self.request.method != "HEAD":
            self._handler.wfile.write(data)

    def pause(self, seconds: float) -> None:
        """Wait; raises ConnectionAbortedError when the server is stopped meanwhile."""
        if seconds and self._handler.server.stopping.wait(seconds):
            raise ConnectionAbortedError("the server was stopped")

    def hang_up(self) -> None:
        """Close the connection once the answer has been given."""
        self._handler.close_connection = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "IndexServer"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, connection=self.client_address[1])
        try:
            self.server.respond(Exchange(self, request, self.server.normal))
        except ConnectionError:
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object, **_named: object) -> None:
        pass


class IndexServer(ThreadingHTTPServer):
    """A server on loopback, in threads of its own; `stop` also cuts the connections that are open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        *,
        respond: Callable[[Exchange], None],
        normal: Callable[[Request], Answer],
        address: str = "127.0.0.1",
    ) -> None:
        self.respond = respond
        self.normal = normal
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((address, port), _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(_POLL_INTERVAL_S,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, wake whatever waits, and cut every open connection."""
        self.stopping.set()
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def server_bind(self) -> None:
        # Not HTTPServer's own, which asks the resolver for the host's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def process_request(self, request: _Connection, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Connection) -> None:
        assert isinstance(request, socket.socket)
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: _Connection, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
