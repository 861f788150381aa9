"""Connections: urllib3 makes them, with proxies and TLS, and http.client reads what comes over them."""

import contextlib
import functools
import http.client
import io
import socket
import ssl
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from urllib3 import exceptions
from urllib3.util import wait_for_read

from pypimirror.upstream.deadlines import Deadline, Line

_BUFFER = 1 << 16
_MOST_INFORMATIONAL = 20
"""Informational answers before the answer itself: a server that sends more never comes to it."""


class ClosedEarlyError(ConnectionError):
    """The other side ended the connection before anything of an answer came."""


class _Buffered(NamedTuple):
    """A socket that is read in larger pieces: a small file comes in with the head of its answer."""

    sock: socket.socket

    def makefile(self, mode: Literal["rb"]) -> io.IOBase:
        return self.sock.makefile(mode, _BUFFER)


class Response(http.client.HTTPResponse):
    """The first answer that is no informational one (RFC 9110, 15.2), and all of its body or an error."""

    def __init__(self, url: str, sock: socket.socket, connection: "Connection", deadline: Deadline) -> None:
        super().__init__(_Buffered(sock), method="GET")  # type: ignore[arg-type]
        self.url: str = url
        self.deadline = deadline
        self._connection = connection
        self.fields: dict[str, str] = {}
        """The header's fields by their names in lower case; what comes twice has commas between."""

    def begin(self) -> None:
        """Read the head of the answer.

        Raises ClosedEarlyError where nothing of it comes, http.client.HTTPException for what is no HTTP.
        """
        try:
            is_there = self.fp.peek(1)
        except _ENDED as error:
            raise ClosedEarlyError from error
        if not is_there:
            raise ClosedEarlyError("Remote end closed connection without response")
        for _ in range(_MOST_INFORMATIONAL + 1):
            if self.fp.peek(1).startswith(b"HTTP/1.1 100"):
                http.client.parse_headers(self.fp)  # of these it skips any number by itself
                continue
            super().begin()
            if not 100 <= self.status < 200:
                self._read_fields()
                return
            if self.status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("the server switches protocols, for which nobody asked")
            del self.headers
            self.headers: Any = None  # so that the next head is read
        raise http.client.HTTPException(f"more than {_MOST_INFORMATIONAL} informational answers")

    def _read_fields(self) -> None:
        fields = self.fields
        for name, value in self.headers.items():
            key = name.lower()
            fields[key] = f"{fields[key]}, {value.strip()}" if key in fields else value.strip()
        if len({length.strip() for length in fields.get("content-length", "").split(",")}) > 1:
            raise http.client.HTTPException("its lengths contradict each other")

    def read1(self, n: int = -1) -> bytes:
        """Return what is there, up to `n` bytes; raise http.client.HTTPException where more is missing."""
        block = super().read1(n)
        if not block and self.length:
            raise http.client.HTTPException(f"{self.length:,} bytes are missing")
        return block

    def read_into(self, block: memoryview) -> memoryview:
        """Return what is there, as `read1` does, mostly in the block: it is good until the next is read."""
        if self.chunked or self.length is None:
            return memoryview(self.read1(len(block)))
        wanted = block[: self.length]
        size = self.fp.readinto1(wanted)
        if not size and self.length:
            raise http.client.HTTPException(f"{self.length:,} bytes are missing")
        self.length -= size
        return wanted[:size]

    def release(self) -> None:
        """Keep the connection if the body was read to its end; else it can't be used again."""
        can_be_kept = self.is_at_end and not self.will_close
        self.close()
        self.deadline.end()
        if can_be_kept:
            self._connection.origin.keep(self._connection)
        else:
            self._connection.close()

    @property
    def is_at_end(self) -> bool:
        """Whether nothing of the body is left to be read."""
        return self.isclosed() or (self.length == 0 and not self.chunked)


_ENDED = (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError)


class FirstHandshakes:
    """Lets the first handshake by a TLS context be made alone, and all others at once.

    OpenSSL prepares the certificates that it trusts when it first needs them; of two handshakes at that
    moment one may fail, as if its certificate were not trusted.
    """

    def __init__(self) -> None:
        self._alone = threading.RLock()
        self._made: weakref.WeakSet[ssl.SSLContext] = weakref.WeakSet()

    def begin(self, context: ssl.SSLContext | None, turn: contextlib.ExitStack) -> None:
        """Wait until a handshake may be made, and let others wait until the `turn` is over, if need be."""
        if context is not None and context not in self._made:
            turn.enter_context(self._alone)
            if context in self._made:
                turn.close()

    def made(self, context: ssl.SSLContext | None) -> None:
        """Note that a handshake was made."""
        if context is not None:
            self._made.add(context)


class Way(NamedTuple):
    """How to connect to an origin."""

    kind: type
    """One of urllib3's connections."""
    hosts: Callable[[], list[str]]
    """Returns the addresses that may be asked, or the proxy."""
    options: dict[str, Any]
    first_handshakes: FirstHandshakes
    is_behind_proxy: bool = False
    tunnel: dict[str, Any] | None = None
    """The origin, where a proxy has to lead there."""
    forwards: Mapping[str, str] | None = None
    """Header fields for a proxy that wants the whole address."""


