"""JSON as servers write it: one bad entry costs itself alone, a bad optional field not even that."""

import codecs
import json
from typing import Any

import pytest

from pypimirror.errors import BadPageError
from pypimirror.model import File, NormalizedName, ProjectPage
from pypimirror.simple import parse_project_list, parse_project_page

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/demo/"
DEMO = NormalizedName("demo")
SHA256 = "ab" * 32
GOOD = {"filename": "demo-1.0.zip", "url": "demo-1.0.zip", "hashes": {"sha256": SHA256}}
OTHER = {"filename": "demo-2.0.zip", "url": "demo-2.0.zip", "hashes": {"sha256": SHA256}}


def read(content: bytes) -> ProjectPage:
    return parse_project_page(content, JSON, URL, DEMO)


def page_of(*entries: object, **keys: Any) -> ProjectPage:
    page = {"meta": {"api-version": "1.1"}, "name": "demo", "files": entries} | keys
    return read(json.dumps(page).encode())


def names(page: ProjectPage) -> list[str]:
    return [file.filename for file in page.files]


@pytest.mark.parametrize(
    ("keys", "field", "value"),
    [
        ({"size": 642.0}, "size", 642),
        ({"size": 642.5}, "size", None),
        ({"size": 0}, "size", None),
        ({"size": []}, "size", None),
        ({"size": True}, "size", None),
        ({"requires-python": []}, "requires_python", None),
        ({"requires-python": 3}, "requires_python", None),
        ({"requires-python": "x" * 5000}, "requires_python", None),
        ({"yanked": 0}, "yanked", None),
        ({"yanked": 1}, "yanked", ""),
        ({"yanked": []}, "yanked", None),
        ({"yanked": "x" * 5000}, "yanked", "x" * 1000),
        ({"core-metadata": "true"}, "core_metadata", None),
        ({"core-metadata": {"sha256": None}}, "core_metadata", ()),
        ({"upload-time": 5}, "upload_time", None),
        ({"upload-time": "2024-01-02T03:04:05"}, "upload_time", None),
        ({"upload-time": "2024-13-02T03:04:05Z"}, "upload_time", None),
        ({"upload-time": "2024-01-02T03:04:05+02:00"}, "upload_time", "2024-01-02T01:04:05Z"),
        ({"provenance": {}}, "provenance", None),
        ({"hashes": {"sha256": SHA256, "md5": None}}, "size", None),
        ({"gpg-sig": "x", "unknown": [1]}, "size", None),
    ],
)
def test_a_field_of_a_wrong_type_costs_the_field(keys: dict[str, object], field: str, value: object) -> None:
    page = page_of(GOOD | keys, OTHER)
    assert names(page) == ["demo-1.0.zip", "demo-2.0.zip"]
    assert page.project == DEMO
    assert getattr(page.files[0], field) == value
    assert page.files[0].digests[-1].hexdigest == SHA256


@pytest.mark.parametrize(
    "keys",
    [{"url": None}, {"url": 5}, {"url": "ftp://x/demo-1.0.zip"}, {"size": -1}, {"hashes": {"sha256": 1}}],
)
def test_what_has_to_be_right_costs_the_entry(keys: dict[str, object]) -> None:
    page = page_of(GOOD | keys, OTHER)
    assert (names(page), set(page.unusable), page.nameless) == (["demo-2.0.zip"], {"demo-1.0.zip"}, 0)
    assert len(page.refused) == 1


@pytest.mark.parametrize(
    "entry", [None, "a", 5, [], {}, {"url": "u"}, GOOD | {"filename": None}, GOOD | {"filename": 1}]
)
def test_an_entry_without_a_name(entry: object) -> None:
    page = page_of(entry, OTHER)
    assert (names(page), page.nameless, len(page.refused)) == (["demo-2.0.zip"], 1, 1)


@pytest.mark.parametrize(
    "keys",
    [
        {"project-status": []},
        {"project-status": {"status": 5, "reason": []}},
        {"versions": [None]},
        {"versions": {}},
        {"meta": {"api-version": 1.0}},
        {"meta": {"api-version": 1}},
        {"meta": {"api-version": None}},
        {"meta": {"api-version": "1.0", "_last-serial": []}},
        {"meta": {"api-version": "1.0", "project-status": 5}},
        {"alternate-locations": 5},
    ],
)
def test_what_is_said_of_the_page(keys: dict[str, object]) -> None:
    page = page_of(GOOD, OTHER, **keys)
    assert (len(page.files), page.project, page.status) == (2, DEMO, None)


@pytest.mark.parametrize(
    "keys",
    [
        {"meta": {"api-version": 2}},
        {"meta": {"api-version": 2.0}},
        {"files": {}},
        {"files": None},
        {"meta": []},
    ],
)
def test_what_is_no_envelope(keys: dict[str, object]) -> None:
    with pytest.raises(BadPageError):
        page_of(GOOD, **keys)


@pytest.mark.parametrize("name", [None, 5, []])
def test_a_page_without_a_name_proves_nothing(name: object) -> None:
    assert page_of(GOOD, name=name).project is None


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_byte_order_marks(mark: bytes, encoding: str) -> None:
    text = json.dumps({"meta": {"api-version": "1.0"}, "name": "demo", "files": [GOOD]})
    assert names(read(mark + text.encode(encoding))) == ["demo-1.0.zip"]


def test_a_byte_order_mark_of_a_list() -> None:
    content = codecs.BOM_UTF8 + b'{"meta":{"api-version":"1.0"},"projects":[{"name":"six"}]}'
    chunks = (content[n : n + 1] for n in range(len(content)))
    assert [each.name for each in parse_project_list(chunks, JSON, "https://index.example.org/simple/")] == [
        "six"
    ]


@pytest.mark.parametrize(
    "odd",
    [b'"x":NaN', b'"x":-Infinity', b'"x":"\\ud800"', b'"x":"\xff"', b'"x":' + b"9" * 5000, b'"x":1e999'],
)
def test_what_is_no_json_and_is_read_by_clients(odd: bytes) -> None:
    content = b'{"meta":{"api-version":"1.0"},"name":"demo",%s,"files":[%s]}' % (
        odd,
        json.dumps(GOOD).encode(),
    )
    assert names(read(content)) == ["demo-1.0.zip"]


def test_half_a_surrogate_pair_in_a_name() -> None:
    page = page_of(GOOD | {"filename": "demo-\ud800.zip"}, OTHER, GOOD | {"yanked": "\ud800"})
    assert names(page) == ["demo-2.0.zip", "demo-1.0.zip"]
    assert page.files[1].yanked == "\N{REPLACEMENT CHARACTER}"


def test_what_is_no_distribution_is_passed_over_in_both_representations() -> None:
    other = ["demo-1.0.tbz", "demo-1.0.txz", "demo-1.0-1.noarch.rpm"]
    page = page_of(GOOD, *({"filename": name, "url": name} for name in other))
    anchors = "".join(f'<a href="{name}">x</a>' for name in ["demo-1.0.zip", *other])
    in_html = parse_project_page(f"<html>{anchors}</html>".encode(), "text/html", URL, DEMO)
    for each in (page, in_html):
        assert names(each) == ["demo-1.0.zip"]
        assert each.skipped == ("3 by its ending no distribution ('demo-1.0.tbz')",)
        assert (each.refused, set(each.unusable)) == ((), set(other))


def test_a_file_is_the_same_whichever_way_the_page_was_read() -> None:
    expected: tuple[File, ...] = page_of(GOOD, OTHER).files
    assert page_of(GOOD, OTHER, versions=[None]).files == expected
