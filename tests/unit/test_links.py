from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pypimirror.external.links import (
    MOST_FILES,
    MOST_VERSIONS,
    LinkedFile,
    file_named,
    file_offered,
    worth_it,
)
from pypimirror.filenames import is_distribution, magic_of, release_in, why_unsafe
from pypimirror.model import Digest, Link
from tests.unit.test_linear import slow_texts

HOST = "https://files.example.org"

READERS: dict[str, Callable[[str], object]] = {
    "a Content-Disposition": lambda text: file_offered(f"attachment; {text}", "demo"),
    "a quoted name": lambda text: file_offered(f'attachment; filename="{text}"', "demo"),
    "an encoded name": lambda text: file_offered(f"attachment; filename*=utf-8''{text}", "demo"),
    "an address": lambda text: file_named(f"https://example.org/{text}?{text}", "demo"),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_text_is_read_in_time_that_grows_as_it_does(reader: str) -> None:
    assert slow_texts(READERS[reader]) == []


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("demo-1.0.tar.gz", "demo", "1.0"),
        ("Demo-1.0.zip", "demo", "1.0"),
        ("demo-1.0.tgz", "demo", "1.0"),
        ("demo-1.0.tar.bz2", "demo", "1.0"),
        ("demo-1.0.TAR.GZ", "demo", "1.0"),
        ("zope.interface-3.8.0.zip", "zope-interface", "3.8.0"),
        ("zope.interface-3.8.0-py2.7.egg", "zope-interface", "3.8.0"),
        ("zope_interface-3.8-cp311-cp311-linux_x86_64.whl", "zope-interface", "3.8"),
        ("demo-1.0.win32-py2.7.exe", "demo", "1.0"),
        ("demo-1.0.win-amd64-py2.7.msi", "demo", "1.0"),
        ("demo-1.0rc1.zip", "demo", "1.0rc1"),
        ("demo-more-1.0.zip", "demo", None),
        ("other-1.0.zip", "demo", None),
        ("demo.zip", "demo", None),
        ("demo-latest.zip", "demo", None),
        ("demo-1.0.txt", "demo", None),
        ("demo-1.0.whl", "demo", None),
        ("", "demo", None),
        ("demo-.zip", "demo", None),
        ("demo-" + "9" * 5000 + ".zip", "demo", None),
    ],
)
def test_files_of_a_project_by_their_names(filename: str, project: str, version: str | None) -> None:
    assert release_in(filename, project) == (version and Version(version))


@given(st.text(max_size=40), st.sampled_from([".zip", ".tar.gz", ".whl", ".egg", ".exe", ""]))
def test_no_text_is_too_odd_for_a_name(text: str, suffix: str) -> None:
    assert release_in(text + suffix, "demo") is None or is_distribution(text + suffix)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{HOST}/dist/demo-1.0.tar.gz", "demo-1.0.tar.gz"),
        (f"{HOST}/projects/demo/files/demo-1.0.zip/download", "demo-1.0.zip"),
        (f"{HOST}/demo%2D1.0.zip", "demo-1.0.zip"),
        (f"{HOST}/get.php?file=demo-1.0.zip", "demo-1.0.zip"),
        (f"{HOST}/get?a=1&f=/pub/demo-1.0.zip&b=2", "demo-1.0.zip"),
        (f"{HOST}/get?demo-1.0.zip", "demo-1.0.zip"),
        (f"{HOST}/get?" + "&".join(["f=demo-1.0.zip"] * 100), None),
        (f"{HOST}/other-1.0.zip", None),
        (f"{HOST}/", None),
        (HOST, None),
        (f"{HOST}/%2e%2e%2fdemo-1.0.zip", None),
        (f"{HOST}/demo-1.0.zip.html", None),
    ],
)
def test_names_that_addresses_tell(url: str, expected: str | None) -> None:
    assert file_named(url, "demo") == expected


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('attachment; filename="demo-1.0.zip"', "demo-1.0.zip"),
        ("attachment; filename=demo-1.0.zip", "demo-1.0.zip"),
        ("attachment; filename*=UTF-8''demo-1.0.zip", "demo-1.0.zip"),
        ('attachment; filename="/home/me/demo-1.0.zip"', "demo-1.0.zip"),
        (r'attachment; filename="C:\\x\\demo-1.0.zip"', "demo-1.0.zip"),
        ("attachment; filename*=klingon''demo-1.0.zip", "demo-1.0.zip"),
        ("attachment", None),
        ("", None),
        ("attachment; filename*0*=x; filename*=y; filename*1=z; filename*z=1", None),
        ('attachment; filename="../../etc/passwd"', None),
        ('attachment; filename="other-1.0.zip"', None),
        ('attachment; filename="demo-1.0.zip\\0.zip"', None),
    ],
)
def test_names_that_servers_tell(disposition: str, expected: str | None) -> None:
    assert file_offered(disposition, "demo") == expected


