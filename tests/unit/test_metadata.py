import io
import struct
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.metadata import MAX_SIZE, from_wheel
from tests.distributions import make_sdist, make_wheel, metadata_of

WHEEL = "demo-1.0-py3-none-any.whl"
TEXT = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
METHODS = {
    "stored": zipfile.ZIP_STORED,
    "deflated": zipfile.ZIP_DEFLATED,
    "bzip2": zipfile.ZIP_BZIP2,
    "lzma": zipfile.ZIP_LZMA,
}


def metadata_in(content: bytes, filename: str = WHEEL) -> bytes | None:
    return from_wheel(io.BytesIO(content), filename)


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, content in members.items():
            archive.writestr(zipfile.ZipInfo(path), content, method)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["demo", "Zope.Interface", "zope_interface"])
def test_a_real_wheel(name: str) -> None:
    filename, content = make_wheel(name, "1.0", requires_dist=["six>=1"], requires_python=">=3.8")
    assert metadata_in(content, filename) == metadata_of(content)


def test_a_large_wheel() -> None:
    filename, content = make_wheel("demo", "1.0", extra_size=1 << 21)
    assert metadata_in(content, filename) == metadata_of(content)
    assert metadata_in(content[:-100], filename) is None


def test_it_is_exactly_the_member() -> None:
    text = b"Metadata-Version: 2.1\r\n\r\nna\xc3\xafve \xff\0\r\n"
    assert metadata_in(zipped({"demo-1.0.dist-info/METADATA": text})) == text


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_way_to_pack(method: int) -> None:
    """What installers read is read; the others can't be unpacked by the piece."""
    expected = TEXT if method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else None
    assert metadata_in(zipped({"demo-1.0.dist-info/METADATA": TEXT}, method)) == expected


def test_the_file_stays_open_for_its_owner() -> None:
    filename, content = make_wheel("demo", "1.0")
    file = io.BytesIO(content)
    from_wheel(file, filename)
    assert not file.closed


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"demo.py": b""},
        {"METADATA": TEXT},
        {"x/demo-1.0.dist-info/METADATA": TEXT},
        {"demo-1.0.dist-info/METADATA/x": TEXT},
        {"demo-1.0.dist-info/metadata": TEXT},
        {"demo-1.0.dist-info/PKG-INFO": TEXT},
        {"demo-1.0.egg-info/METADATA": TEXT},
        {"demo.dist-info/METADATA": TEXT},
    ],
)
def test_a_wheel_without_metadata(members: dict[str, bytes]) -> None:
    assert metadata_in(zipped(members)) is None


@pytest.mark.parametrize(
    "members",
    [
        {"other-2.0.dist-info/METADATA": b"other", "demo-1.0.dist-info/METADATA": TEXT},
        {"demo-1.0.dist-info/METADATA": TEXT, "demo-2.0.dist-info/METADATA": b"other"},
        {"other-1.0.dist-info/METADATA": b"other", "Demo-1.0.dist-info/METADATA": TEXT},
        {"x/other-2.0.dist-info/METADATA": b"other", "demo-1.0.dist-info/METADATA": TEXT},
    ],
)
def test_of_several_folders_it_is_the_wheel_s_own(members: dict[str, bytes]) -> None:
    assert metadata_in(zipped(members)) == TEXT


@pytest.mark.parametrize(
    "members",
    [
        {"a-1.0.dist-info/METADATA": TEXT, "b-1.0.dist-info/METADATA": TEXT},
        {"demo-2.0.dist-info/METADATA": TEXT, "demo-3.0.dist-info/METADATA": TEXT},
        {"demo-1.0.dist-info/METADATA": TEXT, "DEMO-1.0.dist-info/METADATA": TEXT},
    ],
)
def test_of_several_folders_none_is_surely_its_own(members: dict[str, bytes]) -> None:
    assert metadata_in(zipped(members)) is None


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_one_member_twice_is_not_sure() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("demo-1.0.dist-info/METADATA", TEXT)
        archive.writestr("demo-1.0.dist-info/METADATA", b"other")
    assert metadata_in(buffer.getvalue()) is None


@pytest.mark.parametrize(
    "content", [b"", b"x", b"PK\x05\x06", b"<html></html>", make_sdist("demo", "1.0")[1]]
)
def test_no_wheel_at_all(content: bytes) -> None:
    assert metadata_in(content) is None


def test_a_wheel_cut_at_any_byte() -> None:
    filename, content = make_wheel("demo", "1.0")
    assert {metadata_in(content[:length], filename) for length in range(len(content))} == {None}


def test_a_member_that_was_damaged() -> None:
    filename, content = make_wheel("demo", "1.0")
    assert metadata_in(content.replace(b"Summary: Made", b"Summary: MADE"), filename) is None


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_packed_member_that_was_damaged_anywhere(method: int) -> None:
    name = b"demo-1.0.dist-info/METADATA"
    content = zipped({name.decode(): TEXT * 20}, method)
    start = content.index(name) + len(name)
    end = content.index(b"PK\x01\x02")
    for place in range(start, end):
        for bits in (0x01, 0x80, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= bits
            assert metadata_in(bytes(damaged)) in {None, TEXT * 20}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(METHODS.values())),
    st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=3),
)
def test_damage_anywhere_is_never_more_than_no_metadata(method: int, damage: list[tuple[int, int]]) -> None:
    damaged = bytearray(zipped({"demo.py": b"x" * 50, "demo-1.0.dist-info/METADATA": TEXT}, method))
    for place, value in damage:
        damaged[place % len(damaged)] = value
    assert isinstance(metadata_in(bytes(damaged)), bytes | None)


def test_an_encrypted_member() -> None:
    content = bytearray(zipped({"demo-1.0.dist-info/METADATA": TEXT}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert metadata_in(bytes(content)) is None


def test_a_member_packed_in_an_unknown_way() -> None:
    content = bytearray(zipped({"demo-1.0.dist-info/METADATA": TEXT}))
    content[8] = content[content.index(b"PK\x01\x02") + 10] = 99
    assert metadata_in(bytes(content)) is None


def test_a_bomb() -> None:
    assert metadata_in(zipped({"demo-1.0.dist-info/METADATA": b"x" * MAX_SIZE})) == b"x" * MAX_SIZE
    assert metadata_in(zipped({"demo-1.0.dist-info/METADATA": b"x" * (MAX_SIZE + 1)})) is None


def test_a_bomb_that_says_it_is_small() -> None:
    content = bytearray(zipped({"demo-1.0.dist-info/METADATA": b"x" * (MAX_SIZE + 1)}))
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, 100)
    assert metadata_in(bytes(content)) is None
