"""Answers to requests for files, in any form that HTTP has, over connections that are kept."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from pypimirror.errors import NotFoundError, UnavailableError
from pypimirror.model import Validators
from pypimirror.upstream import NotModified, Upstream

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
CLOSED = b"closed"
"""Stands for a server that ends its connection."""
RESET = b"reset"
"""Stands for one that does so without a good-bye."""

Serve = Callable[..., Upstream]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve answers in turn, each connection until it has to be closed; `.requests` are what was asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[Upstream] = []

    def start(*answers: bytes | list[bytes], timeout: float = 5) -> Upstream:
        left = list(answers)

        def work() -> None:
            while left:
                connection, _ = listener.accept()
                with closing(connection), suppress(ConnectionResetError):
                    while left and connection.recv(65536):
                        for part in answer if isinstance(answer := left.pop(0), list) else [answer]:
                            if part == RESET:
                                connection.setsockopt(
                                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                                )
                            if part in (CLOSED, RESET):
                                break
                            connection.sendall(part)
                            threading.Event().wait(0.05)
                        else:
                            continue
                        break

        threading.Thread(target=work, daemon=True).start()
        port = listener.getsockname()[1]
        opened.append(Upstream(f"http://127.0.0.1:{port}/simple/", timeout=timeout, retries=0))
        return opened[0]

    with closing(listener):
        yield start
        for each in opened:
            each.close()


def read(upstream: Upstream) -> bytes:
    with upstream.open_file(f"{upstream.index_url}six-1.0.tar.gz") as answer:
        return b"".join(map(bytes, answer.raw_chunks()))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond",
        b"HTTP/1.1 200 OK\r\ncontent-length:6\r\nconnection: Keep-Alive\r\nSet-Cookie: a=b\r\n\r\nsecond",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsecond\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-Folded: one\r\n two\r\n\r\nsecond",
        b"HTTP/1.1 200 OK\nContent-Length: 6\n\nsecond",
        b"HTTP/1.1 200 OK\nContent-Length: 6\r\n\r\nsecond",
        [b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 6\r\n\r\nsec", b"ond"],
        [b"HTTP/1.1 200 OK\r\n\r\n", b"second", CLOSED],
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n", b"second", CLOSED],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nsecond", CLOSED],
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond",
    ],
)
def test_any_form_of_an_answer_is_read_and_the_next_one_is_its_own(
    serve: Serve, answer: bytes | list[bytes]
) -> None:
    upstream = serve(PLAIN, answer, PLAIN)
    assert [read(upstream) for _ in range(3)] == [b"first", b"second", b"first"]
    assert upstream.requests == 3


def test_an_error_is_what_it_is(serve: Serve) -> None:
    upstream = serve(PLAIN, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", PLAIN)
    assert read(upstream) == b"first"
    with pytest.raises(NotFoundError):
        read(upstream)
    assert read(upstream) == b"first"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsec", CLOSED], "the answer broke off"),
        (b"no HTTP\r\n\r\n", "no HTTP"),
    ],
)
def test_what_breaks_off_is_told_and_its_connection_not_used_again(
    serve: Serve, answer: bytes | list[bytes], reason: str
) -> None:
    upstream = serve(PLAIN, answer, PLAIN)
    assert read(upstream) == b"first"
    with pytest.raises(UnavailableError, match=reason):
        read(upstream)
    assert read(upstream) == b"first"


@pytest.mark.parametrize("end", [CLOSED, RESET])
def test_a_kept_connection_that_is_closed_before_an_answer_is_no_failure(serve: Serve, end: bytes) -> None:
    upstream = serve(PLAIN, [end], PLAIN, [end], PLAIN)
    assert [read(upstream) for _ in range(3)] == [b"first"] * 3
    assert upstream.requests == 5


@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([[CLOSED]], 1),
        ([PLAIN, [CLOSED], [CLOSED]], 3),
        ([PLAIN, [b"HTTP/1.1 103 Early Hints\r\n\r\n", CLOSED]], 2),
        ([PLAIN, [b"HTTP/1.1 2", CLOSED]], 2),
        ([PLAIN, [b"HTTP/1.1 200 OK\r\n", RESET]], 2),
    ],
)
def test_any_other_end_is_a_failure(serve: Serve, answers: list[bytes | list[bytes]], requests: int) -> None:
    upstream = serve(*answers, PLAIN)
    for _ in answers[:-1][:1]:
        assert read(upstream) == b"first"
    with pytest.raises(UnavailableError):
        read(upstream)
    assert upstream.requests == requests
    assert read(upstream) == b"first"


def test_a_kept_connection_that_says_nothing_is_not_asked_twice(serve: Serve) -> None:
    upstream = serve(PLAIN, [b"", b""] * 100, timeout=0.3)
    assert read(upstream) == b"first"
    with pytest.raises(UnavailableError, match="it takes too long"):
        read(upstream)
    assert upstream.requests == 2


def test_what_is_not_read_to_its_end_costs_the_connection_alone(serve: Serve) -> None:
    upstream = serve(PLAIN, [b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\nsecond", CLOSED], PLAIN)
    assert read(upstream) == b"first"
    with upstream.open_file(f"{upstream.index_url}six-1.0.tar.gz") as answer:
        assert next(answer.raw_chunks()) == b"second"
    assert read(upstream) == b"first"


def test_a_body_is_never_taken_for_headers(serve: Serve) -> None:
    """A head that ends with bare line feeds, and a body that looks like headers."""
    body = b"second\r\nContent-Length: 5\r\n\r\nthird"
    head = b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(body)
    upstream = serve(PLAIN, head + body, PLAIN)
    assert [read(upstream) for _ in range(3)] == [b"first", body, b"first"]


def test_lengths_that_contradict_each_other_are_refused(serve: Serve) -> None:
    answer = b"HTTP/1.1 200 OK\nContent-Length: 3\r\nContent-Length: 6\r\n\r\nsecond"
    upstream = serve(PLAIN, [answer, CLOSED])
    assert read(upstream) == b"first"
    with pytest.raises(UnavailableError):
        read(upstream)


def test_what_comes_unasked_is_no_answer(serve: Serve) -> None:
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    upstream = serve([PLAIN, evil], PLAIN + evil, PLAIN)
    assert read(upstream) == b"first"
    threading.Event().wait(0.2)
    assert read(upstream) == b"first"
    assert read(upstream) == b"first"


def test_a_connection_is_kept_after_an_answer_without_a_body(serve: Serve) -> None:
    upstream = serve(PLAIN, b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n', PLAIN)
    assert read(upstream) == b"first"
    with upstream.open_if_changed(f"{upstream.index_url}six-1.0.tar.gz", Validators('"a"', None)) as answer:
        assert isinstance(answer, NotModified)
    assert read(upstream) == b"first"
    assert upstream.requests == 3
