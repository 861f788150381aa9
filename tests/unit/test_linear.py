"""What upstream sends is read in time that grows as it does: twice the input, twice the time, and not four."""

import json
import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from pypimirror.errors import BadPageError
from pypimirror.simple import parse_project_list

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/"
META = b'"meta":{"api-version":"1.0"}'
OPEN = b'{"meta":{"api-version":"1.0"},"projects":['


def is_linear(work: Callable[[int], object], smallest: int) -> bool:
    """Tell whether twice the size takes at most 2.5 times the time of this process, with one size of some."""
    for size in (smallest, 2 * smallest, 4 * smallest, 8 * smallest):
        once, twice = (min(_seconds(work, size * times) for _ in range(3)) for times in (1, 2))
        if twice <= 2.5 * once + 0.001:
            return True
    return False


def _seconds(work: Callable[[int], object], size: int) -> float:
    start = time.process_time()
    work(size)
    return time.process_time() - start


def pieces(content: bytes, length: int) -> Iterator[bytes]:
    return (content[start : start + length] for start in range(0, len(content), length))


def read_list(chunks: Iterable[bytes]) -> int | None:
    """Read a project list that may be none."""
    try:
        return sum(1 for _ in parse_project_list(chunks, JSON, URL))
    except BadPageError:
        return None


LISTS: dict[str, Callable[[int], bytes]] = {
    "escaped quotes as a list": lambda size: b'\\"' * size,
    "escaped quotes in a head": lambda size: b'{"x":"' + b'\\"' * size,
    "escaped quotes in a name": lambda size: OPEN + b'{"name":"' + b'\\"' * size,
    "quotes": lambda size: b'{"x":' + b'"' * size,
    "quotes in the list": lambda size: OPEN + b'"' * size,
    "backslashes": lambda size: OPEN + b'{"name":"' + b"\\" * size,
    "a long name": lambda size: OPEN + b'{"name":"' + b"a" * size + b'"}],"x":1}',
    "a long head": lambda size: b'{"x":"' + b"a" * size + b'",' + META + b',"projects":[]}',
    "many keys before": lambda size: b"{" + b'"x":[{}],' * (size // 9) + META + b',"projects":[]}',
    "the key again and again": lambda size: b"{" + b'"projects":1,' * (size // 13),
    "the key and blanks": lambda size: b"{" + (b'"projects"' + b" " * 1000) * (size // 1000),
    "blanks behind the key": lambda size: b'{"projects"' + b" " * size,
    "a long end": lambda size: OPEN + b'],"x":"' + b"a" * size + b'"}',
    "blanks at the end": lambda size: OPEN + b"]}" + b" " * size,
    "brackets": lambda size: OPEN + b"[" * size,
    "braces": lambda size: OPEN + b'{"name":' * (size // 8),
    "deep in an entry": lambda size: OPEN + b'{"name":"a","x":' + b"[" * size,
    "ends in a string": lambda size: OPEN + b'{"name":"' + b"}," * size,
    "ends in a string of each": lambda size: OPEN + b'{"name":"a","x":"},"},' * (size // 22),
    "ends of objects inside": lambda size: OPEN + b'{"name":"a","x":[' + b"{}," * (size // 3),
    "commas": lambda size: OPEN + b"," * size,
    "a long number": lambda size: OPEN + b'{"name":"a","_last-serial":' + b"1" * size + b"}]}",
    "a long fraction": lambda size: OPEN + b'{"name":"a","_last-serial":0.' + b"1" * size + b"}]}",
    "a long number to pass over": lambda size: OPEN + b'{"name":"a","x":' + b"1" * size + b"}]}",
    "escapes": lambda size: OPEN + b'{"name":"' + b"\\u0041" * (size // 6) + b'"}]}',
}


@pytest.mark.parametrize("length", [1, 1 << 16])
@pytest.mark.parametrize("kind", LISTS)
def test_a_project_list(kind: str, length: int) -> None:
    size = 20_000 if length == 1 else 130_000
    assert is_linear(lambda n: read_list(pieces(LISTS[kind](n), length)), size)


def test_a_list_of_entries_that_look_like_two_in_tiny_pieces() -> None:
    entry = {"name": "a", "x": "},", "y": [{}, {}]}

    def work(count: int) -> None:
        content = json.dumps({"meta": {"api-version": "1.0"}, "projects": [entry] * count}).encode()
        assert read_list(pieces(content, 3)) == count

    assert is_linear(work, 1000)
