"""The JSON project list as a stream: blocks cut at object ends and decoded by msgspec, never held whole.

All of PyPI is one object of more than 40 MB; decoded at once it takes some 200 MiB.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from pypimirror.model import ListEntry
from pypimirror.simple import lenient
from pypimirror.simple.from_json import NOT_DECODED, Meta, serial_text
from pypimirror.simple.list_facts import ListFacts
from pypimirror.simple.problems import DIGEST, PageError, check_api_version

Choose = Callable[[Sequence[str]], Iterable[int]]
"""Gets the names of a block, and says by their positions which entries are wanted."""

_HEAD_LIMIT = 1 << 20
_ENTRY_LIMIT = 1 << 22
"""Bytes before the first project, and bytes of one project: far beyond what any index sends."""
_REST_LIMIT = 1 << 22
_NO_PROJECTS = "it has no projects"

# Possessive: without its end a string is looked at once, and not again from each of its escapes.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)
_PROJECTS = re.compile(rb"\s*+:\s*+\[")


class _ProjectEntry(msgspec.Struct):
    name: str
    last_serial: int | str | None = msgspec.field(name="_last-serial", default=None)
    digest: object = msgspec.field(name="_pypimirror", default=None)


class _Frame(msgspec.Struct):
    """The list without its projects."""

    meta: Meta


_decode_entries = msgspec.json.Decoder(list[_ProjectEntry]).decode
_decode_frame = msgspec.json.Decoder(_Frame).decode


def entries(chunks: Iterable[bytes], choose: Choose, seen: ListFacts) -> Iterator[ListEntry]:
    """Yield the entries that are chosen; raise PageError for all but one complete list of API 1.x."""
    source = _Chunks(chunks)
    head = _until_projects(source)
    is_ended, count = False, 0
    while not is_ended:
        decoded, source.held, is_ended = _take(source.held)
        count += len(decoded)
        if is_ended and count and not decoded:
            raise PageError("not the JSON of a project list (a comma ends it)")
        named = [entry for entry in decoded if entry.name and "\ufffd" not in entry.name]
        seen.nameless += len(decoded) - len(named)
        seen.see(len(named), map(_serial, named))
        for number in choose([entry.name for entry in named]):
            entry = named[number]
            yield ListEntry(entry.name, _serial(entry))
        if not decoded and not is_ended:
            source.grow(_ENTRY_LIMIT, "an entry is too long")
    if seen.nameless and not seen.entries:
        raise PageError("not the JSON of a project list (no entry has a name)")
    try:
        frame = _decode_frame(head + source.rest(_REST_LIMIT, "it goes on after the projects"))
    except NOT_DECODED as error:
        raise PageError(f"not the JSON of a project list ({error})") from error
    check_api_version(frame.meta.api_version)


class _Chunks:
    """Chunks of any size, and what was read of them and not taken.

    It grows to twice what it held before anybody looks at it again: so new bytes pay for each look at all of
    it, and an entry in a thousand pieces is not read a thousand times.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.held = b""

    def grow(self, limit: int, problem: str) -> None:
        """Read on; raise PageError where nothing comes, or more than `limit` bytes are held."""
        if len(self.held) > limit:
            raise PageError(f"not the JSON of a project list ({problem})")
        pieces, missing = [self.held], max(len(self.held), 1)
        for chunk in self._chunks:
            pieces.append(chunk)
            missing -= len(chunk)
            if missing <= 0:
                break
        if not any(pieces[1:]):
            raise PageError("the project list is cut off")
        self.held = b"".join(pieces)

    def rest(self, limit: int, problem: str) -> bytes:
        """Return all that is left; raise PageError where that is more than `limit` bytes."""
        pieces, size = [self.held], len(self.held)
        for chunk in self._chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                raise PageError(f"not the JSON of a project list ({problem})")
        return b"".join(pieces)


def _serial(entry: _ProjectEntry) -> str | None:
    """Return what tells whether the project's page changed: its serial, or the page's digest."""
    if entry.last_serial is None and isinstance(entry.digest, str) and DIGEST.fullmatch(entry.digest):
        return entry.digest
    return serial_text(entry.last_serial)


def _until_projects(source: _Chunks) -> bytes:
    """Take what stands before the first project, `[` included."""
    while True:
        try:
            source.grow(_HEAD_LIMIT, _NO_PROJECTS)
        except PageError:
            if lenient.is_whole(source.held):  # and so it is not cut off
                raise PageError(f"not the JSON of a project list ({_NO_PROJECTS})") from None
            raise
        start = _projects_start(source.held)
        if start is not None:
            head, source.held = source.held[:start], source.held[start:]
            return head


def _tokens(buffer: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """Yield the tokens, each with how many objects and arrays are open around it."""
    depth = 0
    for match in _TOKEN.finditer(buffer):
        if match[0] == b'"':  # a string that the next chunk will end
            return
        depth -= match[0] in (b"}", b"]")
        yield depth, match
        depth += match[0] in (b"{", b"[")


def _projects_start(buffer: bytes) -> int | None:
    for depth, match in _tokens(buffer):
        if depth == 1 and match[0] == b'"projects"' and (key := _PROJECTS.match(buffer, match.end())):
            return key.end()
    return None


def _take(buffer: bytes) -> tuple[list[_ProjectEntry], bytes, bool]:
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
    block = b"[" + buffer[:end] + b"]"
    try:
        decoded = _decode_entries(block)
    except NOT_DECODED as error:
        decoded = _one_by_one(block, f"not the JSON of a project list ({error})")
    if not decoded and not is_ended:
        raise PageError("not the JSON of a project list (a comma follows nothing)")
    return decoded, buffer[end + (not is_ended) :], is_ended


def _one_by_one(block: bytes, problem: str) -> list[_ProjectEntry]:
    """Read entries that are not all of the right types; the name of one that has no readable one is empty."""
    found = lenient.decoded(block, problem)
    if not isinstance(found, list):
        raise PageError(problem)
    objects = (each if isinstance(each, dict) else {} for each in found)
    return [
        _ProjectEntry(
            lenient.text(each.get("name")) or "",
            lenient.whole_number(each.get("_last-serial")),
            each.get("_pypimirror"),
        )
        for each in objects
    ]


def _last_end(buffer: bytes) -> tuple[int | None, bool]:
    """Return where the list's own `]` stands, and True; else its last comma, if there is one, and False."""
    comma = None
    for depth, match in _tokens(buffer):
        if depth < 0 and match[0] == b"]":
            return match.start(), True
        if depth == 0 and match[0] == b",":
            comma = match.start()
    return comma, False
