"""Which name and password an origin gets: each its own, and nobody another's."""

import netrc
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pypimirror.addresses import origin

Login = tuple[str, str]


class Credentials:
    """Those of `index_url`, else of netrc: its `default` is the index's alone.

    What belongs to the index's host goes to its very scheme and port. No password goes by http anywhere,
    unless the index itself is asked by http.
    """

    def __init__(self, index_url: str, environ: Mapping[str, str] = os.environ) -> None:
        self._index = origin(index_url)
        self._own = _of_address(index_url)
        self._netrc = _read(environ)

    def of(self, url: str) -> Login | None:
        """Return what the origin of an address gets."""
        wanted = origin(url)
        scheme, host, _ = wanted
        if wanted == self._index:
            return self._own or self._of_machine(host) or self._of_machine("default")
        if host in (self._index[1], "default") or (scheme == "http" and self._index[0] == "https"):
            return None
        return self._of_machine(host)

    def _of_machine(self, name: str | None) -> Login | None:
        entry = self._netrc.get(name or "")
        if entry is None:
            return None
        login, account, password = entry
        return login or account or "", password or ""


def _of_address(url: str) -> Login | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _read(environ: Mapping[str, str]) -> Mapping[str, tuple[str, str | None, str | None]]:
    """Read the file that NETRC names, or ~/.netrc; one that can't be read has nothing in it."""
    named = environ.get("NETRC")
    for path in (named,) if named else ("~/.netrc", "~/_netrc"):
        try:
            return {host.lower(): entry for host, entry in netrc.netrc(Path(path).expanduser()).hosts.items()}
        except (OSError, netrc.NetrcParseError, UnicodeError, RuntimeError):
            continue
    return {}
