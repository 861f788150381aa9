import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.errors import BadPageError
from pypimirror.model import ListEntry
from pypimirror.simple import ListFacts, parse_project_list
from tests.strategies import project_names, texts

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/"
META = '"meta":{"api-version":"1.0"}'


def read(chunks: Iterable[bytes], content_type: str = JSON) -> list[ListEntry]:
    return list(parse_project_list(chunks, content_type, URL))


def names_of(text: str) -> list[str]:
    return [entry.name for entry in read([text.encode()])]


def expected(content: bytes) -> list[ListEntry]:
    """Read a list the plain way."""
    return [
        ListEntry(entry["name"], None if entry.get("_last-serial") is None else str(entry["_last-serial"]))
        for entry in json.loads(content)["projects"]
        if entry["name"] and "\ufffd" not in entry["name"]
    ]


def cut_at(content: bytes, places: Iterable[int]) -> Iterator[bytes]:
    start = 0
    for end in [*sorted(places), len(content)]:
        yield content[start:end]
        start = end


def _unknown_values() -> st.SearchStrategy[Any]:
    text = texts() | st.sampled_from(
        ["},", "}", "{", "]", "[", '"', "\\", '\\"},{"name":"x"},', '"projects":[', "projects"]
    )
    return st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | text,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
        max_leaves=4,
    )


# Made once: to make them anew for each draw takes longer than the draw.
_UNKNOWN = st.dictionaries(texts().map("x{}".format), _unknown_values(), max_size=2)
_SERIALS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, *({"_last-serial": serial} for serial in (None, 7, "8"))]
)
_NAMES = project_names() | texts()


@st.composite
def _entries(draw: st.DrawFn) -> dict[str, Any]:
    parts = draw(st.permutations([draw(_UNKNOWN), draw(_SERIALS), {"name": draw(_NAMES)}]))
    return {key: value for part in parts for key, value in part.items()}


class Page(NamedTuple):
    """A list as a server may write it, and where it is cut into chunks."""

    content: bytes
    cuts: list[int]

    def chunks(self) -> Iterator[bytes]:
        return cut_at(self.content, self.cuts)


_ENTRIES = st.lists(_entries(), max_size=4)
_INDENTS = st.sampled_from([None, 0, 1, "\t"])
_SEPARATORS = st.sampled_from([(",", ":"), (" ,\r\n", " :\t"), (", ", ": ")])
_BEGINS = st.sampled_from(["", "\n "])
_ENDS = st.sampled_from([b"", b"\n"])
_IS_SO = st.booleans()


@st.composite
def pages(draw: st.DrawFn) -> Page:
    unknown = draw(_UNKNOWN)
    parts: list[dict[str, Any]] = [
        {"meta": {"api-version": "1.4", "_last-serial": 5}},
        {"projects": draw(_ENTRIES)},
        unknown,
    ]
    page = {key: value for part in draw(st.permutations(parts)) for key, value in part.items()}
    text = json.dumps(
        page,
        indent=draw(_INDENTS),
        ensure_ascii=draw(_IS_SO),
        separators=draw(_SEPARATORS),
    )
    content = draw(_BEGINS).encode() + text.encode() + draw(_ENDS)
    return Page(content, draw(st.lists(st.integers(0, len(content)), max_size=6)))


def test_a_list_as_pypi_writes_it() -> None:
    text = (
        '{"meta":{"_last-serial":9,"api-version":"1.4"},'
        '"projects":[{"_last-serial":7,"name":"0"},{"name":"Six"}]}'
    )
    assert read([text.encode()]) == [ListEntry("0", "7"), ListEntry("Six")]


@pytest.mark.parametrize("projects", ["[]", "[ ]", "[\n]"])
def test_an_empty_list(projects: str) -> None:
    assert names_of(f'{{{META},"projects":{projects}}}') == []


