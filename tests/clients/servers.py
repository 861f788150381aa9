"""Real web servers on loopback that serve a tree, and what their access logs say."""

import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from pathlib import Path
from typing import NamedTuple

_README = Path(__file__).parents[2] / "README.md"

_PATIENCE_S = 20.0
_STEP_S = 0.02

# What nginx needs around the README's configuration to run in a folder of its own, as whoever runs the tests.
_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format tests '$remote_addr - - [$time_local] "$request" $status $sent_http_content_type';
    access_log {folder}/access.log tests;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{configuration}
}}
"""

# http.server's lines end in "-", ours for nginx in the type of the answer.
_LINE = re.compile(r'.* "(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d+) (?P<type>.+)')


class Logged(NamedTuple):
    """A request in an access log."""

    method: str
    path: str
    status: int
    content_type: str
    """"-" where the server does not log it."""


class Reply(NamedTuple):
    """An answer to a request of our own."""

    status: int
    headers: Message
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get_content_type()


class Served:
    """A tree that is served at `url`."""

    def __init__(self, name: str, url: str, access_log: Path) -> None:
        self.name = name
        self.url = url
        self._access_log = access_log
        self._marks = 0
        self._seen = 0

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask for a path, and follow redirects."""
        request = urllib.request.Request(self.url + path, headers=dict(headers or {}))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=_PATIENCE_S) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())

    def logged(self) -> list[Logged]:
        """Return the requests since the last call."""
        # A server may write its line after the client has the answer: what stands before a mark is complete.
        self._marks += 1
        mark = f"/mark-{self._marks}"
        assert self.get(mark[1:]).status == 404
        _wait_for(lambda: f"GET {mark} " in self._access_log.read_text("utf-8"))
        lines = self._access_log.read_text("utf-8").splitlines()
        matches = [match for line in lines[self._seen :] if (match := _LINE.fullmatch(line))]
        self._seen = len(lines)
        return [
            Logged(match["method"], match["path"], int(match["status"]), match["type"])
            for match in matches
            if not match["path"].startswith("/mark-")
        ]


@contextlib.contextmanager
def http_server(root: Path, folder: Path) -> Iterator[Served]:
    """Serve `root` by the standard library's command; `folder` takes its log."""
    options = ["--bind", "127.0.0.1", "--directory", str(root)]
    command = [sys.executable, "-u", "-m", "http.server", *options, "0"]
    log, said = folder / "access.log", folder / "stdout"
    with log.open("wb") as errors, said.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    with _stopped_at_the_end(process):
        _wait_for(lambda: b"(http://" in said.read_bytes() or process.poll() is not None)
        match = re.search(r"\((http://[^)]*/)\)", said.read_text("utf-8"))
        assert match is not None, log.read_text("utf-8")
        yield Served("http.server", match[1], log)


@contextlib.contextmanager
def nginx(program: str, root: Path, folder: Path) -> Iterator[Served]:
    """Serve `root` by nginx as the README configures it; `folder` takes what nginx writes."""
    port = _free_port()
    configuration = _substituted(readme_block(), port, root)
    path = folder / "nginx.conf"
    path.write_text(_NGINX.format(folder=folder, configuration=configuration), "utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(path)]
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    with _stopped_at_the_end(process):
        _wait_for(lambda: _is_open(port) or process.poll() is not None)
        assert process.poll() is None, said.read_text("utf-8")
        yield Served("nginx", f"http://127.0.0.1:{port}/", folder / "access.log")


def readme_block() -> str:
    """Return the README's first nginx configuration; an empty text where it has none."""
    match = re.search(r"^```nginx\n(.*?)^```$", _README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def _substituted(configuration: str, port: int, root: Path) -> str:
    for directive, value in (("listen", f"127.0.0.1:{port}"), ("root", str(root))):
        configuration, count = re.subn(
            rf"^(\s*{directive}\s+)[^;]+;", rf"\g<1>{value};", configuration, flags=re.MULTILINE
        )
        assert count == 1, f"README's configuration has {count} lines of {directive}"
    return configuration


@contextlib.contextmanager
def _stopped_at_the_end(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "a server did not do in time what was waited for"
        time.sleep(_STEP_S)
