"""What a fake index can be told to do wrong, and the queue that says when."""

import gzip
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol

from tests.index_server import Answer, Exchange


class Fault(Protocol):
    """One way to answer a request otherwise than normally."""

    def play(self, exchange: Exchange) -> None:
        """Answer the request."""


@dataclass(frozen=True)
class Status:
    """Answer with this status."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def play(self, exchange: Exchange) -> None:
        exchange.send(Answer(self.code, self.headers, self.body))


@dataclass(frozen=True)
class Body:
    """Answer with another body altogether."""

    content: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def play(self, exchange: Exchange) -> None:
        headers = {"Content-Type": self.content_type, **self.headers}
        exchange.send(Answer(self.status, headers, self.content))


@dataclass(frozen=True)
class Cut:
    """Announce the whole body, and close the connection after this many bytes of it."""

    after: int

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.sized())
        exchange.write(answer.body[: self.after])
        exchange.hang_up()


@dataclass(frozen=True)
class CutChunked:
    """Send this many bytes as one chunk, and close without the chunk that ends the body."""

    after: int

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.with_headers({"Transfer-Encoding": "chunked"}))
        part = answer.body[: self.after]
        if part:  # An empty chunk would end the body properly.
            exchange.write(b"%x\r\n%b\r\n" % (len(part), part))
        exchange.hang_up()


@dataclass(frozen=True)
class Corrupt:
    """Flip a byte in the middle of the body."""

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        body = bytearray(answer.body)
        if body:
            body[len(body) // 2] ^= 0xFF
        exchange.send(replace(answer, body=bytes(body)))


@dataclass(frozen=True)
class Extend:
    """Send more than the body, without a length: the end of the connection ends it."""

    extra: bytes

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.with_headers({"Connection": "close"}))
        exchange.write(answer.body + self.extra)
        exchange.hang_up()


@dataclass(frozen=True)
class Hang:
    """Wait, then answer normally."""

    seconds: float

    def play(self, exchange: Exchange) -> None:
        exchange.pause(self.seconds)
        exchange.send(exchange.normal_answer())


@dataclass(frozen=True)
class HangBody:
    """Wait after this many bytes of the body, then send the rest."""

    after: int
    seconds: float

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.sized())
        exchange.write(answer.body[: self.after])
        exchange.pause(self.seconds)
        exchange.write(answer.body[self.after :])


@dataclass(frozen=True)
class Drip:
    """Send the body in pieces of `chunk` bytes, with `interval` seconds after each."""

    chunk: int
    interval: float

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.sized())
        for start in range(0, len(answer.body), self.chunk):
            exchange.write(answer.body[start : start + self.chunk])
            exchange.pause(self.interval)


@dataclass(frozen=True)
class DripUnsized:
    """As `Drip`, but without telling the length: the end of the connection ends it."""

    chunk: int
    interval: float

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        exchange.start(answer.with_headers({"Connection": "close"}))
        for start in range(0, len(answer.body), self.chunk):
            exchange.write(answer.body[start : start + self.chunk])
            exchange.pause(self.interval)
        exchange.hang_up()


@dataclass(frozen=True)
class Endless:
    """Write `head` as it is, then the same piece again and again, with `interval` seconds after each."""

    head: bytes
    piece: bytes
    interval: float = 0.02

    def play(self, exchange: Exchange) -> None:
        exchange.write(self.head)
        while True:
            exchange.write(self.piece)
            exchange.pause(self.interval)


_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n"
_HTML = b"<!DOCTYPE html><html><body></body></html>"

DRIPPED_HEADER = Endless(b"HTTP/1.1 200 OK\r\nX-Filler: ", b"x")
DRIPPED_STATUS = Endless(b"HTTP/1.1 200 ", b"O")
ENDLESS_CONTINUE = Endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.1)  # so few in a second are no flood
DRIPPED_BODY = Endless(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n", b"<")
DRIPPED_CHUNKS = Endless(_CHUNKED + b"\r\n", b"1\r\n<\r\n")
DRIPPED_WITHOUT_LENGTH = Endless(
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n", b"<"
)
ENDLESS_EXTENSION = Endless(_CHUNKED + b"\r\n5;", b"a")
ENDLESS_TRAILERS = Endless(_CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n" % (len(_HTML), _HTML), b"X: y\r\n")
EMPTY_GZIP = Endless(
    _CHUNKED + b"Content-Encoding: gzip\r\n\r\na\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03\r\n",
    b"5\r\n\0\0\0\xff\xff\r\n",
)
"""A stored block of no bytes, and once more (RFC 1951, 3.2.4)."""


@dataclass(frozen=True)
class Drop:
    """Close the connection without an answer."""

    def play(self, exchange: Exchange) -> None:
        exchange.hang_up()


@dataclass(frozen=True)
class Redirect:
    """Send the client elsewhere."""

    location: str
    code: int = 302

    def play(self, exchange: Exchange) -> None:
        exchange.send(Answer(self.code, {"Location": self.location}))


@dataclass(frozen=True)
class Encoded:
    """Send the body compressed, whatever the request allows."""

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer()
        if answer.headers.get("Content-Encoding") != "gzip":
            encoded = answer.with_headers({"Content-Encoding": "gzip"})
            answer = replace(encoded, body=gzip.compress(answer.body, mtime=0))
        exchange.send(answer)


@dataclass(frozen=True)
class Headers:
    """Answer normally but for these headers; `None` leaves a header out."""

    headers: Mapping[str, str | None]

    def play(self, exchange: Exchange) -> None:
        answer = exchange.normal_answer().sized().with_headers(self.headers)
        exchange.start(answer)
        exchange.write(answer.body)
        if answer.body and "content-length" not in {name.lower() for name in answer.headers}:
            exchange.hang_up()


@dataclass(frozen=True)
class Call:
    """Call this function, then answer normally."""

    function: Callable[[], object]

    def play(self, exchange: Exchange) -> None:
        self.function()
        exchange.send(exchange.normal_answer())


@dataclass
class _Entry:
    path_glob: str
    fault: Fault
    times: int | None


class FaultQueue:
    """The faults still to come. The first whose glob matches is taken, until its times are used up."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._lock = threading.Lock()

    def add(self, path_glob: str, fault: Fault, times: int | None) -> None:
        """Queue a fault for so many requests, or for ever."""
        with self._lock:
            self._entries.append(_Entry(path_glob, fault, times))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._entries.clear()

    def take(self, path: str) -> Fault | None:
        """Return the fault for a request of this path, and count it."""
        with self._lock:
            for entry in self._entries:
                if entry.times != 0 and fnmatchcase(path, entry.path_glob):
                    if entry.times is not None:
                        entry.times -= 1
                    return entry.fault
        return None
