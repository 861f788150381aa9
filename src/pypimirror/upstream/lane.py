"""The fast lane for files: requests over connections that urllib3 made, their plain answers read by us.

For a small file most of the work of urllib3 and http.client is what only other answers need. They
still connect, with proxies and certificates, and read whatever is not plain.
"""

import http.client
import io
import re
from typing import Any, NamedTuple

import urllib3

from pypimirror.upstream.http_client import Response

_BUFFER = 1 << 16
BLOCK = 1 << 20
"""Bytes that are read at once: a file system takes large pieces with less work."""
_PLAIN_TARGET = re.compile(r"/[\w./~+@:!$&'()*,;=-]*", re.ASCII)
"""What goes to a server as it is."""
_PLAIN_LINE = re.compile(r"([!#$%&'*+.^_`|~\w-]+):[ \t]*+([\x20-\x7e\x80-\xff]*)", re.ASCII)
"""A header in one line (RFC 9112, 5)."""
_OK = re.compile(r"HTTP/1\.1 200 [\t\x20-\x7e\x80-\xff]*", re.ASCII)
_MOST_DIGITS = 16


class PlainAnswer:
    """An answer with status 200 that says how many bytes follow, all of them as they are."""

    status = 200
    reason = "OK"

    def __init__(
        self, pool: Any, connection: Any, content: io.BufferedReader, headers: dict[str, str]
    ) -> None:
        self._pool = pool
        self._connection = connection
        self._content = content
        self.headers = headers
        """Their names are in lower case."""
        self._size = self._left = int(headers["content-length"])
        self._block = memoryview(bytearray(min(self._left, BLOCK)))

    def read1(self, amount: int, *, decode_content: bool) -> memoryview:
        """Return what is there, up to so many bytes: good until the next is read."""
        assert not decode_content
        if not self._left:
            return self._block[:0]
        size = self._content.readinto1(self._block[: min(amount, self._left)])
        if not size:
            raise urllib3.exceptions.IncompleteRead(self._size - self._left, self._left)
        self._left -= size
        return self._block[:size]

    def close(self) -> None:
        """Give the connection back; closed, if the body was not read to its end."""
        self._content.close()
        if self._left:
            self._connection.close()
        self._pool._put_conn(self._connection)  # noqa: SLF001 (as its own responses do)

    def release_conn(self) -> None:
        """Do nothing: `close` did it all."""


def is_open(pool: Any) -> bool:
    """Tell whether a pool is one of those that this was written for; for any other there is urllib3."""
    return hasattr(pool, "_get_conn") and hasattr(pool, "_put_conn")


def get(pool: Any, target: str, fields: bytes) -> PlainAnswer | urllib3.BaseHTTPResponse | None:
    """Send a request with these header fields, if there is a connection; None where urllib3 has to make one.

    Raises what urllib3 raises.
    """
    if not _PLAIN_TARGET.fullmatch(target):
        return None
    connection = pool._get_conn()  # noqa: SLF001 (there is no other way to a connection of a pool)
    is_given_away = False
    try:
        if connection.sock is None:
            return None
        connection.use()
        connection.sock.sendall(b"GET %s HTTP/1.1\r\n%s" % (target.encode(), fields))
        content = connection.sock.makefile("rb", _BUFFER)
        headers = _plain_headers(content)
        answer = (
            PlainAnswer(pool, connection, content, headers)
            if headers
            else _any_answer(pool, connection, content, target)
        )
        is_given_away = True
    except (OSError, http.client.HTTPException) as error:
        raise urllib3.exceptions.ProtocolError("Connection aborted.", error) from error
    else:
        return answer
    finally:
        if not is_given_away:
            connection.close()
            pool._put_conn(connection)  # noqa: SLF001 (as above)


def _plain_headers(content: io.BufferedReader) -> dict[str, str]:
    """Read the headers of a plain answer; of another one return none, and leave all of it to be read."""
    head, end, _ = content.peek().partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    if not end or not _OK.fullmatch(status):
        return {}
    found = [match.groups() for match in map(_PLAIN_LINE.fullmatch, lines) if match]
    headers = {name.lower(): value.rstrip() for name, value in found}
    is_plain = (
        len(headers) == len(lines)  # each in one line, and only once
        and "transfer-encoding" not in headers
        and headers.get("connection", "keep-alive").lower() == "keep-alive"
        and headers.get("content-length", "").isdecimal()
        and len(headers["content-length"]) <= _MOST_DIGITS
    )
    if not is_plain:
        return {}
    content.read(len(head) + len(end))
    return headers


class _Peeked(NamedTuple):
    """Stands in for the socket that http.client reads from: it begins with what was looked at."""

    content: io.BufferedReader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self.content


def _any_answer(pool: Any, connection: Any, content: io.BufferedReader, target: str) -> urllib3.HTTPResponse:
    """Let http.client and urllib3 read an answer, as they would have with a request of theirs."""
    peeked: Any = _Peeked(content)
    answer = Response(peeked, method="GET")
    answer.begin()
    if answer.will_close:
        connection.close()
    return urllib3.HTTPResponse(
        answer,
        headers=urllib3.HTTPHeaderDict(answer.headers.items()),
        status=answer.status,
        version=answer.version,
        reason=answer.reason,
        preload_content=False,
        decode_content=False,
        original_response=answer,
        pool=pool,
        connection=connection,
        request_method="GET",
        request_url=target,
    )
