"""Whom TLS trusts: the option, or what pip and uv take from the environment, or certifi and the system."""

import contextlib
import functools
import itertools
import os
import re
import ssl
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import create_urllib3_context

from pypimirror.upstream.rules import UnusableError

_HASHED = re.compile("[0-9a-f]{8}[.][0-9]+")
"""How OpenSSL finds a certificate in a folder (c_rehash)."""
_SYSTEM_FOLDER = "/etc/ssl/certs"
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep all certificates in one file: Debian and its kin, Fedora's, SUSE's, Alpine and BSDs."""
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Trust(NamedTuple):
    """Where the certificates of authorities are; with nothing named, in certifi and in the system's store."""

    file: str | None = None
    folders: str | None = None
    """Hashed as OpenSSL wants them; several have `:` between them."""
    named: str = ""
    """The option or the variable that says so."""


def trust(ca_bundle: str, environ: Mapping[str, str] = os.environ) -> Trust:
    """Return whom to trust: by the option `ca_bundle`, else by the first variable that is set.

    First come those of requests, which pip takes; then those of OpenSSL, which pip and uv take, and which may
    both be set. Raises UnusableError.
    """
    named = {"ca_bundle": ca_bundle} | {name: environ.get(name, "") for name in _BUNDLES}
    for name, place in named.items():
        if place:
            _check(name, place)
            return Trust(None, place, name) if Path(place).is_dir() else Trust(place, None, name)
    file, folders = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    if file:
        _check("SSL_CERT_FILE", file)
    if folders and not any(Path(folder).is_dir() for folder in folders.split(os.pathsep)):
        _check("SSL_CERT_DIR", folders)
    return Trust(file, folders, "SSL_CERT_FILE" if file else "SSL_CERT_DIR" if folders else "")


def _check(name: str, place: str) -> None:
    if not Path(place).exists():
        raise UnusableError(f"{name} = {place}", "there are no certificates, as this is not there")


def why_unusable(ca_bundle: str, client: tuple[str, ...]) -> str | None:
    """Say why the files of one of these options can't be used; None where they can."""
    try:
        if ca_bundle:
            context(trust(ca_bundle))
        if client:
            _load_client(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), client)
    except UnusableError as error:
        return error.reason
    return None


@functools.lru_cache(maxsize=8)
def context(trusted: Trust, client: tuple[str, ...] = ()) -> ssl.SSLContext:
    """Make what all connections of one trust, and with one client's certificate, have in common.

    Without a file or folder that is named these are the authorities of certifi, and beside them those of the
    system, where a company puts its own. Raises UnusableError where there are none to be read.
    """
    is_named = trusted.file is not None or trusted.folders is not None
    made: ssl.SSLContext
    if sys.platform == "darwin" and not is_named:
        import truststore  # there, and only there, the system's store is no file

        made = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        made = create_urllib3_context()
    if is_named:
        _load_named(made, trusted)
    else:
        made.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
        _load_system(made)
    if client:
        _load_client(made, client)
    return made


def _load_client(context: ssl.SSLContext, client: tuple[str, ...]) -> None:
    with _told(f"client_certificate = {' '.join(client)}", "it can't be used"):
        context.load_cert_chain(client[0], client[-1], password="")  # nobody is there to be asked for one


def _load_named(context: ssl.SSLContext, trusted: Trust) -> None:
    named = f"{trusted.named} = {trusted.file or trusted.folders}"
    if trusted.file is None and not any(map(_has_hashed_names, (trusted.folders or "").split(os.pathsep))):
        reason = (
            "no file in this folder has a name by which OpenSSL finds it; run openssl rehash on it, or name a"
            " file of certificates"
        )
        raise UnusableError(named, reason)
    with _told(named, "no certificates can be read there; name a file that has them in PEM form"):
        context.load_verify_locations(trusted.file, trusted.folders)


@contextlib.contextmanager
def _told(place: str, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnusableError(place, f"{what} ({error.strerror or error})") from error


def _load_system(context: ssl.SSLContext) -> None:
    """Trust what the system trusts, too.

    A folder with hashed names costs nothing, as OpenSSL looks there when it needs one. Where it is not the
    system's own Python that runs, its OpenSSL may look in another place.
    """
    paths = ssl.get_default_verify_paths()
    for folder in (paths.capath, _SYSTEM_FOLDER):
        if folder and _has_hashed_names(folder):
            context.load_verify_locations(capath=folder)
            return
    for bundle in (paths.cafile, *_SYSTEM_BUNDLES):
        # One that is not there, or damaged, is not ours to mend, and certifi's is there.
        with contextlib.suppress(OSError):
            if bundle:
                context.load_verify_locations(bundle)
                return


def _has_hashed_names(folder: str) -> bool:
    return any(
        _HASHED.fullmatch(name) for _, _, names in itertools.islice(os.walk(folder), 1) for name in names
    )


_UNKNOWN_ISSUER = frozenset({18, 19, 20, 21})
"""OpenSSL's codes for a chain of certificates that ends with none that is trusted (X509_V_ERR_...)."""


_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
"""What OpenSSL says of bytes that are none of TLS."""


def whom_to_trust(error: BaseException) -> str:
    """Say what to do where a certificate could not be verified; empty where that is not the trouble."""
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return "; what answers there does not speak TLS: is http meant, or another port?"
    if not isinstance(error, ssl.SSLCertVerificationError) or error.verify_code not in _UNKNOWN_ISSUER:
        return ""
    return (
        "; if your own authority signed its certificate, name that authority's in ca_bundle, or in the"
        " environment variable SSL_CERT_FILE (cron has another environment than your shell)"
    )