class Origin:
    """What is the same for all requests to one origin, and the connections that none of them uses now."""

    def __init__(self, way: Way, prefix: str, fields: str) -> None:
        self.way = way
        self.prefix = prefix
        """What comes before the path in a request: nothing, unless a proxy wants the whole address."""
        self.fields = fields
        """Those that each request has, as they are sent."""
        self._idle: list[Connection] = []
        self._is_closed = False

    def kept(self) -> "Connection | None":
        """Return a connection that was kept and is still of use, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet:
                return connection
            connection.close()
        return None

    def keep(self, connection: "Connection") -> None:
        """Keep a connection for another request."""
        if self._is_closed:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close all connections that are kept, and keep none any more."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()


class Connection:
    """A connection that is used for one request after the other, each held to its deadline."""

    def __init__(self, origin: Origin, deadline: Deadline) -> None:
        """Connect; raise what urllib3 raises where that can't be, or TimeoutError."""
        self.origin = origin
        way, lines = origin.way, list[Line]()

        def hold(made: socket.socket) -> None:
            lines.append(Line(made))
            deadline.hold(lines[-1])

        try:
            self._sock = deadline.connect(functools.partial(_opened, way, hold))
        except BaseException as error:
            for line in lines:
                line.close()
            if way.is_behind_proxy and isinstance(error, TimeoutError):
                raise exceptions.ProxyError(_NO_PROXY, error) from error
            raise
        self._sock.settimeout(deadline.socket_s)
        self._line = lines[-1]

    @property
    def is_quiet(self) -> bool:
        """Whether it is still of use: neither its end nor bytes without a request came."""
        return not wait_for_read(self._sock, 0)

    def ask(self, url: str, target: str, fields: str, deadline: Deadline) -> Response:
        """Send a request, and read the head of the answer.

        Raises ClosedEarlyError where the connection ended before anything came, else OSError or
        http.client.HTTPException.
        """
        deadline.hold(self._line)
        response = None
        try:
            request = f"GET {target} HTTP/1.1\r\n{self.origin.fields}{fields}\r\n"
            try:
                self._sock.sendall(request.encode("latin-1"))
            except _ENDED as error:
                raise ClosedEarlyError from error
            response = Response(url, self._sock, self, deadline)
            response.begin()
        except BaseException:
            if response is not None:
                response.close()
            self.close()
            raise
        return response

    def close(self) -> None:
        """Close it, when nothing is read from it any more."""
        self._sock.close()
        self._line.close()


def _opened(way: Way, on_socket: Callable[[socket.socket], None]) -> socket.socket:
    """Connect to the first host that answers; raise what urllib3 raises where none does."""
    with contextlib.ExitStack() as turn:
        return _connected(way, on_socket, turn)


def _connected(
    way: Way, on_socket: Callable[[socket.socket], None], turn: contextlib.ExitStack
) -> socket.socket:
    context: ssl.SSLContext | None = way.options.get("ssl_context")

    def begin(made: socket.socket) -> None:
        on_socket(made)
        way.first_handshakes.begin(context, turn)

    trouble: Exception | None = None
    for host in way.hosts():
        opening = _telling(way.kind)(host=host, on_socket=begin, **way.options)
        try:
            if way.tunnel:
                opening.set_tunnel(**way.tunnel)
            opening.connect()
        except (exceptions.NewConnectionError, exceptions.ConnectTimeoutError) as error:
            trouble = exceptions.ProxyError(_NO_PROXY, error) if way.is_behind_proxy else error
        except (exceptions.HTTPError, OSError, http.client.HTTPException) as error:
            trouble = _trouble(way, opening, error)
            opening.close()
            raise trouble from error
        else:
            way.first_handshakes.made(context)
            connected: socket.socket = opening.sock
            return connected
    assert trouble is not None
    raise trouble


def _trouble(way: Way, opening: Any, error: Exception) -> Exception:
    is_tls = isinstance(error, ssl.SSLError)
    # One that is connected to its proxy may be led no further; then it closed itself, or TLS did not begin.
    if opening.proxy and not (opening.has_connected_to_proxy and (is_tls or way.tunnel is None)):
        return exceptions.ProxyError(_NO_PROXY, error)
    return exceptions.SSLError(error) if is_tls else error


_NO_PROXY = "Cannot connect to proxy"

_Base: Any = object
"""One of urllib3's connections, whatever it is for: TLS, or a proxy of some kind."""


class _Telling(_Base):  # type: ignore[misc]
    """A connection that tells of its socket before TLS takes it over."""

    def __init__(self, *, on_socket: Callable[[socket.socket], None], **options: Any) -> None:
        self._on_socket = on_socket
        self._sock: Any = None
        super().__init__(**options)

    @property
    def sock(self) -> Any:
        """The socket: first that to the server or proxy, and then one of TLS over it."""
        return self._sock

    @sock.setter
    def sock(self, made: Any) -> None:
        if made is not None and self._sock is None:
            self._on_socket(made)
        self._sock = made


@functools.cache
def _telling(base: type) -> Any:
    """Return a class of connections like `base`, each of which tells of its socket."""
    return type(f"Telling{base.__name__}", (_Telling, base), {})