@pytest.mark.parametrize(
    "text",
    [
        f'{{"projects":[{{"name":"six"}}],{META}}}',
        f'{{"projects" : [ {{ "name" : "six" }} ] , {META} }}\n',
        f'{{"x":"projects","y":{{"projects":[{{"name":"no"}}]}},"projects":[{{"name":"six"}}],{META}}}',
        f'{{{META},"z":["projects",[]],"projects":[{{"name":"six"}}]}}',
        f'{{{META},"projects":[{{"name":"six","x":{{"y":[{{}},{{}}]}}}}]}}',
        f'{{{META},"projects":[{{"name":"six","x":"}}],"}}],"after":[{{}},{{"a":1}},[]]}}',
    ],
)
def test_other_ways_to_write_it(text: str) -> None:
    assert names_of(text) == ["six"]


@settings(deadline=None)
@given(pages())
def test_any_chunks_give_what_a_plain_reader_gives(page: Page) -> None:
    assert read(page.chunks()) == expected(page.content)


@settings(max_examples=20, deadline=None)
@given(pages())
def test_byte_by_byte(page: Page) -> None:
    assert read(bytes([byte]) for byte in page.content) == expected(page.content)


@settings(deadline=None)
@given(pages(), st.data())
def test_a_list_that_is_cut_is_no_list(page: Page, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(page.content.rstrip()) - 1))
    with pytest.raises(BadPageError):
        read(cut_at(page.content[:length], [cut for cut in page.cuts if cut < length]))


def test_a_list_cut_at_any_byte_is_no_list() -> None:
    text = f'{{{META},"projects":[{{"name":"a","_last-serial":1}},{{"name":"b","x":"}},"}}],"y":[{{}},{{}}]}}'
    assert names_of(text) == ["a", "b"]
    for length in range(len(text)):
        with pytest.raises(BadPageError):
            names_of(text[:length])


def test_entries_come_before_the_end_is_seen() -> None:
    def chunks() -> Iterator[bytes]:
        yield f'{{{META},"projects":['.encode()
        yield b'{"name":"a"},'
        raise ConnectionError

    entries = parse_project_list(chunks(), JSON, URL)
    assert next(entries) == ListEntry("a")
    with pytest.raises(ConnectionError):
        next(entries)


@pytest.mark.parametrize("chunk_size", [1, 7, 4096])
def test_a_long_list(chunk_size: int) -> None:
    projects = [{"_last-serial": n, "name": f"project-{n}"} for n in range(20_000 if chunk_size > 1 else 500)]
    content = json.dumps({"meta": {"api-version": "1.0"}, "projects": projects}).encode()
    chunks = (content[n : n + chunk_size] for n in range(0, len(content), chunk_size))
    assert read(chunks) == [ListEntry(f"project-{n}", str(n)) for n in range(len(projects))]


@pytest.mark.parametrize("version", ['"2.0"', '"10.1"', '""', "2.0", "null"])
@pytest.mark.parametrize(
    "form", ['{{"meta":{{"api-version":{}}},"projects":[]}}', '{{"projects":[],"meta":{{"api-version":{}}}}}']
)
def test_another_major_version_is_no_list(version: str, form: str) -> None:
    with pytest.raises(BadPageError):
        names_of(form.format(version))


@pytest.mark.parametrize(
    "content_type", ["application/vnd.pypi.simple.v2+json", "application/json", "text/plain", ""]
)
def test_another_type_is_no_list(content_type: str) -> None:
    with pytest.raises(BadPageError):
        read([f'{{{META},"projects":[]}}'.encode()], content_type)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '"projects"',
        "<!DOCTYPE html><html></html>",
        f"{{{META}}}",
        '{"projects":[]}',
        f'{{{META},"projects":null}}',
        f'{{{META},"projects":{{}}}}',
        f'[{META},"projects":[]]',
        f'{{{META},"projects":[]}}]',
        f'{{{META},"projects":[]}} x',
        f'{{{META},"projects":[],}}',
        f'{{{META},"projects":[]]}}',
        f'{{{META},"projects":[{{}}]}}',
        f'{{{META},"projects":[{{"name":null}}]}}',
        f'{{{META},"projects":[{{"name":1}}]}}',
    ],
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(BadPageError) as caught:
        names_of(text)
    assert caught.value.url == URL


