"""A host that is not the index: files and pages at an address of its own on loopback, spoiled by tests."""

import itertools
import os
import threading
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tests.faults import Fault, FaultQueue
from tests.index_server import Answer, Exchange, IndexServer, Request, conditional, validated
from tests.running import Running

_addresses = itertools.count(2)
_MODIFIED_S = 1704067200


def next_address() -> str:
    """Return an address of 127.0.0.0/8 that no other host of this process has."""
    number = next(_addresses)
    return f"127.{1 + os.getpid() % 200}.{number // 250}.{number % 250 + 1}"


class _Page(NamedTuple):
    body: bytes
    content_type: str
    modified_s: float


class OutsideHost(Running):
    """A host at `origin`, running inside a `with` block; `address` is its own, or one given."""

    def __init__(self, address: str | None = None, *, validators: bool = True) -> None:
        self.address = address or next_address()
        self.validators = validators
        self.requests: list[Request] = []
        self._pages: dict[str, _Page] = {}
        self._faults = FaultQueue()
        self._lock = threading.Lock()
        self._port = 0
        self._made = 0

    def start(self) -> None:
        """Answer, after a `stop` at the same port as before."""
        self._server = IndexServer(
            self._port, respond=self._respond, normal=self._answer, address=self.address
        )
        self._port = self._server.server_port

    @property
    def origin(self) -> str:
        """Scheme, address and port."""
        return f"http://{self.address}:{self._port}"

    @property
    def port(self) -> int:
        return self._port

    def put(self, path: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        """Let something lie at a path, and return its address."""
        with self._lock:
            self._made += 1
            self._pages[path] = _Page(body, content_type, _MODIFIED_S + self._made)
        return f"{self.origin}{path}"

    def page(self, path: str, *hrefs: str) -> str:
        """Let a page with these links lie at a path, and return its address."""
        anchors = "".join(f'<a href="{href}">x</a>\n' for href in hrefs)
        return self.put(path, f"<html>{anchors}".encode(), "text/html; charset=utf-8")

    def remove(self, path: str) -> None:
        """Let nothing lie at a path."""
        del self._pages[path]

    def fault(self, path_glob: str, fault: Fault, times: int | None = None) -> None:
        """Spoil the next `times` (default: all) answers for paths like this."""
        self._faults.add(path_glob, fault, times)

    def clear_faults(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def paths(self) -> list[str]:
        """Return the paths asked for so far, and forget them."""
        asked, self.requests = self.requests, []
        return [request.path for request in asked]

    def _respond(self, exchange: Exchange) -> None:
        self.requests.append(exchange.request)
        fault = self._faults.take(urlsplit(exchange.request.path).path)
        if fault is None:
            exchange.send(exchange.normal_answer())
        else:
            fault.play(exchange)

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            page = self._pages.get(unquote(urlsplit(request.path).path))
        if page is None:
            return Answer(404)
        answer = Answer(200, {"Content-Type": page.content_type}, page.body)
        return conditional(validated(answer, page.modified_s), request.headers) if self.validators else answer


def link(url: str, *, rel: str = "download", text: str = "1.0 download_url") -> str:
    """Return an anchor as old indexes had them."""
    return f'<a href="{url}" rel="{rel}">{text}</a>' if rel else f'<a href="{url}">{text}</a>'
