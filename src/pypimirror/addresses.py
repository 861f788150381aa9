"""What has to be known of an address beside fetching it. Pure."""

import ipaddress
import re
from urllib.parse import urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """Return `url` without a name and password, fit for logs; what is no address comes back as it is."""
    if "@" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


_IN_TEXT = re.compile(r"[a-z][a-z0-9+.-]{0,30}://[^\s'\"<>]+", re.IGNORECASE)


def shown(url: str) -> str:
    """Return an address as messages show it: of user, query and fragment, which may be secrets, nothing."""
    bare, mark, _ = url.partition("#")[0].partition("?")
    try:
        parts = urlsplit(bare)
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    except ValueError:
        scheme, slashes, rest = bare.partition("//")
        bare = scheme + slashes + rest.rpartition("@")[2]
    return f"{bare}?..." if mark else bare


def without_secrets(text: str) -> str:
    """Return a text with each address in it as `shown`."""
    return _IN_TEXT.sub(lambda match: shown(match[0]), text) if "://" in text else text


_SCHEME = re.compile(r"\s*[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
_QUERY = re.compile(r"(://[^\s?#]*)[?#].*", re.DOTALL)
_NO_PORT = re.compile(r"(://[^\s/?#:@]*):(?![0-9]+(?:[/?#\s]|$)).*", re.DOTALL)


def masked(text: str) -> str:
    """Return what somebody wrote into a configuration without what may be a part of a password.

    That is more than in an address that is one: all before the last `@`, whatever stands there, what is in
    the place of a port and is none, and every query.
    """
    before, at, rest = text.rpartition("@")
    if at:
        scheme = _SCHEME.match(before)
        if scheme and re.search("[?#]", before):  # nobody can tell a host from a query
            return f"{scheme[0]}..."
        text = f"{scheme[0] if scheme else ''}...@{rest}"
    return _NO_PORT.sub(r"\1:...", _QUERY.sub(r"\1?...", text))


_METADATA = frozenset(
    {
        "168.63.129.16",  # it looks like any public address, as the next one does on some Pythons
        "192.0.0.192",
        "100.100.100.200",
        "169.254.169.254",
        "fd00:ec2::254",
        "fd20:ce::254",
    }
)
"""Where clouds tell a machine its secrets."""

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet, and so is what IPv6 has packed into it.

    That is none of a private network, of this machine or its links, of a cloud's own services, of many
    receivers, or reserved (RFC 6890). Raises ValueError for what is no address.
    """
    return all(_is_public(each) for each in _with_packed(address))


def is_never_outside(address: str) -> bool:
    """Tell whether an IP address is that of a cloud's own services, of a link, or of many receivers.

    No name is a reason to ask these. Raises ValueError for what is no address.
    """
    return any(
        str(ip) in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified
        for ip in _with_packed(address)
    )


def _is_public(ip: _Address) -> bool:
    if str(ip) in _METADATA or not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    return ip.version == 4 or ip in _GLOBAL_UNICAST


def _with_packed(address: str) -> list[_Address]:
    """Return the IPv4 addresses that IPv6 has packed into an address, or else the address itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if ip.version == 4:
        return [ip]
    packed = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if ip in _NAT64:
        packed.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [each for each in packed if each is not None] or [ip]


PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def host_of(url: str) -> str:
    """Return an address's host in lower case, without the dot that may end it; empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_secure(url: str) -> bool:
    """Tell whether what comes from an address is what its server sent: by TLS, or without any network."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
