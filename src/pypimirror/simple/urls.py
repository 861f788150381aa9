"""Addresses of files and pages: as pip sends them, and what their paths say."""

import functools
import re
from urllib.parse import quote, quote_from_bytes, unquote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

from pypimirror import names
from pypimirror.addresses import without_credentials
from pypimirror.model import NormalizedName
from pypimirror.simple.problems import LONGEST_ADDRESS

# What needs no quoting, and is no way to a folder above; most indexes write nothing else.
_SEGMENT = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_PLAIN = re.compile(rf"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[1-9][0-9]{{0,4}})?(?:/{_SEGMENT})+")
_PLAIN_IN_FOLDER = re.compile(rf"(/|(?:\.\./)*)({_SEGMENT}(?:/{_SEGMENT})*)")
_HOST = re.compile(r"[^\s<>\"^`{|}\\%]+")
"""Without the forbidden host code points of the URL standard."""
_RESERVED = re.compile("(@|%2F)", re.IGNORECASE)
_IN_QUERY = "!#$%&'()*+,/:;=?@[]~"
_INDEX = re.compile(r"(?:index|default)\.(?:html?|json|v1_json|v1_html|php|aspx?)", re.IGNORECASE)


def file_url(base: str, reference: str) -> str:
    """Return the absolute address of a file as pip sends it, without fragment and credentials.

    Raises ValueError for other than http and https, and for one that is too long.
    """
    if len(reference) > LONGEST_ADDRESS + 500:
        raise ValueError("its address is too long")
    reference = reference.partition("#")[0]
    if _PLAIN.fullmatch(reference):
        url = reference
    elif found := _PLAIN_IN_FOLDER.fullmatch(reference):
        url = _folder(base, found[1]) + found[2]
    else:
        url = _resolved(base, reference)
    if len(url) > LONGEST_ADDRESS:
        raise ValueError("its address is too long")
    return url


@functools.lru_cache(maxsize=64)
def _folder(base: str, way: str) -> str:
    """Return the address of a folder, to which plain references can be appended (RFC 3986, 5.2)."""
    return _resolved(base, f"{way}x")[:-1]


def _resolved(base: str, reference: str) -> str:
    url = quoted(without_credentials(urljoin(base, reference)))
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError(f"its address {url[:200]!r} is none of http or https")
    if not (_HOST.fullmatch(parts.netloc) and parts.netloc.isprintable()):
        raise ValueError(f"its address {url[:200]!r} names no host")
    return url


def quoted(url: str) -> str:
    """Return an address quoted as pip does: once, with `@` and %2F as they are."""
    parts = urlsplit(url)
    # What stands behind the last component's `;` pip leaves as it is.
    slash = parts.path.rfind("/")
    semicolon = parts.path.find(";", max(slash, 0))
    path, params = (parts.path, "") if semicolon < 0 else (parts.path[:semicolon], parts.path[semicolon:])
    pieces = (p.upper() if n % 2 else _quoted(p) for n, p in enumerate(_RESERVED.split(path)))
    params = quote(params, safe=_IN_QUERY)
    return urlunsplit(parts._replace(path="".join(pieces) + params, query=quote(parts.query, safe=_IN_QUERY)))


def _quoted(part: str) -> str:
    return quote_from_bytes(unquote_to_bytes(part))


def filename_of(url: str) -> str:
    """Return the last component of an address's path, percent-decoded."""
    return unquote(url.partition("#")[0].partition("?")[0].rpartition("/")[2])


@functools.lru_cache(maxsize=256)
def folder_of(url: str) -> tuple[str, ...]:
    """Return the path of the folder that an address is the page of: decoded, without the name of an index."""
    try:
        found = segments(urlsplit(url).path)
    except ValueError:
        return ()
    return found[:-1] if found and is_index(found[-1]) else found


def segments(path: str) -> tuple[str, ...]:
    """Return the parts of an address's path, percent-decoded."""
    return tuple(unquote(segment) for segment in path.split("/") if segment)


def is_index(segment: str) -> bool:
    """Tell whether a web server gives a file of this name for its folder."""
    return _INDEX.fullmatch(segment) is not None


def is_of_project(url: str, name: NormalizedName) -> bool:
    """Tell whether an address is that of the project's own page, whatever folder it lies in."""
    last = folder_of(url)[-1:]
    return bool(last) and names.is_spelling(last[0], name)


def is_same_folder(url: str, asked: str) -> bool:
    """Tell whether an address is still that of the list that was asked for, by its last component."""
    return folder_of(url)[-1:] == folder_of(asked)[-1:]
