"""Configurations for the web servers that serve the tree, with what they need to know of it. Pure."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pypimirror.addresses import PORTS, is_loopback, masked
from pypimirror.errors import ConfigError

if TYPE_CHECKING:
    import jinja2

    from pypimirror.config import Config

SERVERS = {
    "nginx": "nginx.conf",
    "nginx-location": "nginx-location.conf",
    "apache": "apache.conf",
    "htaccess": "htaccess",
}
"""What can be asked for, and its template."""

_EXAMPLE = "http://pypi.example.org/"
_NOT_IN_PATHS = re.compile(r"""["\\$*?\[\]{}]""")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")

_FILES = "whl|egg|gz|tgz|bz2|xz|z|zst|zip|tar|exe|msi|rpm|deb|dmg"
"""Endings of files, whose bytes never change."""


def render(config: "Config", server: str, source: str) -> str:
    """Return the configuration for one of `SERVERS`, complete for what it is to be included in.

    Raises ConfigError where a path or address can't be told to a web server.
    """
    root = str(config.mirror_file_path)
    problems = []
    if not root.isprintable() or _NOT_IN_PATHS.search(root):
        problems.append(
            f"mirror_file_path = {root!r}: a web server can't be told of a path with one of \"\\$*?[]{{}};"
            " make a link to it under a simpler name, and put that into what is printed for another path"
        )
    site = _site(config.base_url)
    if not _PREFIX.fullmatch(site["prefix"]):
        address = masked(config.base_url)
        problems.append(f"base_url = {address}: its path is none that can be told to a web server")
    if problems:
        raise ConfigError(source, tuple(problems))
    return _template(SERVERS[server]).render(
        root=root,
        site=site,
        upstream=config.shown_index_url,
        files=_FILES,
        is_immutable=not config.replace_changed_files,
    )


def _site(base_url: str) -> dict[str, Any]:
    """Return where the tree is to be served, by the names that the templates have for it."""
    parts = urlsplit(base_url or _EXAMPLE)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    is_https = parts.scheme == "https"
    port = 80 if is_https else parts.port or PORTS[parts.scheme]  # something before it speaks TLS
    addresses = _addresses(name, port)
    return {
        "host": host,
        "port": port,
        "addresses": addresses,
        # For Apache, to which a port alone means IPv4 and IPv6.
        "listens": addresses if is_loopback(name) else (str(port),),
        "virtual_host": " ".join(addresses) if is_loopback(name) else f"*:{port}",
        "prefix": parts.path.rstrip("/"),
        # As clients see it.
        "origin": f"{parts.scheme}://{host}:{parts.port or PORTS[parts.scheme]}",
        "is_https": is_https,
        "is_example": not base_url,
    }


def _addresses(host: str, port: int) -> tuple[str, ...]:
    """Return where to listen, by IPv4 and IPv6: on this machine alone where no other one can be meant."""
    if not is_loopback(host):
        return str(port), f"[::]:{port}"
    here = (f"127.0.0.1:{port}",)  # that is where a server asks itself
    return here if "." in host else (*here, f"[::1]:{port}")


def _template(name: str) -> "jinja2.Template":
    import jinja2  # slow, and most runs write nothing

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pypimirror", "templates/servers"),
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(),  # none of these is HTML; what goes in was looked at above
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
