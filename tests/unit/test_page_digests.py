"""Digests in every form, in both representations: what was offered never counts as not offered."""

import json

import pytest

from pypimirror.model import Digest, NormalizedName, ProjectPage
from pypimirror.simple import parse_project_page

JSON = "application/vnd.pypi.simple.v1+json"
URL = "https://index.example.org/simple/demo/"
DEMO = NormalizedName("demo")
A, B, M = "ab" * 32, "cd" * 32, "ef" * 16
SHA256, MD5 = Digest("sha256", A), Digest("md5", M)


def html(*fragments: str, attributes: str = "") -> ProjectPage:
    anchors = "".join(f'<a href="demo-1.0.zip{each}" {attributes}>x</a>' for each in fragments)
    return parse_project_page(f"<html>{anchors}</html>".encode(), "text/html", URL, DEMO)


def in_json(*hashes: object) -> ProjectPage:
    files = [{"filename": "demo-1.0.zip", "url": "demo-1.0.zip", "hashes": each} for each in hashes]
    page = {"meta": {"api-version": "1.0"}, "name": "demo", "files": files}
    return parse_project_page(json.dumps(page).encode(), JSON, URL, DEMO)


@pytest.mark.parametrize(
    ("fragment", "digests"),
    [
        (f"#egg=demo-1.0&amp;sha256={A}", (SHA256,)),
        (f"#subdirectory=x&md5={M}", (MD5,)),
        (f"#sha256%3D{A}", (SHA256,)),
        (f"#egg%3Ddemo%26sha256%3D{A.upper()}", (SHA256,)),
        (f"#md5={M}&sha256={A}", (MD5, SHA256)),
        (f"#sha256={A}&md5={M}", (MD5, SHA256)),
        (f"#SHA-256={A}", (SHA256,)),
        (f"#egg=demo&amp;amp;sha256={A}", (SHA256,)),
        (f"#egg=demo#sha256={A}", (SHA256,)),
        (f"#sha256:{A}", (SHA256,)),
        (f"#sha256=&md5={M}", (MD5,)),
        (f"#sha256={A}&sha256={A}", (SHA256,)),
        ("#egg=demo-1.0", ()),
        ("#sha256", ()),
    ],
)
def test_fragments_of_pairs(fragment: str, digests: tuple[Digest, ...]) -> None:
    (file,) = html(fragment).files
    assert file.digests == digests


@pytest.mark.parametrize(
    "fragment",
    ["#sha256=", "#sha256=xyz", f"#sha256={A[1:]}", f"#md5={A}", f"#sha256={A}&sha256={B}", "#egg=x&sha1=0"],
)
def test_a_digest_that_cannot_be_read_is_not_no_digest(fragment: str) -> None:
    page = html(fragment)
    assert (page.files, set(page.unusable), len(page.refused)) == ((), {"demo-1.0.zip"}, 1)


@pytest.mark.parametrize(
    "hashes",
    [
        {"sha256": ""},
        {"sha256": None},
        {"sha256": 5},
        {"sha256": A[1:]},
        {"md5": "no hex"},
        {"sha256": A, "SHA256": B},
        "sha256",
        ["x"],
        5,
    ],
)
def test_the_same_in_json(hashes: object) -> None:
    page = in_json(hashes)
    assert (page.files, set(page.unusable), len(page.refused)) == ((), {"demo-1.0.zip"}, 1)


@pytest.mark.parametrize(
    "hashes", [{"sha256": A, "md5": None}, {"sha256": A, "md5": ""}, {"md5": 1, "sha256": A}]
)
def test_a_bad_digest_beside_a_good_one_is_dropped(hashes: object) -> None:
    (file,) = in_json(hashes).files
    assert file.digests == (SHA256,)


@pytest.mark.parametrize("order", [1, -1])
def test_a_file_listed_twice_has_all_of_its_digests(order: int) -> None:
    (one,) = html(*["", f"#sha256={A}", f"#md5={M}"][::order]).files
    (other,) = in_json(*[{}, {"sha256": A}, {"md5": M}][::order]).files
    assert one.digests == other.digests == (MD5, SHA256)


@pytest.mark.parametrize("last", ["", f"#sha256={A}"])
def test_two_digests_of_one_algorithm_are_a_conflict(last: str) -> None:
    page = html(f"#sha256={A}", f"#sha256={B}", last)
    assert (page.files, set(page.unusable)) == ((), {"demo-1.0.zip"})
    assert "two different sha256 digests" in page.refused[0]
    page = in_json({"sha256": A}, {"sha256": B}, {})
    assert (page.files, set(page.unusable)) == ((), {"demo-1.0.zip"})


def test_a_digest_that_cannot_be_read_counts_for_each_entry_of_the_file() -> None:
    assert html("#sha256=0", "").files == in_json({"sha256": "0"}, {}).files == ()


@pytest.mark.parametrize(
    ("offer", "digests"),
    [
        (f"sha256={A}", (SHA256,)),
        (f"SHA256%3D{A}", (SHA256,)),
        (f"md5={M}&sha256={A}", (MD5, SHA256)),
        ("sha256=", ()),
    ],
)
def test_digests_of_core_metadata(offer: str, digests: tuple[Digest, ...]) -> None:
    (file,) = html("", attributes=f'data-core-metadata="{offer}"').files
    assert file.core_metadata == digests
