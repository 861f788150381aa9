"""Which addresses may be connected to: resolved once, checked, and the connection goes to that very address.

So nothing that an index says can make this machine ask its own network, whatever a name server says the
second time.
"""

import socket
import threading

import urllib3

from pypimirror.addresses import host_of, is_never_outside, is_public, origin
from pypimirror.upstream.proxies import proxy_for
from pypimirror.upstream.rules import Rules, matches


class RefusedAddressError(Exception):
    """A host is at no address that may be asked."""


def resolved(host: str, port: int) -> list[str]:
    """Return a host's addresses; raise socket.gaierror where it has none."""
    family = urllib3.util.connection.allowed_gai_family()
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, family, socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{host!r}, a label is empty or too long") from error
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def literal(host: str) -> str | None:
    """Return the address that a host is by itself, in any spelling that systems take; None for a name."""
    if ":" in host:
        return host
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


class AnyReach:
    """What may be asked: public addresses, and for hosts that are allowed by name private ones, too.

    A cloud's own services and those of a link are never asked.
    """

    def __init__(self, globs: tuple[str, ...]) -> None:
        self._globs = globs

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host that may be asked.

        Raises RefusedAddressError where none may be, OSError where there is none.
        """
        found = resolved(host, port)
        name = host.strip("[]").lower().rstrip(".")
        allowed = [address for address in found if self._may_ask(name, address)]
        if not allowed:
            raise RefusedAddressError(self._refusal(name, found[0]))
        return allowed

    def check_behind_proxy(self, url: str) -> None:
        """Raise RefusedAddressError for what may not be asked whatever a proxy makes of its name."""
        name = host_of(url)
        address = "127.0.0.1" if name == "localhost" or name.endswith(".localhost") else literal(name)
        if address is not None and not self._may_ask(name, address):
            raise RefusedAddressError(self._refusal(name, address))

    def _may_ask(self, name: str, address: str) -> bool:
        is_allowed = matches(name, self._globs) or is_public(address)
        return is_allowed and not is_never_outside(address)

    def _refusal(self, name: str, address: str) -> str:
        raise NotImplementedError


class Reach(AnyReach):
    """What an index may name: where it is public, public addresses alone; else its own network, too."""

    def __init__(self, index_url: str, rules: Rules) -> None:
        super().__init__(rules.private_hosts)
        self._index_url = index_url
        self._index = host_of(index_url)
        self._is_private = rules.is_index_private
        self._lock = threading.Lock()

    def is_index_private(self) -> bool | None:
        """Tell whether no address of the index is a public one; None where nobody can tell."""
        with self._lock:
            if self._is_private is None:
                self._is_private = self._looked_up()
            return self._is_private

    def _looked_up(self) -> bool | None:
        if address := literal(self._index):
            return not is_public(address)
        try:
            if proxy_for(self._index_url) is not None:  # it resolves names, and they may mean nothing here
                return None
            found = resolved(self._index, origin(self._index_url)[2] or 0)
        except (OSError, ValueError):
            return None
        return not any(map(is_public, found))

    def _may_ask(self, name: str, address: str) -> bool:
        if name == self._index:
            # The operator named it; but one that is public does not become private within a run.
            return self.is_index_private() is not False or is_public(address)
        if super()._may_ask(name, address):
            return True
        return self.is_index_private() is True and not is_never_outside(address)

    def _refusal(self, name: str, address: str) -> str:
        place = address if address == name else f"{name} is at {address}, which"
        if is_never_outside(address):
            return f"{place} is no public address, and never asked"
        return f"{place} is no public address, as that of the index is; private_hosts = {name} allows it"


def is_index_private(index_url: str) -> bool | None:
    """Tell whether no address of an index is a public one; None where nobody can tell."""
    return Reach(index_url, Rules()).is_index_private()


class ExternalReach(AnyReach):
    """What a link may lead to; behind a proxy that is hosts which are allowed by name alone."""

    def check_behind_proxy(self, url: str) -> None:
        """Raise RefusedAddressError for all but hosts that are allowed by name."""
        if not matches(host_of(url), self._globs):
            reason = "behind a proxy nobody can tell where it leads; external_hosts can allow its host"
            raise RefusedAddressError(reason)
        super().check_behind_proxy(url)

    def _refusal(self, name: str, address: str) -> str:
        hint = "" if matches(name, self._globs) else "; external_hosts can allow its host"
        return f"{address} is no public address{hint}"
