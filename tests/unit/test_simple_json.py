import json
from typing import Any

import pytest
from hypothesis import given

from pypimirror.errors import BadPageError
from pypimirror.filenames import version_of
from pypimirror.model import Digest, File, NormalizedName, ProjectPage
from pypimirror.simple import ACCEPT, parse_project_page
from tests.strategies import hostile_filenames, project_pages, texts

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/demo/"
FILE_URL = "https://files.example.org/demo-1.0.zip"
DEMO = NormalizedName("demo")
SHA256 = "ab" * 32


def read(content: bytes, content_type: str = JSON) -> ProjectPage:
    return parse_project_page(content, content_type, URL, DEMO)


def page_of(*files: dict[str, Any], **keys: Any) -> ProjectPage:
    return read(json.dumps({"meta": {"api-version": "1.4"}, "name": "demo", "files": files} | keys).encode())


def json_page(**fields: Any) -> ProjectPage:
    return ProjectPage(**({"project": DEMO} | fields))


def file_of(**keys: Any) -> File:
    """Read a page with one file, of which `keys` are said."""
    (file,) = page_of({"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {}} | keys).files
    return file


def demo(**fields: Any) -> File:
    return File(**({"filename": "demo-1.0.zip", "url": FILE_URL, "version": "1.0"} | fields))


def written(page: ProjectPage) -> dict[str, Any]:
    """Write a page as PyPI does."""
    meta = {"api-version": "1.4", "_last-serial": page.serial and int(page.serial)}
    status = {"status": page.status or "active", "reason": page.status_reason}
    return {
        "meta": meta,
        "name": "demo",
        "files": [_written_file(file) for file in page.files],
        "versions": sorted({file.version for file in page.files if file.version is not None}),
        "project-status": status,
        "_private": {"a": [1, None]},
    }


def _written_file(file: File) -> dict[str, Any]:
    offer = file.core_metadata
    return {
        "filename": file.filename,
        "url": file.url,
        "hashes": dict(file.digests),
        "size": file.size,
        "requires-python": file.requires_python,
        "yanked": False if file.yanked is None else file.yanked or True,
        "core-metadata": offer is not None and (dict(offer) or True),
        "data-dist-info-metadata": False,
        "upload-time": file.upload_time,
        "provenance": file.provenance,
    }


def test_a_page_of_api_1_0() -> None:
    content = {
        "meta": {"api-version": "1.0"},
        "name": "demo",
        "files": [{"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {"sha256": SHA256}}],
    }
    assert read(json.dumps(content).encode()) == json_page(files=(demo(digests=(Digest("sha256", SHA256),)),))


def test_a_page_without_files() -> None:
    assert page_of() == json_page(files=())


def test_everything_said() -> None:
    page = page_of(
        {
            "filename": "demo-1.0-py3-none-any.whl",
            "url": "../../files/demo-1.0-py3-none-any.whl#sha256=0",
            "hashes": {"sha256": SHA256, "md5": "cd" * 16},
            "size": 5,
            "requires-python": ">=3.8",
            "yanked": "broken",
            "core-metadata": {"sha256": "ef" * 32},
            "upload-time": "2024-01-02T03:04:05Z",
            "provenance": "https://index.example.org/p",
            "gpg-sig": False,
        },
        meta={"api-version": "1.4", "_last-serial": 77},
        versions=["1.0", "2.0"],
        **{"project-status": {"status": "deprecated", "reason": "use six"}},
    )
    file = File(
        filename="demo-1.0-py3-none-any.whl",
        url="https://index.example.org/files/demo-1.0-py3-none-any.whl",
        digests=(Digest("md5", "cd" * 16), Digest("sha256", SHA256)),
        size=5,
        version="1.0",
        requires_python=">=3.8",
        yanked="broken",
        core_metadata=(Digest("sha256", "ef" * 32),),
        upload_time="2024-01-02T03:04:05Z",
        provenance="https://index.example.org/p",
    )
    assert page == json_page(files=(file,), serial="77", status="deprecated", status_reason="use six")


def test_null_is_absent() -> None:
    keys = [
        "size",
        "requires-python",
        "yanked",
        "core-metadata",
        "dist-info-metadata",
        "upload-time",
        "provenance",
        "hashes",
        "gpg-sig",
    ]
    assert file_of(**dict.fromkeys(keys)) == demo()
    meta = {"api-version": "1.4", "_last-serial": None}
    assert page_of(meta=meta, versions=None, **{"project-status": None, "name": None}) == json_page(
        project=None, files=()
    )


@pytest.mark.parametrize(("serial", "text"), [(77, "77"), ("77", "77"), (None, None), (2**70, str(2**70))])
def test_serials(serial: object, text: str | None) -> None:
    assert page_of(meta={"api-version": "1.4", "_last-serial": serial}).serial == text


@pytest.mark.parametrize(
    ("said", "yanked"), [(False, None), (None, None), (True, ""), ("", ""), ("why", "why"), (' "<&', ' "<&')]
)
def test_yanked(said: object, yanked: str | None) -> None:
    assert file_of(yanked=said) == demo(yanked=yanked)


@pytest.mark.parametrize(
    ("said", "offer"),
    [
        ({}, None),
        ({"core-metadata": False}, None),
        ({"core-metadata": True}, ()),
        ({"core-metadata": {}}, ()),
        ({"core-metadata": {"sha256": SHA256}}, (Digest("sha256", SHA256),)),
        ({"dist-info-metadata": True}, ()),
        ({"dist-info-metadata": {"sha256": SHA256}}, (Digest("sha256", SHA256),)),
        ({"data-dist-info-metadata": {"sha256": SHA256}}, (Digest("sha256", SHA256),)),
        ({"core-metadata": None, "dist-info-metadata": True}, ()),
        ({"core-metadata": False, "dist-info-metadata": True}, None),
        ({"core-metadata": True, "dist-info-metadata": {"sha256": SHA256}}, ()),
    ],
)
def test_core_metadata(said: dict[str, Any], offer: tuple[Digest, ...] | None) -> None:
    assert file_of(**said) == demo(core_metadata=offer)


@pytest.mark.parametrize(
    ("hashes", "digests"),
    [
        ({"SHA256": "AB" * 32}, (Digest("sha256", SHA256),)),
        ({"sha256": SHA256, "SHA256": SHA256}, (Digest("sha256", SHA256),)),
        ({"made_up-9": "0123456789"}, (Digest("made_up-9", "0123456789"),)),
        ({"sha 256": SHA256}, ()),
        ({'"><': SHA256}, ()),
    ],
)
def test_digests(hashes: dict[str, str], digests: tuple[Digest, ...]) -> None:
    assert file_of(hashes=hashes) == demo(digests=digests)


@pytest.mark.parametrize(
    "hashes", [{"sha256": "no hex"}, {"sha256": ""}, {"sha256": None}, {"md5": "ab"}, "sha256"]
)
def test_a_digest_that_can_not_be_read_is_not_none(hashes: object) -> None:
    page = page_of({"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": hashes})
    assert page.files == ()
    assert page.unusable == {"demo-1.0.zip"}


@pytest.mark.parametrize(
    ("said", "size"),
    [
        (0, None),
        (5, 5),
        (5.0, 5),
        ("many", None),
        ([], None),
        ("5", 5),
        ("", None),
        (None, None),
        (2**53 - 1, 2**53 - 1),
    ],
)
def test_sizes(said: object, size: int | None) -> None:
    assert file_of(size=said) == demo(size=size)


@pytest.mark.parametrize("size", [-1, "-1", "9" * 5000])
def test_a_file_of_an_impossible_size_is_refused(size: object) -> None:
    page = page_of({"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {}, "size": size})
    assert page.files == ()
    assert [reason.startswith("'demo-1.0.zip': ") for reason in page.refused] == [True]


@pytest.mark.parametrize(
    "address", ["http://index.example.org/p", "javascript:alert(1)", "p", "//x/p", "https://[x"]
)
def test_provenance_is_an_https_address_or_nothing(address: str) -> None:
    assert file_of(provenance=address) == demo()


@pytest.mark.parametrize(
    ("status", "page"),
    [
        ({"status": "archived"}, json_page(files=(), status="archived")),
        (
            {"status": "quarantined", "reason": "evil"},
            json_page(files=(), status="quarantined", status_reason="evil"),
        ),
        ("archived", json_page(files=(), status="archived")),
        ({"status": "active"}, json_page(files=())),
        ({}, json_page(files=())),
    ],
)
def test_project_status(status: object, page: ProjectPage) -> None:
    assert page_of(**{"project-status": status}) == page


def test_project_status_where_the_specification_has_its_example() -> None:
    status = {"status": "archived", "reason": "old"}
    page = page_of(meta={"api-version": "1.4", "project-status": status})
    assert page == json_page(files=(), status="archived", status_reason="old")


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("demo-1.0.zip", f"{URL}demo-1.0.zip"),
        ("../../f/demo-1.0.zip", "https://index.example.org/f/demo-1.0.zip"),
        ("/f/demo-1.0.zip?x=1#sha256=ab", "https://index.example.org/f/demo-1.0.zip?x=1"),
        ("//files.example.org/demo.zip", "https://files.example.org/demo.zip"),
        ("http://files.example.org/demo.zip", "http://files.example.org/demo.zip"),
    ],
)
def test_addresses(url: str, absolute: str) -> None:
    assert file_of(url=url) == demo(url=absolute)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://files.example.org/x.zip", "data:,x", "//[x"])
def test_a_file_at_another_kind_of_address_is_refused(url: str) -> None:
    page = page_of({"filename": "demo-1.0.zip", "url": url, "hashes": {}})
    assert page.files == ()
    assert [reason.startswith("'demo-1.0.zip': ") for reason in page.refused] == [True]


def test_an_unsafe_file_is_refused_and_the_others_are_taken() -> None:
    page = page_of(
        {"filename": "../demo-1.0.zip", "url": FILE_URL, "hashes": {}},
        {"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {}},
    )
    assert page == json_page(files=(demo(),), refused=("'../demo-1.0.zip': its name is a path",))


@given(hostile_filenames())
def test_every_hostile_name_is_refused_with_a_reason(filename: str) -> None:
    page = page_of({"filename": filename, "url": FILE_URL, "hashes": {}})
    assert page.files == ()
    assert [reason.isprintable() and len(reason) < 900 for reason in page.refused] == [True]


def test_of_two_files_of_one_name_the_first_counts() -> None:
    entry = {"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {}}
    assert page_of(entry | {"size": 1}, entry | {"size": 2}) == json_page(files=(demo(size=1),))


def test_the_version_is_spelled_as_upstream_lists_it() -> None:
    page = page_of(
        {"filename": "demo-1.0.RC.1.zip", "url": FILE_URL, "hashes": {}},
        {"filename": "demo-3.zip", "url": FILE_URL, "hashes": {}},
        versions=["1.0-rc1", "2"],
    )
    assert [file.version for file in page.files] == ["1.0-rc1", "3"]


@pytest.mark.parametrize("version", ["1.0", "1.4", "1.99", "1"])
def test_every_minor_version_is_read(version: str) -> None:
    assert page_of(meta={"api-version": version}) == json_page(files=())


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.0", "", "x", "1x"])
def test_another_major_version_is_no_page(version: str) -> None:
    with pytest.raises(BadPageError, match="API version"):
        page_of(meta={"api-version": version})


@pytest.mark.parametrize(
    "content_type",
    [
        "application/vnd.pypi.simple.v2+json",
        "application/vnd.pypi.simple.latest+json",
        "application/json",
        "text/plain",
        "application/octet-stream",
        "",
    ],
)
def test_another_type_is_no_page(content_type: str) -> None:
    with pytest.raises(BadPageError) as caught:
        read(b'{"meta":{"api-version":"1.0"},"files":[]}', content_type)
    assert caught.value.url == URL


@pytest.mark.parametrize("content_type", [JSON, JSON.upper(), f"{JSON};charset=utf-8", f" {JSON} ; q=1"])
def test_spellings_of_the_type(content_type: str) -> None:
    assert read(b'{"meta":{"api-version":"1.0"},"files":[]}', content_type) == json_page(
        project=None, files=()
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"files"',
        b"\xff\xfe",
        b"<!DOCTYPE html><html></html>",
        b'{"files":[]}',
        b'{"meta":{"api-version":"1.0"}}',
        b'{"meta":{"api-version":"1.0"},"files":null}',
        b'{"meta":{"api-version":"1.0"},"files":{}}',
        b'{"meta":null,"files":[]}',
        b'{"meta":{"api-version":"1.0"},"files":[]}]',
        b'{"meta":{"api-version":"1.0"},"files":[],}',
        b'{"meta":{"api-version":"1.0"},"files":[],"name":"\xff"}',
        b'{"meta":{"api-version":"1.0"},"files":[],"name":"\\ud800"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_page(content: bytes) -> None:
    with pytest.raises(BadPageError) as caught:
        read(content)
    assert caught.value.url == URL
    assert len(str(caught.value)) < 500


def test_a_page_cut_at_any_byte_is_no_page() -> None:
    page = ProjectPage(files=(demo(yanked='}]}"', requires_python=">=3"),), serial="7")
    content = json.dumps(written(page)).encode()
    assert read(content).files == page.files
    for length in range(len(content)):
        with pytest.raises(BadPageError):
            read(content[:length])


@given(project_pages())
def test_every_page_is_read_as_it_was_written(page: ProjectPage) -> None:
    assert read(json.dumps(written(page)).encode()) == page


@given(texts(), texts())
def test_any_text_anywhere_is_a_page_or_a_bad_page(one: str, other: str) -> None:
    entry = {"filename": f"{one}.zip", "url": other, "hashes": {other: one}, "size": one, "provenance": other}
    page = page_of(entry, versions=[one])
    assert len(page.files) + len(page.refused) == 1
    for file in page.files:
        assert file.version == version_of(file.filename, DEMO)


def test_json_is_what_we_ask_for_first() -> None:
    assert ACCEPT.split(",")[0] == JSON


ENTRY = {"filename": "demo-1.0.zip", "url": FILE_URL, "hashes": {}}


@pytest.mark.parametrize(
    ("entry", "is_nameless"),
    [
        (None, True),
        ("a", True),
        ({}, True),
        ({"filename": 1, "url": FILE_URL}, True),
        ({"filename": "demo-2.0.zip"}, False),
        ({"filename": "demo-2.0.zip", "url": None}, False),
        ({"filename": "demo-2.0.zip", "url": "ftp://example.org/demo-2.0.zip"}, False),
        ({"filename": "demo-2.0.zip", "url": FILE_URL, "size": -1}, False),
    ],
)
def test_one_bad_entry_is_one_bad_entry(entry: object, is_nameless: bool) -> None:
    content = {"meta": {"api-version": "1.0"}, "name": "demo", "files": [ENTRY, entry]}
    page = read(json.dumps(content).encode())
    assert page.files == (demo(),)
    assert page.project == DEMO
    assert (page.nameless, page.unusable) == ((1, frozenset()) if is_nameless else (0, {"demo-2.0.zip"}))
    assert len(page.refused) == 1


@pytest.mark.parametrize("version", [1.0, 1, "1.0", "1.99"])
def test_versions_of_the_api_as_servers_write_them(version: object) -> None:
    content = {"meta": {"api-version": version}, "name": "demo", "files": [ENTRY]}
    assert read(b"\xef\xbb\xbf" + json.dumps(content).encode()) == json_page(files=(demo(),))
