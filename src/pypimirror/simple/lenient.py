"""JSON that is not all of the right types: what clients read of it, field by field. Pure."""

import codecs
import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from pypimirror.simple.problems import PageError

_LONGEST_ODD = 1 << 24
"""Bytes of a page with what is no JSON (NaN, half a surrogate pair): it is read by a slow reader."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def as_utf8(content: bytes) -> bytes:
    """Return JSON in UTF-8 without a byte order mark, whatever the mark said."""
    if content[:1] in (b"{", b" ", b"\n"):
        return content
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            is_utf8 = encoding == "utf-8"
            return content[len(mark) :] if is_utf8 else content.decode(encoding, "replace").encode()
    return content


def is_whole(content: bytes) -> bool:
    """Tell whether JSON comes to its end."""
    try:
        msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield JSON without the byte order mark that it may begin with."""
    source = iter(chunks)
    head = b""
    for chunk in source:
        head += chunk
        if len(head) >= len(codecs.BOM_UTF8):
            break
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from source


def envelope(content: bytes, error: Exception) -> dict[str, Any]:
    """Return the object of a page, with a list of files and a `meta`; `error` is why the typed decode failed.

    Raises PageError where the bytes are no such object.
    """
    problem = f"not the JSON of a project page ({error})"
    page = decoded(content, problem)
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise PageError(problem)
    if not isinstance(page.get("meta"), dict):
        raise PageError(problem)
    return page


def decoded(content: bytes, problem: str) -> object:
    """Return what JSON holds, also with what servers add to it (NaN, half a surrogate pair).

    Raises PageError with `problem` where it can't be read.
    """
    try:
        return msgspec.json.decode(content)
    except RecursionError as error:
        raise PageError(problem) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        if len(content) > _LONGEST_ODD:
            raise PageError(problem) from None
    try:
        return json.loads(content.decode("utf-8", "replace"), parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise PageError(problem) from error


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= 20 else math.inf


def fields(entry: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return an entry's fields, each of its type, and the names of those that were dropped."""
    taken, dropped = {}, []
    for key, read in _READERS.items():
        said = entry.get(key)
        if said is None:
            continue
        value = read(said)
        if value is None:
            dropped.append(key)
        else:
            taken[key] = value
    return taken, dropped


def text(said: object) -> str | None:
    """Return a text that can be sent and written; None for any other value."""
    # Half a surrogate pair can neither be sent nor written.
    if not isinstance(said, str):
        return None
    return said if said.isascii() else said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _hashes(said: object) -> dict[str, str | None]:
    # Empty lists are what PHP makes of empty objects. What else is no object are digests that can't be read.
    if not said:
        return {}
    if not isinstance(said, dict):
        return {"sha256": None}
    return {key: value if isinstance(value, str) else None for key, value in said.items()}


def whole_number(said: object) -> int | str | None:
    """Return a number or its text; None for any other value."""
    if isinstance(said, float) and said.is_integer():
        return int(said)
    return said if isinstance(said, (int, str)) and not isinstance(said, bool) else None


def _yanked(said: object) -> bool | str | None:
    return text(said) if isinstance(said, str) else bool(said)


def _offer(said: object) -> bool | dict[str, str] | None:
    if isinstance(said, dict):
        return {key: value if isinstance(value, str) else "" for key, value in said.items()}
    return bool(said) if isinstance(said, (bool, int, float)) else None


_READERS: dict[str, Callable[[object], Any]] = {
    "filename": text,
    "url": text,
    "hashes": _hashes,
    "size": whole_number,
    "requires-python": text,
    "yanked": _yanked,
    "upload-time": text,
    "core-metadata": _offer,
    "dist-info-metadata": _offer,
    "data-dist-info-metadata": _offer,
    "provenance": text,
}
