"""Connections to hosts that nobody vouches for: to an address that was checked, and for so long."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from pypimirror.errors import UnavailableError, UnreachableError
from pypimirror.upstream.reach import may_ask
from pypimirror.upstream.trouble import innermost, raise_of_machine


def connecting(base: type, connect: Callable[..., socket.socket]) -> type:
    """Return a class of connections that are made by `connect`; names and certificates stay as they are."""

    def new_connection(self: Any) -> socket.socket:
        return connect(self._dns_host, self.port, self.timeout)

    return type(f"Checked{base.__name__}", (base,), {"_new_conn": new_connection})


def watched(base: type, watch: "Watch") -> type:
    """Return a class of connections that are made as ever, and watched over."""

    def new_connection(self: Any) -> socket.socket:
        connection: socket.socket = base._new_conn(self)  # type: ignore[attr-defined] # noqa: SLF001
        watch.over(connection)
        watch.is_connected = True
        return connection

    return type(f"Watched{base.__name__}", (base,), {"_new_conn": new_connection})


def connect(  # noqa: PLR0913 (what is checked, and how)
    url: str, host: str, port: int, timeout: float, *, is_allowed: bool, watch: "Watch"
) -> socket.socket:
    """Resolve a name once, and connect to the first address that may be asked and answers."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnreachableError(url, f"its name can't be resolved ({innermost(error)})") from error
    may_be_asked = [each for each in found if may_ask(str(each[4][0]), is_allowed=is_allowed)]
    if not may_be_asked:
        hint = "" if is_allowed else "; external_hosts can allow its host"
        raise UnavailableError(url, f"{found[0][4][0]} is no public address{hint}", may_pass=False)
    trouble: OSError | None = None
    for family, kind, protocol, _, address in may_be_asked:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            watch.over(connection)
            connection.connect(address)
        except OSError as error:
            connection.close()
            raise_of_machine(error)
            trouble = error
        else:
            watch.is_connected = True
            return connection
    assert trouble is not None
    raise UnreachableError(url, innermost(trouble)) from trouble


class Watch:
    """Cuts a connection at its deadline, also where single bytes come in all the time."""

    def __init__(self, deadline: float) -> None:
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._cut)
        self._timer.daemon = True
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self.has_cut = False
        self.is_connected = False

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        with self._lock:
            for each in self._sockets:
                each.close()
            self._sockets.clear()

    def over(self, connection: socket.socket) -> None:
        """Watch over a connection. A copy of its descriptor stays what it is when TLS takes it over."""
        with self._lock:
            self._sockets.append(connection.dup())
        if self.has_cut:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.has_cut = True
            for each in self._sockets:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
