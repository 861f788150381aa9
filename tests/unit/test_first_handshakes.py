"""The first handshake by a TLS context is made alone: two at once may spoil each other in OpenSSL."""

import select
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from pypimirror.errors import MirrorError, UnavailableError
from pypimirror.model import Validators
from pypimirror.upstream import Fetched, Upstream
from pypimirror.upstream.rules import Rules
from tests.tls import Certificate

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
CLIENTS = 3


class Server:
    """Takes connections, and answers each when it is told to."""

    def __init__(self, certificate: Certificate) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.path, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/"

    def accept(self, number: int) -> list[socket.socket]:
        """Return so many connections."""
        return [self._listener.accept()[0] for _ in range(number)]

    def answer(self, client: socket.socket) -> None:
        """Speak TLS over a connection, and answer its request."""
        with self._context.wrap_socket(client, server_side=True) as secure:
            secure.recv(1 << 16)
            secure.sendall(ANSWER)

    def close(self) -> None:
        """Take no more."""
        self._listener.close()


def speaking(clients: list[socket.socket], seconds: float) -> list[socket.socket]:
    """Return those that began to speak within so many seconds."""
    return select.select(clients, [], [], seconds)[0]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Server, Upstream, ThreadPoolExecutor]]:
    certificate = Certificate(tmp_path)
    with ExitStack() as opened:
        found = Server(certificate)
        opened.callback(found.close)
        pool = opened.enter_context(ThreadPoolExecutor(CLIENTS))
        rules = Rules(ca_bundle=str(certificate.path))
        upstream = Upstream(found.url, timeout=20, retries=0, rules=rules)
        opened.callback(upstream.close)
        yield found, upstream, pool


def asked(upstream: Upstream, url: str) -> bytes | MirrorError:
    try:
        found = upstream.page(url, accept="text/html", validators=Validators())
    except MirrorError as error:
        return error
    assert isinstance(found, Fetched)
    return found.content


def test_the_first_is_made_alone_and_the_others_at_once(
    server: tuple[Server, Upstream, ThreadPoolExecutor],
) -> None:
    serving, upstream, pool = server
    results = [pool.submit(asked, upstream, serving.url + str(number)) for number in range(CLIENTS)]
    clients = serving.accept(CLIENTS)
    (first,) = speaking(clients, 10)
    others = [each for each in clients if each is not first]
    assert speaking(others, 0.3) == []
    serving.answer(first)
    for each in others:  # both have begun before either is answered
        assert speaking([each], 10) == [each]
    for each in others:
        serving.answer(each)
    assert [each.result(20) for each in results] == [b"ok"] * CLIENTS


def test_one_that_fails_leaves_its_turn_to_the_next(
    server: tuple[Server, Upstream, ThreadPoolExecutor],
) -> None:
    serving, upstream, pool = server
    results = [pool.submit(asked, upstream, serving.url + str(number)) for number in range(2)]
    clients = serving.accept(2)
    (first,) = speaking(clients, 10)
    first.close()
    (second,) = speaking([each for each in clients if each is not first], 10)
    serving.answer(second)
    found = [each.result(20) for each in results]
    assert b"ok" in found
    assert any(isinstance(each, UnavailableError) for each in found)
