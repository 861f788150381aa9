"""Real web servers on loopback that serve a tree, and what their access logs say."""

import contextlib
import http.client
import os
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
from urllib.parse import urlsplit

_PATIENCE_S = 20.0
_STEP_S = 0.02

# What nginx needs around the configuration to run in a folder of its own, as whoever runs the tests.
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

_APACHE = """\
ServerRoot {folder}
ServerName 127.0.0.1
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder}
StartServers 1
ErrorLog {folder}/error.log
<IfFile /etc/mime.types>
    TypesConfig /etc/mime.types
</IfFile>
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule rewrite_module /usr/lib/apache2/modules/mod_rewrite.so
LoadModule headers_module /usr/lib/apache2/modules/mod_headers.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule setenvif_module /usr/lib/apache2/modules/mod_setenvif.so
<IfModule unixd_module>
    User www-data
    Group www-data
</IfModule>
LogFormat "%h - - %t \\"%r\\" %>s %{{Content-Type}}o" tests
CustomLog {folder}/access.log tests
<Directory />
    Require all denied
</Directory>
{configuration}
"""

# What whoever owns the server has to allow to those who come with a .htaccess.
_APACHE_OF_OTHERS = """\
Listen 127.0.0.1:{port}
DocumentRoot "{root}"
<Directory "{root}">
    Options +FollowSymLinks
    AllowOverride All
    Require all granted
</Directory>
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

    @property
    def vary(self) -> set[str]:
        """The headers of a request that change the answer, in small letters."""
        return {name.strip().lower() for name in ",".join(self.headers.get_all("Vary", [])).split(",")}


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

    def ask(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Reply:
        """Ask for a path below the address, byte for byte as given, and follow nothing."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_PATIENCE_S)
        with contextlib.closing(connection):
            connection.request(method, parts.path + path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())

    def logged(self) -> list[Logged]:
        """Return the requests since the last call."""
        # A server may write its line after the client has the answer: what stands before a mark is complete.
        self._marks += 1
        mark = f"/mark-{self._marks}"
        status = self.get(mark[1:]).status
        assert status == 404, (
            f"{self.name} answers {status}: another session of pytest closes its folders to others"
        )
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
def nginx(
    program: str,
    root: Path,
    folder: Path,
    *,
    prefix: str = "",
    options: str = "",
    is_location: bool = False,
    edit: Callable[[str], str] = str,
) -> Iterator[Served]:
    """Serve `root` by nginx with the configuration that the command prints; `folder` takes what it writes."""
    port = free_port()
    if is_location:
        locations = printed("nginx-location", root, folder, port, prefix, options)
        configuration = server_block(port, locations)
    else:
        configuration = edit(printed("nginx", root, folder, port, prefix, options))
    with nginx_as_configured(program, configuration, folder, port):
        yield Served("nginx", f"http://127.0.0.1:{port}{prefix}/", folder / "access.log")


def server_block(port: int, content: str) -> str:
    """Return a server of nginx's that somebody has already."""
    return f"server {{\nlisten 127.0.0.1:{port};\nserver_name 127.0.0.1;\n{content}\n}}\n"


@contextlib.contextmanager
def nginx_as_configured(program: str, configuration: str, folder: Path, port: int) -> Iterator[None]:
    """Run nginx with a configuration for a port; `folder` takes what it writes."""
    path = folder / "nginx.conf"
    path.write_text(_NGINX.format(folder=folder, configuration=configuration), "utf-8")
    command = [program, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(path)]
    with _running(command, folder, port):
        yield


@contextlib.contextmanager
def apache(
    program: str,
    root: Path,
    folder: Path,
    *,
    prefix: str = "",
    is_htaccess: bool = False,
    edit: Callable[[str], str] = str,
) -> Iterator[Served]:
    """Serve `root` by Apache with the configuration that the command prints, or as .htaccess in the root."""
    port = free_port()
    if is_htaccess:
        (root / ".htaccess").write_text(printed("htaccess", root, folder, port, prefix), "utf-8")
        serving = _apache_of_others(program, root, folder, port)
    else:
        configuration = edit(printed("apache", root, folder, port, prefix))
        serving = _apache_as_configured(program, configuration, root, folder, port)
    with serving:
        yield Served("Apache", f"http://127.0.0.1:{port}{prefix}/", folder / "access.log")


@contextlib.contextmanager
def apache_of_others(program: str, root: Path, folder: Path) -> Iterator[int]:
    """Serve `root` on a port by somebody's Apache, which heeds a .htaccess."""
    port = free_port()
    with _apache_of_others(program, root, folder, port):
        yield port


def _apache_of_others(
    program: str, root: Path, folder: Path, port: int
) -> contextlib.AbstractContextManager[None]:
    configuration = _APACHE_OF_OTHERS.format(port=port, root=root)
    return _apache_as_configured(program, configuration, root, folder, port)


@contextlib.contextmanager
def _apache_as_configured(
    program: str, configuration: str, root: Path, folder: Path, port: int
) -> Iterator[None]:
    path = folder / "apache.conf"
    path.write_text(_APACHE.format(folder=folder, configuration=configuration), "utf-8")
    _let_others_pass(root)
    with _running([program, "-f", str(path), "-DFOREGROUND"], folder, port):
        yield


def printed(server: str, root: Path, folder: Path, port: int, prefix: str = "", options: str = "") -> str:
    """Return what `--server-config` prints."""
    config = folder / f"{server}.cfg"
    config.write_text(
        f"[DEFAULT]\nmirror_file_path = {root}\npackage_matches = six\n"
        f"index_url = https://index.example.org/simple/\nbase_url = http://127.0.0.1:{port}{prefix}/\n{options}",
        "utf-8",
    )
    command = [sys.executable, "-m", "pypimirror", str(config), "--server-config", server]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def _let_others_pass(folder: Path) -> None:
    """Let Apache, which gives up being root, into the folders of the tests."""
    if os.geteuid() == 0:
        for parent in folder.resolve().parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    said = folder / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    with _stopped_at_the_end(process):
        _wait_for(lambda: _is_open(port) or process.poll() is not None)
        assert process.poll() is None, said.read_text("utf-8")
        yield


@contextlib.contextmanager
def _stopped_at_the_end(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(_PATIENCE_S)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
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
