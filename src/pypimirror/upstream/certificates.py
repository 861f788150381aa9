"""Whom TLS trusts: the option, or what pip and uv heed of the environment, or requests' own bundle."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from requests.adapters import HTTPAdapter

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class MissingCertificatesError(Exception):
    """There are no certificates where an option or a variable of the environment says."""


class Trust(NamedTuple):
    """Where the certificates of authorities are; without a file, those that requests brings along."""

    file: str | None = None
    folders: str | None = None
    """Hashed as OpenSSL wants them; several have `:` between them."""


def trust(ca_bundle: str, environ: Mapping[str, str] = os.environ) -> Trust:
    """Return whom to trust: by the option `ca_bundle`, else by the first variable that is set.

    First come those of requests, which pip heeds; then those of OpenSSL, which pip and uv heed, and which may
    both be set. Raises MissingCertificatesError.
    """
    named = {"ca_bundle": ca_bundle} | {name: environ.get(name, "") for name in _BUNDLES}
    for name, place in named.items():
        if place:
            _check(name, place)
            return Trust(None, place) if Path(place).is_dir() else Trust(place)
    file, folders = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file:
        _check("SSL_CERT_FILE", file)
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        _check("SSL_CERT_DIR", folders)
    return Trust(file, folders)


def _check(name: str, place: str) -> None:
    if not Path(place).exists():
        raise MissingCertificatesError(f"{name} = {place}: there are no certificates, as this is not there")


def set_certificates(pool: Any, url: str, trusted: Trust, client: tuple[str, ...] = ()) -> None:
    """Let a pool trust whom we trust, and show a client's certificate where there is one."""
    untyped: Any = HTTPAdapter()  # the stubs lack the types of cert_verify
    certificate = (client[0], client[-1]) if client else None
    only_folders = trusted.file is None and trusted.folders is not None
    untyped.cert_verify(pool, url, trusted.file or True, certificate)
    if url.lower().startswith("https:") and trusted.folders:
        pool.ca_cert_dir = trusted.folders
        if only_folders:
            pool.ca_certs = None
