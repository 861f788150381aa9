"""A hostile index: what a server can send to hold a run, to fill memory, disk or log, or to leave the tree.

`CASES` are its tricks, each played for the paths of its glob while all else is answered as it should be. A
script writes raw bytes to the socket. A new case is an entry of a table: a name, a path, what is sent.
"""

import functools
import gzip
import io
import itertools
import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.fake_index import FakeIndex
from tests.index_server import Exchange

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html; charset=utf-8"

LIST = "/simple/"
PAGE = "/simple/bad/"
WHEEL = "/files/bad/bad-1.0-py3-none-any.whl"
ALL = "*"

_LONG_S = 120.0
"""Longer than any test waits."""


class Wire:
    """The connection of one request, and what a script can do with it."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._socket = exchange._handler.connection
        exchange.hang_up()

    @property
    def normal_body(self) -> bytes:
        """What the index would have answered."""
        return self._exchange.normal_answer().body

    @property
    def origin(self) -> str:
        """Scheme, host and port as the client asked for them."""
        return f"http://{self._exchange.request.headers['host']}"

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def head(self, *lines: str, status: str = "200 OK") -> None:
        """Send a status and header lines."""
        self.send("".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, "")).encode("latin-1"))

    def answer(self, body: bytes, content_type: str, *lines: str, status: str = "200 OK") -> None:
        """Send an answer that is sound as far as HTTP goes."""
        self.head(f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *lines, status=status)
        self.send(body)

    def redirect(self, location: str) -> None:
        """Send the client elsewhere."""
        self.answer(b"", HTML, f"Location: {location}", status="302 Found")

    def for_ever(self, data: bytes, interval: float = 0.005) -> None:
        """Send the same bytes again and again."""
        self.stream(itertools.repeat(data), interval)

    def stream(self, parts: Iterator[bytes], interval: float = 0.0) -> None:
        """Send parts, with a pause after each, until the other side has had enough."""
        for part in parts:
            self.send(part)
            self._exchange.pause(interval)

    def hold(self) -> None:
        """Say nothing more."""
        self._exchange.pause(_LONG_S)


Script = Callable[[Wire], None]


@dataclass(frozen=True)
class Case:
    """One trick: where it is played, what is sent, and which statuses a run may end with."""

    at: str
    script: Script
    statuses: frozenset[int] = frozenset({3})
    options: Mapping[str, object] = field(default_factory=dict)
    spares_others: bool = True
    """The other project has to come all the same."""
    prepare: Callable[[FakeIndex], object] = lambda _index: None
    """What is put on the index before; in the project `bad` alone."""

    def begin(self, index: FakeIndex) -> None:
        """Spoil an index."""
        if isinstance(self.script, Built):
            self.script.build()
        self.prepare(index)
        index.fault(self.at, self)

    def play(self, exchange: Exchange) -> None:
        """Answer a request, as a fault of the fake index."""
        self.script(Wire(exchange))


def entry(filename: str = "bad-1.0.tar.gz", **changes: object) -> dict[str, object]:
    """Return a sound entry of a JSON page but for these changes."""
    return {"filename": filename, "url": f"/files/bad/{filename}", "hashes": {"sha256": "a" * 64}} | changes


def page(*entries: Mapping[str, object], **changes: object) -> bytes:
    """Return the JSON page of the project `bad`."""
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "bad", "files": entries} | changes).encode()


def anchors(count: int, href: str = "x", head: str = "") -> bytes:
    """Return the HTML page of the project `bad` with so many links."""
    title = f"<!DOCTYPE html><html><head><title>Links for bad</title>{head}</head><body>".encode()
    return title + f'<a href="{href}">x</a>\n'.encode() * count + b"</body></html>"


def sends(body: bytes, content_type: str = JSON, *lines: str, status: str = "200 OK") -> Script:
    """Make a script of one sound answer."""
    return lambda wire: wire.answer(body, content_type, *lines, status=status)


class Built:
    """A script of one large answer, which is built before the run begins: nobody shall wait for it."""

    def __init__(self, build: Callable[[], bytes], content_type: str = JSON, *lines: str) -> None:
        self.build = functools.cache(build)
        self._content_type, self._lines = content_type, lines

    def __call__(self, wire: Wire) -> None:
        wire.answer(self.build(), self._content_type, *self._lines)


def bomb(size: int, window: int) -> bytes:
    """Return zeros, packed; a `window` of 31 is gzip, of 15 deflate."""
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def _after(head: bytes, data: bytes, interval: float = 0.005) -> Script:
    def script(wire: Wire) -> None:
        wire.send(head)
        wire.for_ever(data, interval)

    return script


def _redirects(location: str) -> Script:
    return lambda wire: wire.redirect(location)


def _chain(wire: Wire) -> None:
    """Redirect to ever new addresses."""
    path = wire._exchange.request.path
    wire.redirect(f"{wire.origin}{path.partition('?')[0]}?{len(path)}{path.partition('?')[2]}")


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.pypi.simple.v1+json\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_GZIPPED = _OK + b"Content-Encoding: gzip\r\n\r\n"
_GZIP_HEAD = bytes.fromhex("1f8b08000000000000ff")
_STORED_NOTHING = bytes.fromhex("000000ffff")

HEADS: dict[str, Case] = {
    "never answers": Case(PAGE, lambda wire: wire.hold()),
    "a status line that drips": Case(PAGE, lambda wire: wire.stream(iter([b"H", b"T"] * 500), 0.2)),
    "header lines that drip": Case(PAGE, _after(_OK, b"X-Drip: 1\r\n", 0.2)),
    "a header line that drips": Case(PAGE, _after(_OK + b"X-Drip: ", b"x", 0.2)),
    "header lines without end": Case(PAGE, _after(_OK, b"X-More: 1\r\n" * 50)),
    "a header line without end": Case(PAGE, _after(_OK + b"X-Long: ", b"x" * 10_000)),
    "100 Continue without end": Case(PAGE, _after(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
    "103 Early Hints without end": Case(PAGE, _after(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n")),
    "hangs up": Case(PAGE, lambda _wire: None),
    "no HTTP at all": Case(PAGE, lambda wire: wire.send(b"\0\xff" * 2000)),
    "a status of 999": Case(PAGE, lambda wire: wire.answer(b"", HTML, status="999 \x1b[2J")),
    "a length below zero": Case(PAGE, lambda wire: wire.send(_OK + b"Content-Length: -1\r\n\r\n{}")),
    "two lengths": Case(
        PAGE, lambda wire: wire.send(_OK + b"Content-Length: 2\r\nContent-Length: 900\r\n\r\n{}")
    ),
}

BODIES: dict[str, Case] = {
    "chunks without end": Case(PAGE, _after(_CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n", 0.0)),
    "a chunk of any size": Case(PAGE, lambda wire: wire.send(_CHUNKED + b"f" * 40 + b"\r\n{}")),
    "a chunk's extension without end": Case(PAGE, _after(_CHUNKED + b"1;", b"x" * 10_000)),
    "trailers without end": Case(PAGE, _after(_CHUNKED + b"2\r\n{}\r\n0\r\n", b"X-Trailer: 1\r\n")),
    "a body that drips": Case(PAGE, _after(_OK + b"Content-Length: 999999\r\n\r\n", b" ", 0.1)),
    "a body that stops": Case(
        PAGE, lambda wire: wire.stream(iter([_OK + b"Content-Length: 999\r\n\r\n {"]), _LONG_S)
    ),
    "gzip of empty blocks": Case(PAGE, _after(_GZIPPED + _GZIP_HEAD, _STORED_NOTHING * 100)),
    "gzip of empty members": Case(PAGE, _after(_GZIPPED, gzip.compress(b"") * 100)),
    "a gzip bomb": Case(PAGE, Built(lambda: bomb(1 << 28, 31), JSON, "Content-Encoding: gzip")),
    "a deflate bomb": Case(PAGE, Built(lambda: bomb(1 << 28, 15), JSON, "Content-Encoding: deflate")),
    "encodings in encodings": Case(
        PAGE,
        sends(gzip.compress(gzip.compress(b"{}")), JSON, "Content-Encoding: " + ", ".join(["gzip"] * 200)),
    ),
    "an encoding that nobody asked for": Case(PAGE, sends(b"\x1b\x00\x00", JSON, "Content-Encoding: br")),
    "a charset that is none": Case(PAGE, sends(anchors(1), "text/html; charset=\x1b[2J"), frozenset({0, 3})),
}

REDIRECTS: dict[str, Case] = {
    "to itself": Case(PAGE + "*", lambda wire: wire.redirect(f"{wire.origin}{PAGE}")),
    "to ever new addresses": Case(PAGE + "*", _chain),
    "to an address of metadata": Case(PAGE, _redirects("http://169.254.169.254/latest/meta-data/bad/")),
    "to metadata by another spelling": Case(PAGE, _redirects("http://[::ffff:a9fe:a9fe]/simple/bad/")),
    "to a file": Case(PAGE, _redirects("file:///etc/passwd")),
    "to another project": Case(PAGE, lambda wire: wire.redirect(f"{wire.origin}/simple/good/")),
    "to 5 MB": Case(PAGE, lambda wire: wire.redirect("/" + "x" * 5_000_000)),
    "to an address of 60 kB": Case(PAGE, lambda wire: wire.redirect("/" + "x" * 60_000), frozenset({0, 3})),
    "to a line that begins another": Case(
        PAGE, _redirects("/simple/good/%0d%0aX-Evil:%201"), frozenset({0, 3})
    ),
}

_TRAVERSALS = (
    "../../bad-1.0.zip",
    "..",
    "/etc/bad-1.0.zip",
    "bad-1.0.zip\0",
    "%2e%2e%2fbad-1.0.zip",
    "\\bad.zip",
)
_PAGES = ("index.html", "index.v1_json", "bad-1.0.zip.metadata", "bad-1.0.zip.provenance", ".htaccess")
_ESCAPES = (
    "bad-1.0\x1b[2J.zip",
    "bad-1.0\x9b2J.zip",
    "bad-1.0\u202ezip.exe",
    "bad-\r\n1.0.zip",
    "bad-1.0\x07.zip",
)


def _names(*names: str) -> Script:
    return sends(page(*map(entry, names)))


PAGES: dict[str, Case] = {
    "a base of 5 MB": Case(
        PAGE,
        Built(lambda: anchors(2000, head=f'<base href="http://h.example.org/{"x" * 5_000_000}/">'), HTML),
        frozenset({0, 3}),
    ),
    "three million anchors": Case(
        PAGE,
        Built(lambda: gzip.compress(anchors(3_000_000, "y.zip"), 1), HTML, "Content-Encoding: gzip"),
    ),
    "210,000 entries": Case(PAGE, Built(lambda: page(*[entry(f"bad-{n}.zip") for n in range(210_000)]))),
    "entries that are refused": Case(
        PAGE,
        Built(lambda: page(*[entry(f"../bad-{n}-{'x' * 200}.zip") for n in range(20_000)])),
        frozenset({0, 3}),
    ),
    "an attribute of 20 MB": Case(
        PAGE, Built(lambda: anchors(1, "bad-1.0.zip#" + "x" * 20_000_000), HTML), frozenset({0, 3})
    ),
    "elements in elements": Case(
        PAGE, Built(lambda: anchors(0).replace(b"</body>", b"<div>" * 500_000), HTML), frozenset({0, 3})
    ),
    "arrays in arrays": Case(PAGE, sends(b'{"meta":{"api-version":"1.0"},"files":' + b"[" * 1_000_000)),
    "a number of a million digits": Case(
        PAGE, sends(page(entry(size=0)).replace(b"0}", b"9" * 1_000_000 + b"}"))
    ),
    "a comment that swallows": Case(
        PAGE, sends(anchors(1).replace(b"<a ", b"<!-- <a "), HTML), frozenset({0, 3})
    ),
    "names that lead out": Case(PAGE, _names(*_TRAVERSALS), frozenset({0, 3})),
    "names of pages": Case(PAGE, _names(*_PAGES), frozenset({0, 3})),
    "names with escapes": Case(PAGE, _names(*_ESCAPES), frozenset({0, 3})),
    "names that differ in case": Case(
        PAGE, _names("bad-1.0.zip", "BAD-1.0.zip", "Bad-1.0.zip"), frozenset({3})
    ),
    "words with escapes": Case(
        PAGE,
        sends(
            page(
                entry(yanked="\x1b]0;x\x07"), **{"project-status": {"status": "\x1b[2J", "reason": "\x1b[2J"}}
            )
        ),
        frozenset({0, 3}),
    ),
    "text of 5 MB": Case(
        PAGE,
        Built(lambda: page(entry(yanked="x" * 5_000_000), versions=["1" * 5_000_000])),
        frozenset({0, 3}),
    ),
    "markup": Case(PAGE, sends(page(entry(yanked='"><script>x</script>'))), frozenset({3})),
    "addresses that are none": Case(
        PAGE,
        sends(
            page(
                *(
                    entry(f"bad-{n}.zip", url=u)
                    for n, u in enumerate(("http://[", "x:y", "http://a:b/", "\0"))
                )
            )
        ),
        frozenset({0, 3}),
    ),
    "Retry-After of a day": Case(PAGE, sends(b"", HTML, "Retry-After: 86400", status="503 Busy")),
    "Retry-After of an age": Case(PAGE, sends(b"", HTML, "Retry-After: " + "9" * 400, status="503 Busy")),
}


def _members(count: int) -> bytes:
    """Return a wheel of so many members; it is small, as each of them is empty."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        for number in range(1000):
            wheel.writestr(f"m/{number}", b"")
        wheel.writestr("bad-2.0.dist-info/METADATA", b"Name: bad\nVersion: 2.0\n")
    # The directory says that there are more of the same kind, and repeats itself.
    data = content.getvalue()
    end = data.rindex(b"PK\5\6")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    directory = data[start:end] * (count // 1000)
    tail = bytearray(data[end:])
    tail[8:12] = b"\xff\xff\xff\xff"
    tail[12:16] = len(directory).to_bytes(4, "little")
    return data[:start] + directory + bytes(tail)


def _add_members(index: FakeIndex) -> None:
    index.add_file("bad", "bad-2.0-py3-none-any.whl", _members(600_000))


def _lies(size: int) -> Callable[[FakeIndex], None]:
    """Let the page say another size of the wheel."""

    def prepare(index: FakeIndex) -> None:
        index.files("bad")[0].size = size

    return prepare


def _at(url: str) -> Callable[[FakeIndex], None]:
    """Let the page name another address of the wheel, without a digest."""

    def prepare(index: FakeIndex) -> None:
        index.files("bad")[0].url, index.files("bad")[0].hashes = url, {}

    return prepare


_FILE_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"


def _normal(wire: Wire) -> None:
    wire.answer(wire.normal_body, "application/octet-stream")


FILES: dict[str, Case] = {
    "a file that never comes": Case(WHEEL, lambda wire: wire.hold()),
    "a file without end": Case(WHEEL, _after(_FILE_OK + b"\r\n", b"x" * 65_536)),
    "a file of other bytes": Case(WHEEL, lambda wire: wire.answer(wire.normal_body[::-1], "x/y")),
    "a file that is cut": Case(
        WHEEL, lambda wire: wire.send(_FILE_OK + b"Content-Length: 900\r\n\r\n" + wire.normal_body[:50])
    ),
    "a file that drips in its head": Case(WHEEL, _after(_FILE_OK, b"X-Drip: 1\r\n", 0.2)),
    "a file of 9 PB": Case(WHEEL, _normal, prepare=_lies(9 * 10**15)),
    "a file of no bytes": Case(WHEEL, _normal, frozenset({0}), prepare=_lies(0)),
    "a file of one byte less": Case(WHEEL, _normal, prepare=_lies(100)),
    "an answer of 9 PB": Case(
        WHEEL, lambda wire: wire.send(_FILE_OK + b"Content-Length: 9000000000000000\r\n\r\nx")
    ),
    "a file at an address of metadata": Case(WHEEL, _normal, prepare=_at("http://169.254.169.254/latest/")),
    "a file that moved to metadata": Case(WHEEL, _redirects("http://169.254.169.254/latest/")),
    "a wheel of 600,000 members": Case("/nothing", _normal, frozenset({0, 3}), prepare=_add_members),
}

_LOGIN = b"<html><body><a href=/login>log in</a><a href=/forgot>Forgot it?</a></body></html>"

_MANY = " ".join(f"p{number}" for number in range(40))
_DOWN = {"package_matches": _MANY, "workers": 2}


def _down(script: Script) -> Case:
    """Make a case of a host that gives no page at all, to a mirror of 40 plain names."""
    return Case(ALL, script, frozenset({4}), _DOWN, spares_others=False)


def _list(script: Script, statuses: frozenset[int] = frozenset({4})) -> Case:
    return Case(LIST, script, statuses, spares_others=0 in statuses)


def _listing(*names: str) -> bytes:
    projects = [{"name": name} for name in ("good", "bad", *names)]
    return json.dumps({"meta": {"api-version": "1.1"}, "projects": projects}).encode()


HOSTS: dict[str, Case] = {
    "503 to all": _down(sends(b"", HTML, status="503 Busy")),
    "503 to all, and a day": _down(sends(b"", HTML, "Retry-After: 86400", status="503 Busy")),
    "429 to all": _down(sends(b"", HTML, "Retry-After: 3600", status="429 Slow")),
    "no answer to any": _down(lambda wire: wire.hold()),
    "hangs up on all": _down(lambda _wire: None),
    "a login page for all": Case(ALL, sends(_LOGIN, HTML), frozenset({3, 4}), _DOWN, spares_others=False),
    "a list that never comes": _list(lambda wire: wire.hold()),
    "a list without end": _list(
        _after(_OK + b'\r\n{"meta":{"api-version":"1.0"},"projects":[', b'{"name":"a"},' * 500, 0.01)
    ),
    "a list that drips": _list(_after(_OK + b"\r\n", b" ", 0.1)),
    "a list of escaped quotes": _list(sends(b'{"meta":{},"projects":[{"name":"' + b'\\"' * 50_000)),
    "a list of one entry": _list(sends(b'{"meta":{},"projects":[{"name":"' + b"x" * 4_000_000)),
    "a list in HTML, one link": _list(sends(b"<html><body><a href='" + b"x" * 4_000_000, HTML)),
    "a list that is a login page": _list(sends(_LOGIN, HTML)),
    "a list that is empty": _list(sends(_listing().replace(b'{"name": "good"}, {"name": "bad"}', b""))),
    "a list of names that lead out": _list(
        sends(_listing("../../etc", "..", "a/b", "\0", "", ".pypimirror", "index.html")), frozenset({0, 3})
    ),
    "a list of names with escapes": _list(sends(_listing("\x1b[2J", "a\x9b2J", "\u202e")), frozenset({0, 3})),
    "a list of two spellings": _list(sends(_listing("BAD", "Bad", "Good")), frozenset({0, 3})),
    "a list of long names": _list(sends(_listing("x" * 5000, "y" * 300, "é" * 200)), frozenset({0, 3})),
}

CASES: dict[str, Case] = {**HEADS, **BODIES, **REDIRECTS, **PAGES, **FILES, **HOSTS}