@pytest.mark.parametrize(
    "projects",
    [
        '"six","flask"',
        "1,2",
        "null",
        '["a"]',
        '{"name":"a"},',
        ',{"name":"a"}',
        ",",
        '{"name":"a"},,{"name":"b"}',
        '{"name":"a"}{"name":"b"}',
        '{"name":"a"} x',
        'x {"name":"a"}',
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 1000])
def test_wrong_entries_are_no_empty_list(projects: str, chunk_size: int) -> None:
    content = f'{{{META},"projects":[{projects}]}}'.encode()
    with pytest.raises(BadPageError):
        read(content[n : n + chunk_size] for n in range(0, len(content), chunk_size))


ALL_CONSTANT = [{"name": name, "_last-serial": 1000000000} for name in ("a", "b", "c")]


@pytest.mark.parametrize(
    ("projects", "tell"),
    [
        (ALL_CONSTANT, False),
        ([*ALL_CONSTANT, {"name": "d", "_last-serial": "1000000000"}], False),
        ([*ALL_CONSTANT, {"name": "d"}], False),
        ([*ALL_CONSTANT, {"name": "d", "_last-serial": 7}], True),
        ([{"name": "a", "_last-serial": 7}], True),
        ([{"name": "a"}, {"name": "b"}], True),
        ([{"name": name, "_pypimirror": f"page:{'0' * 32}"} for name in ("a", "b")], False),
        ([{"name": str(n), "_pypimirror": f"page:{str(n) * 32}"} for n in (1, 2)], True),
    ],
)
@pytest.mark.parametrize("chunk_size", [1, 1000])
def test_serials_that_are_all_equal_say_nothing(
    projects: list[dict[str, Any]], *, tell: bool, chunk_size: int
) -> None:
    content = json.dumps({"meta": {"api-version": "1.0"}, "projects": projects}).encode()
    chunks = (content[n : n + chunk_size] for n in range(0, len(content), chunk_size))
    seen = ListFacts()
    # None of them is chosen: what the list says as a whole is known even so.
    assert list(parse_project_list(chunks, JSON, URL, choose=lambda _: [], seen=seen)) == []
    assert (seen.entries, seen.serials_tell) == (len(projects), tell)


def test_an_html_list_is_counted_and_has_no_serials() -> None:
    seen = ListFacts()
    page = b'<html><a href="a/">a</a><a href="b/">b</a></html>'
    list(parse_project_list([page], "text/html", URL, choose=lambda _: [], seen=seen))
    assert (seen.entries, seen.serials_differ) == (2, False)


def test_a_list_without_end_is_not_held() -> None:
    def chunks() -> Iterator[bytes]:
        yield f'{{{META},"projects":[{{"name":"'.encode()
        while True:
            yield b"a" * (1 << 20)

    with pytest.raises(BadPageError):
        read(chunks())


def test_a_head_without_end_is_not_held() -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"x":"'
        while True:
            yield b"a" * (1 << 20)

    with pytest.raises(BadPageError):
        read(chunks())


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b'{"meta":{"api-version":"1.0"},"projects":[{"name":"\xff"}]}',
        b'{"meta":{"seri\x91l":3},"name":"demo"}',
    ],
)
def test_what_is_not_utf8_is_no_list(content: bytes) -> None:
    with pytest.raises(BadPageError):
        read([content])


@pytest.mark.parametrize("odd", ["null", "5", '"x"', "{}", "[1]", '{"name":null}', '{"name":5}'])
@pytest.mark.parametrize("size", [7, 10_000])
def test_an_entry_without_a_name_costs_itself_and_is_counted(odd: str, size: int) -> None:
    content = f'{{{META},"projects":[{{"name":"a"}},{odd},{{"name":"b"}}]}}'.encode()
    seen = ListFacts()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert [entry.name for entry in parse_project_list(chunks, JSON, URL, seen=seen)] == ["a", "b"]
    assert seen.nameless == 1


@pytest.mark.parametrize("serial", ["1.5", "[]", "true", '{"a":"}"}', "1e400", "NaN"])
def test_a_serial_of_another_type_is_none(serial: str) -> None:
    entries = f'{{"name":"a","_last-serial":3}},{{"name":"x","_last-serial":{serial}}}'
    content = f'{{{META},"projects":[{entries}]}}'.encode()
    assert read([content]) == [ListEntry("a", "3"), ListEntry("x", None)]
