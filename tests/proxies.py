"""Proxies on loopback: they resolve names by themselves, and lead every one of them to one port here."""

import base64
import contextlib
import io
import socket
import ssl
import threading
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from tests.running import Listener
from tests.tls import Certificate, relay

_NO_LOGIN = 407


class Asked(NamedTuple):
    """A request to a proxy: its first line, and the name and password that came with it."""

    line: str
    login: str | None


class HttpProxy(Listener):
    """Tunnels by CONNECT and forwards what comes by http to `target`; with a certificate over TLS.

    Of `login` it wants name and password. The first requests get an answer with one of `statuses`; 0 is none.
    """

    def __init__(
        self,
        target: str,
        *,
        certificate: Certificate | None = None,
        login: str | None = None,
        statuses: tuple[int, ...] = (),
    ) -> None:
        self._target = urlsplit(target).hostname, urlsplit(target).port
        self._login = login
        self._statuses = list(statuses)
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.path, certificate.key)
            self._context.verify_mode = ssl.CERT_OPTIONAL
            self._context.load_verify_locations(certificate.path)
        self.asked: list[Asked] = []
        self.shown: set[bytes | None] = set()
        """The certificates that clients showed."""
        super().__init__()

    @property
    def url(self) -> str:
        login = f"{quote(self._login, safe=':')}@" if self._login else ""
        return f"{'https' if self._context else 'http'}://{login}127.0.0.1:{self.port}"

    @property
    def lines(self) -> list[str]:
        """The first lines of what was asked."""
        return [asked.line for asked in self.asked]

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_sockets:
            if self._context:
                secure = client = self._context.wrap_socket(client, server_side=True)
                self.shown.add(secure.getpeercert(binary_form=True))
            open_sockets.enter_context(client)
            head = _head(client)
            asked = _asked(head)
            self.asked.append(asked)
            status = self._statuses.pop(0) if self._statuses else 200
            if asked.login != self._login:
                status = _NO_LOGIN
            if status == 0:
                client.recv(1)  # until it is over for the client
            elif status != 200:
                client.sendall(f"HTTP/1.1 {status} No Way\r\nContent-Length: 0\r\n\r\n".encode())
            else:
                target = open_sockets.enter_context(socket.create_connection(self._target))
                if asked.line.startswith("CONNECT "):
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    target.sendall(head)
                _join(client, target)


def _head(client: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        block = client.recv(65536)
        if not block:
            raise OSError("it was closed")
        head += block
    return head


def _asked(head: bytes) -> Asked:
    line, *fields = head.decode("latin-1").split("\r\n")
    for field in fields:
        name, _, value = field.partition(": ")
        if name.lower() == "proxy-authorization":
            return Asked(line, _text(base64.b64decode(value.removeprefix("Basic "))))
    return Asked(line, None)


def _text(told: bytes) -> str:
    try:
        return told.decode()
    except UnicodeError:
        return told.decode("latin-1")


def _join(client: socket.socket, target: socket.socket) -> None:
    threading.Thread(target=relay, args=(target, client), daemon=True).start()
    relay(client, target)


class SocksProxy(Listener):
    """Speaks SOCKS 5 (RFC 1928), with name and password where it has a `login` (RFC 1929)."""

    def __init__(self, target: str, *, login: str | None = None, answer: int = 0) -> None:
        self._target = "127.0.0.1", urlsplit(target).port
        self._login = login
        self._answer = answer
        self.asked: list[str] = []
        super().__init__()

    def url(self, scheme: str = "socks5h") -> str:
        return f"{scheme}://{f'{self._login}@' if self._login else ''}127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            stream = client.makefile("rb")
            _, number = stream.read(2)
            stream.read(number)
            client.sendall(bytes([5, 2 if self._login else 0]))
            if self._login:
                _, length = stream.read(2)
                name = stream.read(length)
                password = stream.read(stream.read(1)[0])
                is_right = self._login == b":".join([name, password]).decode()
                client.sendall(bytes([1, not is_right]))
                if not is_right:
                    return
            self.asked.append(_place(stream))
            client.sendall(bytes([5, self._answer, 0, 1, 0, 0, 0, 0, 0, 0]))
            if not self._answer:
                with socket.create_connection(self._target) as target:
                    _join(client, target)


def _place(stream: io.BufferedReader) -> str:
    kind = stream.read(4)[3]
    host = stream.read(stream.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(stream.read(4))
    return f"{host}:{int.from_bytes(stream.read(2))}"
