"""What core metadata requires, also such as nobody means well with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.requirements.dependency import canonical
from pypimirror.requirements.required import (
    MAX_REQUIREMENTS,
    MAX_TEXT,
    is_reliable,
    requires_dist,
)

HEAD = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_distinct_canonical_and_sorted(end: bytes) -> None:
    lines = [
        *HEAD.splitlines(),
        b"Requires-Dist: zope.event>=5",
        b"REQUIRES-DIST:zope.event (>=5)",
        b'Requires-Dist: a [x] ; extra == "Y_z"',
        b"Requires-Dist: b",
        b"\t<2,",
        b"  >=1",
        b"Requires: old",
        b"Requires-External: libfoo",
        b"Summary: Requires-Dist: c",
        b"",
        b"Requires-Dist: in-the-readme",
    ]
    assert requires_dist(end.join(lines)) == ('a[x]; extra == "y-z"', "b<2,>=1", "zope.event>=5")


def test_none_at_all() -> None:
    assert requires_dist(HEAD) == ()
    assert requires_dist(b"") == ()


def test_a_folded_description_requires_nothing() -> None:
    folded = (
        HEAD
        + b"Description: A demo.\n        Requires-Dist: nothing\n        \n        |x\nRequires-Dist: six\n"
    )
    assert requires_dist(folded) == ("six",)


def unreadable(metadata: bytes) -> list[str]:
    told: list[str] = []
    requires_dist(metadata, tell=told.append)
    return told


def test_lines_that_are_no_requirement_are_left_out_and_named() -> None:
    metadata = HEAD + b"Requires-Dist: six\nRequires-Dist: zope event>=3\nRequires-Dist: \xff\n\n"
    assert requires_dist(metadata) == ("six",)
    assert unreadable(metadata) == ["zope event>=3", "\ufffd"]


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("demo >=1.*", ("demo",)),
        ("demo>=1.0,<2.*", ("demo",)),
        ("demo (2.0)", ("demo",)),
        ("Demo[X] (>=dev) ; extra == 'y'", ('Demo[X]; extra == "y"',)),
        ("demo ~= 1", ("demo",)),
        ("demo = 1.0", ("demo",)),
        ("demo>=1;", ("demo",)),
        ("zope.event>=3.8.0,??", ("zope.event",)),
        ("demo >=1.*; python version", ()),
        ("demo @", ()),
        ("demo two >=1.*", ()),
        ("demo[x >=1.*", ()),
    ],
)
def test_versions_that_can_not_be_read_ask_for_any(line: str, read: tuple[str, ...]) -> None:
    metadata = HEAD + f"Requires-Dist: {line}\n".encode()
    assert requires_dist(metadata) == read
    assert unreadable(metadata) == [line]


@pytest.mark.parametrize(
    ("header", "reliable"),
    [
        (b"Metadata-Version: 2.2\n", True),
        (b"metadata-version:2.4\r\n", True),
        (b"Metadata-Version: 3.0\n", True),
        (b"Metadata-Version: 2.10\n", True),
        (b"Metadata-Version: 2.1\n", False),
        (b"Metadata-Version: 1.2\n", False),
        (b"Metadata-Version: x\n", False),
        (b"", False),
        (b"Metadata-Version: 2.2\nDynamic: Version\n", True),
        (b"Metadata-Version: 2.2\nDynamic: License\nDynamic: requires-dist\n", False),
        (b"Metadata-Version: 2.2\r\nDynamic: Requires-Dist\r\n", False),
        (b"Metadata-Version: 2.2\nDynamic: Requires-Dist-Not\n", True),
        (b"Metadata-Version: 2.2\n\nDynamic: Requires-Dist\n", True),
    ],
)
def test_when_an_sdist_can_be_relied_on(header: bytes, reliable: bool) -> None:
    assert is_reliable(header) is reliable


@pytest.mark.parametrize(
    "hostile",
    [
        b"Requires-Dist: " + b"a" * (1 << 20),
        b"Requires-Dist: six" + b"\n " * (1 << 19),
        b"Requires-Dist: " + b"six>=1," * (1 << 17),
        b"Requires-Dist: six; " + b"(" * (1 << 20),
        b"Requires-Dist: six; os_name == '" + b"\0" * (1 << 20),
        b"Requires-Dist:" * (1 << 16),
        b"\0" * (1 << 20),
        b"Requires-Dist: six\r" * (1 << 16),
        b"Metadata-Version: " + b"9" * (1 << 20),
    ],
)
def test_hostile_metadata_costs_little(hostile: bytes) -> None:
    assert requires_dist(hostile) in ((), ("six",))
    assert all(len(each) <= 100 for each in unreadable(hostile))
    assert not is_reliable(hostile)


def test_no_more_than_a_bound_is_believed() -> None:
    many = HEAD + b"".join(b"Requires-Dist: project-%d\n" % number for number in range(100_000))
    assert len(requires_dist(many)) == MAX_REQUIREMENTS
    again = HEAD + b"Requires-Dist: six\n" * 100_000
    assert requires_dist(again) == ("six",)


def test_no_more_text_than_a_bound_is_believed() -> None:
    long = ",".join(f"!={number}" for number in range(500))
    many = HEAD + b"".join(f"Requires-Dist: project-{number}{long}\n".encode() for number in range(9000))
    assert 0 < sum(map(len, requires_dist(many))) <= MAX_TEXT
    behind = HEAD + b"Requires-Dist: " + b"a" * (2 * MAX_TEXT) + b"\nRequires-Dist: six\n"
    assert requires_dist(behind) == ("six",)


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(content: bytes, is_headed: bool) -> None:
    found = requires_dist(b"Requires-Dist: " + content if is_headed else content)
    assert list(found) == sorted(set(found))
    assert all(canonical(each) == each for each in found)
