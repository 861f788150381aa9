"""What has to be known of an address beside fetching it. Pure."""

import ipaddress
from urllib.parse import urlsplit, urlunsplit


def without_credentials(url: str) -> str:
    """Return `url` without a name and password, fit for logs; what is no address comes back as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its very name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
