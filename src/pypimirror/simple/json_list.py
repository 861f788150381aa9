"""The JSON project list as a stream: blocks cut at object ends and decoded by msgspec, never held whole.

All of PyPI is one object of more than 40 MB; decoded at once it takes some 200 MiB.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from pypimirror.model import ListEntry
from pypimirror.simple.from_json import NOT_DECODED, Meta, serial_text
from pypimirror.simple.problems import DIGEST, PageProblem, check_api_version

Choose = Callable[[Sequence[str]], Iterable[int]]
"""Gets the names of a block, and says by their positions which entries are wanted."""

_HEAD_LIMIT = 1 << 20
_ENTRY_LIMIT = 1 << 22
"""Bytes before the first project, and bytes of one project: far beyond what any index sends."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|["{}\[\],]', re.DOTALL)
_PROJECTS = re.compile(rb"\s*:\s*\[")


class _Entry(msgspec.Struct):
    name: str
    last_serial: int | str | None = msgspec.field(name="_last-serial", default=None)
    digest: object = msgspec.field(name="_pypimirror", default=None)


class _Frame(msgspec.Struct):
    """The list without its projects."""

    meta: Meta


_decode_entries = msgspec.json.Decoder(list[_Entry]).decode
_decode_frame = msgspec.json.Decoder(_Frame).decode


def entries(chunks: Iterable[bytes], choose: Choose) -> Iterator[ListEntry]:
    """Yield the entries that are chosen; raise PageProblem for all but one complete list of API 1.x."""
    source = iter(chunks)
    head, buffer = _until_projects(source)
    is_ended, count = False, 0
    while not is_ended:
        decoded, buffer, is_ended = _take(buffer)
        count += len(decoded)
        if is_ended and count and not decoded:
            raise PageProblem("not the JSON of a project list (a comma ends it)")
        for number in choose([entry.name for entry in decoded]):
            entry = decoded[number]
            yield ListEntry(entry.name, _serial(entry))
        if not decoded and not is_ended:
            buffer += _next(source, held=len(buffer))
    try:
        frame = _decode_frame(head + _rest(buffer, source))
    except NOT_DECODED as error:
        raise PageProblem(f"not the JSON of a project list ({error})") from error
    check_api_version(frame.meta.api_version)


def _serial(entry: _Entry) -> str | None:
    """Return what tells whether the project's page changed: its serial, or the page's digest."""
    if entry.last_serial is None and isinstance(entry.digest, str) and DIGEST.fullmatch(entry.digest):
        return entry.digest
    return serial_text(entry.last_serial)


def _until_projects(source: Iterator[bytes]) -> tuple[bytes, bytes]:
    """Return what stands before the first project, `[` included, and what was read behind it."""
    buffer = b""
    for chunk in source:
        buffer += chunk
        start = _projects_start(buffer)
        if start is not None:
            return buffer[:start], buffer[start:]
        if len(buffer) > _HEAD_LIMIT:
            break
    raise PageProblem("not the JSON of a project list (it has no projects)")


def _projects_start(buffer: bytes) -> int | None:
    depth = 0
    for match in _TOKEN.finditer(buffer):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token == b'"projects"' and (key := _PROJECTS.match(buffer, match.end())):
            return key.end()
    return None


def _next(source: Iterator[bytes], *, held: int) -> bytes:
    chunk = next(source, None)
    if chunk is None:
        raise PageProblem("the project list is cut off")
    if held > _ENTRY_LIMIT:
        raise PageProblem("not the JSON of a project list (an entry is too long)")
    return chunk


def _rest(buffer: bytes, source: Iterator[bytes]) -> bytes:
    for chunk in source:
        buffer += chunk
        if len(buffer) > _ENTRY_LIMIT:
            raise PageProblem("not the JSON of a project list (it goes on after the projects)")
    return buffer


def _take(buffer: bytes) -> tuple[list[_Entry], bytes, bool]:
    """Decode the whole entries at the start of `buffer`: these, what is left, and whether the list ended."""
    # Almost always the last "}," ends an entry. Where it stands inside one, or behind the list, this is no
    # valid array, and the tokens have to be looked at.
    cut = buffer.rfind(b"},") + 1
    if cut:
        try:
            return _decode_entries(b"[" + buffer[:cut] + b"]"), buffer[cut + 1 :], False
        except NOT_DECODED:
            pass
    end, is_ended = _last_end(buffer)
    if end is None:
        return [], buffer, False
    try:
        decoded = _decode_entries(b"[" + buffer[:end] + b"]")
    except NOT_DECODED as error:
        raise PageProblem(f"not the JSON of a project list ({error})") from error
    if not decoded and not is_ended:
        raise PageProblem("not the JSON of a project list (a comma follows nothing)")
    return decoded, buffer[end + (not is_ended) :], is_ended


def _last_end(buffer: bytes) -> tuple[int | None, bool]:
    """Return where the list's own `]` stands, and True; else its last comma, if there is one, and False."""
    depth, comma = 0, None
    for match in _TOKEN.finditer(buffer):
        token = match[0]
        if token in (b"{", b"["):
            depth += 1
        elif depth == 0 and token == b"]":
            return match.start(), True
        elif depth == 0 and token == b",":
            comma = match.start()
        elif token in (b"}", b"]"):
            depth -= 1
        elif token == b'"':  # a string that the next chunk will end
            break
    return comma, False
