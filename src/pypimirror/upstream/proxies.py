"""Proxies as the environment names them: which one leads to an address, and what connects to it."""

import base64
import os
from collections.abc import Callable
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit

import urllib3
from requests import utils

from pypimirror.addresses import masked, shown
from pypimirror.errors import ConfigError
from pypimirror.upstream.rules import UnusableError

_HTTP, _SOCKS = ("http", "https"), ("socks5", "socks5h", "socks4", "socks4a")
_untyped: Any = utils  # the stubs lack a type


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment has for an address."""
    return utils.select_proxy(url, utils.get_environ_proxies(url, no_proxy=None))


def variable_for(url: str) -> str:
    """Return the variable of the environment that names the proxy for an address."""
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    spelled = (each for name in names for each in (name, name.upper()))
    return next((name for name in spelled if os.environ.get(name)), "the system's proxy")


def through_proxy(url: str) -> str:
    """Say through which proxy an address was asked, as nobody can tell which of the two failed."""
    proxy = proxy_for(url)
    return "" if proxy is None else f"; it was asked through the proxy {shown(proxy)} ({variable_for(url)})"


def check_proxy(url: str) -> None:
    """Raise ConfigError where the environment's proxy for an address can't be used at all."""
    proxy = proxy_for(url)
    if proxy is not None:
        try:
            manager(url, proxy)
        except UnusableError as error:
            raise ConfigError(error.place, (error.reason,)) from error


def manager(
    url: str, proxy: str, trusted: Callable[[], SSLContext] = urllib3.util.create_urllib3_context
) -> urllib3.PoolManager:
    """Return what makes connections to an address by a proxy; `trusted` is for TLS with the proxy itself.

    Raises UnusableError.
    """
    place = f"{variable_for(url)} = {masked(proxy)}"
    try:
        proxy = _untyped.prepend_scheme_if_needed(proxy, "http")
        parsed = urllib3.util.parse_url(proxy)
    except ValueError:
        parsed = urllib3.util.Url()
    if not parsed.host or parsed.scheme not in (*_HTTP, *_SOCKS):
        known = f"{', '.join((*_HTTP, *_SOCKS)[:-1])} and {_SOCKS[-1]}"
        reason = f"no address of a proxy, as http://proxy.example.org:3128 is; {known} are taken"
        raise UnusableError(place, reason)
    name, password = utils.get_auth_from_url(proxy)
    if parsed.scheme in _HTTP:
        headers = {"Proxy-Authorization": basic(name, password)} if name else {}
        tls = trusted() if parsed.scheme == "https" else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, proxy_ssl_context=tls)
    try:
        from urllib3.contrib.socks import SOCKSProxyManager  # few proxies are such
    except ImportError as error:
        reason = "SOCKS needs PySocks, which is not installed; pypimirror-ng[socks] has it"
        raise UnusableError(place, reason) from error
    return SOCKSProxyManager(proxy, name or None, password or None)


def basic(name: str, password: str) -> str:
    """Return the value of a header that has name and password (RFC 7617)."""
    login = f"{name}:{password}"
    try:
        told = login.encode("latin-1")  # as pip and curl of old send it
    except UnicodeError:
        told = login.encode()
    return f"Basic {base64.b64encode(told).decode()}"