@given(st.text(max_size=100))
def test_no_header_is_too_odd(text: str) -> None:
    found = file_offered(text, "demo")
    assert found is None or not why_unsafe(found)


def links(*filenames: str) -> list[Link]:
    return [Link(f"{HOST}/{filename}") for filename in filenames]


def names_of(found: list[LinkedFile]) -> list[str]:
    return [candidate.filename for candidate in found]


def worth(found: list[Link], **options: Any) -> list[LinkedFile]:
    return worth_it(found, "demo", **({"is_wanted": lambda _name: True} | options))


def test_of_a_page_the_newest_versions_are_worth_it() -> None:
    found = worth(links(*(f"demo-1.{n}.zip" for n in range(50))))
    assert names_of(found) == [f"demo-1.{n}.zip" for n in range(49, 49 - MOST_VERSIONS, -1)]


def test_unwanted_files_and_snapshots_take_no_place() -> None:
    page = links(
        *(f"demo-1.{n}.zip" for n in range(30)), "demo-2.0.dev1.zip", "demo-3.0.tar.gz", "x-4.zip", "a.html"
    )
    found = worth(page, is_wanted=lambda filename: filename.endswith(".zip"))
    assert names_of(found)[0] == "demo-1.29.zip"
    assert len(found) == MOST_VERSIONS


def test_a_file_comes_once_with_the_digest_of_its_first_link() -> None:
    digest = Digest("sha256", "ab" * 32)
    page = [Link(f"{HOST}/a/demo-1.0.zip", (digest,)), Link(f"{HOST}/b/demo-1.0.zip")]
    assert worth(page) == [LinkedFile("demo-1.0.zip", f"{HOST}/a/demo-1.0.zip", (digest,))]


def test_there_is_a_bound_to_the_files_of_a_page() -> None:
    page = links(*(f"demo-1.0-py{n}-none-any.whl" for n in range(1000)))
    assert len(worth(page)) == MOST_FILES


@pytest.mark.parametrize(
    ("filename", "magic"),
    [
        ("demo-1.0.zip", (b"PK",)),
        ("demo-1.0-py3-none-any.whl", (b"PK",)),
        ("demo-1.0.tar.gz", (b"\x1f\x8b",)),
        ("demo-1.0.TGZ", (b"\x1f\x8b",)),
        ("demo-1.0.tar.bz2", (b"BZh",)),
        ("demo-1.0.tar", ()),
        ("demo-1.0.dmg", ()),
    ],
)
def test_what_a_file_begins_with(filename: str, magic: tuple[bytes, ...]) -> None:
    assert magic_of(filename) == magic


@pytest.mark.parametrize(
    "name", ["demo-1.0.dev0.zip", "demo-1.0dev-r123.zip", "demo-1.0-dev.zip", "demo-dev.zip"]
)
def test_snapshots_of_development_are_not_worth_it(name: str) -> None:
    assert not worth(links(name))


def test_a_name_with_dev_in_it_is_no_snapshot() -> None:
    page = links("my-dev-tools-1.0.zip", "my.dev.tools-1.1.zip")
    found = worth_it(page, "my-dev-tools", lambda _name: True)
    assert names_of(found) == ["my.dev.tools-1.1.zip", "my-dev-tools-1.0.zip"]
