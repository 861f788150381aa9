"""Connections to hosts that nobody vouches for: to an address that was checked."""

import socket
from collections.abc import Callable
from typing import Any

from pypimirror.errors import UnavailableError, UnreachableError
from pypimirror.upstream.reach import may_ask
from pypimirror.upstream.trouble import innermost, raise_of_machine


def connecting(base: type, connect: Callable[..., socket.socket]) -> type:
    """Return a class of connections that are made by `connect`; names and certificates stay as they are."""

    def new_connection(self: Any) -> socket.socket:
        return connect(self._dns_host, self.port, self.timeout)

    return type(f"Checked{base.__name__}", (base,), {"_new_conn": new_connection})


def connect(url: str, host: str, port: int, timeout: float, *, is_allowed: bool) -> socket.socket:
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
            connection.connect(address)
        except OSError as error:
            connection.close()
            raise_of_machine(error)
            trouble = error
        else:
            return connection
    assert trouble is not None
    raise UnreachableError(url, innermost(trouble)) from trouble
