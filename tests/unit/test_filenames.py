import os.path

import pytest
from hypothesis import given

from pypimirror.filenames import (
    MAX_BYTES,
    canonical_version,
    is_distribution,
    is_wheel,
    version_of,
    why_unsafe,
)
from tests.strategies import filenames, hostile_filenames, texts


@pytest.mark.parametrize(
    ("filename", "reason"),
    [
        ("", "empty"),
        (".", "hidden, or begins with a dash or a space"),
        ("..", "hidden, or begins with a dash or a space"),
        (".htaccess", "hidden, or begins with a dash or a space"),
        ("-rf.zip", "hidden, or begins with a dash or a space"),
        (" a.zip", "hidden, or begins with a dash or a space"),
        ("../a.zip", "a path"),
        ("/a.zip", "a path"),
        ("a\\b.zip", "a path"),
        ("a\0.zip", "of unprintable characters"),
        ("a\n.zip", "of unprintable characters"),
        ("a\x7f.zip", "of unprintable characters"),
        ("a\ud800.zip", "of unprintable characters"),
        ("a\u202e.zip", "of unprintable characters"),
        ("a.zip.", "ended by a dot or a space"),
        ("a.zip ", "ended by a dot or a space"),
        ("a" * (MAX_BYTES - 3) + ".zip", f"longer than {MAX_BYTES} bytes"),
        ("\u6f22" * 79 + ".zip", f"longer than {MAX_BYTES} bytes"),
        ("index.html", "like a page's or a companion file's"),
        ("Index.HTML", "like a page's or a companion file's"),
        ("index.v1_json", "like a page's or a companion file's"),
        ("a.whl.metadata", "like a page's or a companion file's"),
        ("a.zip.provenance", "like a page's or a companion file's"),
        ("a.php", "like a page's or a companion file's"),
    ],
)
def test_unsafe(filename: str, reason: str) -> None:
    assert why_unsafe(filename) == reason


@pytest.mark.parametrize(
    "filename",
    [
        "six-1.17.0-py2.py3-none-any.whl",
        "a" * (MAX_BYTES - 4) + ".zip",
        "a b.zip",
        "a..b.zip",
        "\u00e4.zip",
        "x;y=1?&#.zip",
        "c:evil.zip",
        "%2e%2e%2fa.zip",
        "a.zip.asc",
    ],
)
def test_safe(filename: str) -> None:
    assert why_unsafe(filename) is None


@given(hostile_filenames())
def test_hostile_names_are_unsafe(filename: str) -> None:
    assert why_unsafe(filename) is not None


@given(texts() | filenames())
def test_a_safe_name_stays_directly_below_its_folder(filename: str) -> None:
    if why_unsafe(filename) is None:
        path = os.path.normpath(f"/mirror/demo/{filename}")
        assert path == f"/mirror/demo/{filename}"
        assert len(f"{filename}.provenance".encode()) <= 255


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a-1.whl", True),
        ("a-1.tar.gz", True),
        ("A-1.ZIP", True),
        ("a-1.egg", True),
        ("a-1.exe", True),
        ("a-1.tar.bz2", True),
        ("a-1.whl.asc", False),
        ("index.html", False),
        ("", False),
        ("whl", False),
    ],
)
def test_is_distribution(filename: str, expected: bool) -> None:
    assert is_distribution(filename) is expected


def test_is_wheel() -> None:
    assert [is_wheel(name) for name in ("a-1-py3-none-any.whl", "a-1.tar.gz")] == [True, False]


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("six-1.17.0-py2.py3-none-any.whl", "six", "1.17.0"),
        ("six-1.17.0-1-py2.py3-none-any.whl", "six", "1.17.0"),
        ("zope_interface-7.2-cp312-cp312-win32.whl", "zope-interface", "7.2"),
        ("zope.interface-4.0-py2.7.egg", "zope-interface", "4.0"),
        ("zope.interface-4.0.tar.gz", "zope-interface", "4.0"),
        ("Zope_Interface-4.0.zip", "zope-interface", "4.0"),
        ("zope--interface-4.0rc1.tgz", "zope-interface", "4.0rc1"),
        ("six-v1.0.tar.bz2", "six", "v1.0"),
        ("python-dateutil-2.9.0.post0.tar.gz", "python-dateutil", "2.9.0.post0"),
        ("other-1.0.tar.gz", "six", "1.0"),
        ("pytest-7-1.0.tar.gz", "pytest-7", "1.0"),
        ("a-1!2.0+x.1.tar.gz", "a", "1!2.0+x.1"),
        ("six-1.0-2.tar.gz", "six", "1.0-2"),
        ("a-1.0.win32.exe", "a", "1.0"),
        ("a-1.0.win-amd64-py2.7.exe", "a", "1.0"),
        ("a-1.0.linux-x86_64.tar.gz", "a", "1.0.linux-x86_64"),
        ("a.whl", "a", None),
        ("-.zip", "a", None),
        ("readme.txt", "a", None),
    ],
)
def test_version_of(filename: str, project: str, version: str | None) -> None:
    assert version_of(filename, project) == version


@given(filenames("zope-interface"))
def test_version_of_never_raises_and_never_is_empty(filename: str) -> None:
    assert version_of(filename, "zope-interface") != ""


@pytest.mark.parametrize(
    ("version", "canonical"),
    [("1.0", "1.0"), ("v1.0-RC.1", "1.0rc1"), ("1.0-2", "1.0.post2"), ("no version", "no version")],
)
def test_canonical_version(version: str, canonical: str) -> None:
    assert canonical_version(version) == canonical
