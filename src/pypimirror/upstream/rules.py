"""What the configuration says of hosts: one value, which each process gets."""

from fnmatch import fnmatchcase
from typing import NamedTuple
from urllib.parse import urlsplit

from pypimirror.addresses import host_of
from pypimirror.errors import WrongHostError


class UnusableError(Exception):
    """What an option or a variable of the environment names can't be used: which one, and why."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class Rules(NamedTuple):
    """Which hosts may do what; globs are in lower case."""

    hosts: tuple[str, ...] = ()
    """External hosts that may be asked at private addresses, too, and behind a proxy."""
    allows_http: bool = False
    """Follow external links by http, too."""
    index_hosts: tuple[str, ...] = ()
    """Hosts whose pages count as the index's own."""
    private_hosts: tuple[str, ...] = ()
    """Hosts of files and pages that may be at addresses that are not public."""
    accept_unverified: tuple[str, ...] = ()
    """Hosts whose files are taken by http without a digest; `http` is every host."""
    ca_bundle: str = ""
    client_certificate: tuple[str, ...] = ()
    """A file with certificate and key, or one for each."""
    is_index_private: bool | None = None
    """The index was seen to be at an address that is not public; None: it was not looked up."""


def matches(host: str, globs: tuple[str, ...]) -> bool:
    """Tell whether some glob matches a host."""
    return any(fnmatchcase(host, glob) for glob in globs)


class OwnHosts:
    """Which hosts speak for the index: its own, and those that `index_hosts` names."""

    def __init__(self, index_url: str, rules: Rules) -> None:
        self._index_url = index_url
        self._is_https = urlsplit(index_url).scheme == "https"
        self._host = host_of(index_url)
        self._globs = rules.index_hosts

    def include(self, url: str) -> bool:
        """Tell whether what comes from an address counts for the index."""
        host = host_of(url)
        if self._is_https and not url.lower().startswith("https:"):
            return False
        return host == self._host or matches(host, self._globs)

    def check(self, asked: str, found: str) -> None:
        """Raise WrongHostError where a page was found at a host that does not speak for the index."""
        if self.include(found):
            return
        host = host_of(found)
        moved = _moved(self._index_url, asked, found)
        hint = f"; if the index moved there, set index_url = {moved}" if moved else ""
        reason = f"its page comes from another host, {host}; index_hosts = {host} lets it in{hint}"
        raise WrongHostError(asked, reason)


def _moved(index_url: str, asked: str, found: str) -> str | None:
    """Return where the index would have to be, if a page of it is to be where this one was found."""
    found = found.partition("?")[0]
    rest = asked[len(index_url) :] if asked.startswith(index_url) else ""
    if not rest:
        return found if found.endswith("/") else None
    return found.removesuffix(rest) if found.endswith(f"/{rest}") else None
