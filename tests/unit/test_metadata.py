import errno
import io
import os
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror.metadata import MAX_SIZE, from_wheel
from tests.distributions import make_sdist, make_wheel, metadata_of
from tests.failing_disk import FailingFile

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


@pytest.mark.parametrize("bad", [0, 1 << 16, 1 << 20, (1 << 21) + 500])
def test_what_the_disk_can_not_read_is_not_told_as_damage(bad: int) -> None:
    """At the start, in what is read at once, behind it, and in the directory at the end."""
    filename, content = make_wheel("demo", "1.0", extra_size=1 << 21)
    with pytest.raises(OSError, match="Input/output error") as caught:
        from_wheel(io.BufferedReader(FailingFile(content, bad)), filename)
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("bad_seek", range(3))
def test_where_the_disk_can_not_seek_is_not_told_as_damage(bad_seek: int) -> None:
    """A network file system asks its server for the size then."""

    class Unseekable(FailingFile):
        seeks = 0

        def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
            self.seeks += 1
            if self.seeks > bad_seek:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return super().seek(offset, whence)

    filename, content = make_wheel("demo", "1.0", extra_size=1 << 21)
    with pytest.raises(OSError, match="Stale file handle"):
        from_wheel(io.BufferedReader(Unseekable(content, len(content) + (1 << 20))), filename)


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


def directory_entry(name: bytes, *, offset: int = 0, size: int = 0) -> bytes:
    """Return what names a member in a zip file's directory."""
    numbers = (20, 20, 0, 0, 0, 0, 0, size, size, len(name), 0, 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *numbers) + name


def ended(entries: bytes, *, told: int, size: int | None = None, before: bytes = b"") -> bytes:
    """Return a zip file of which the end tells that there are so many members in so many bytes."""
    size = len(entries) if size is None else size
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, told & 0xFFFF, told & 0xFFFF, size, len(before), 0)
    return before + entries + end


def peak_of(content: bytes) -> int:
    """Return how many bytes reading a wheel takes at most, beyond the wheel's own."""
    wheel = io.BytesIO(content)
    tracemalloc.start()
    try:
        assert from_wheel(wheel, WHEEL) is None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("told", [0, 1, 400_000])
@pytest.mark.parametrize("name", [b"", b"demo-1.0.dist-info/METADATA"])
def test_a_directory_of_many_members_is_not_read(name: bytes, told: int) -> None:
    assert peak_of(ended(directory_entry(name) * 400_000, told=told)) < 32 << 20


def test_a_directory_that_fits_takes_little() -> None:
    entries = b"".join(directory_entry(b"%080d" % n) for n in range(65_535))
    assert peak_of(ended(entries, told=65_535)) < 96 << 20


def test_a_wheel_may_have_65535_members() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(65_534):
            archive.writestr(zipfile.ZipInfo(f"demo/{number}.py"), b"")
        archive.writestr(zipfile.ZipInfo("demo-1.0.dist-info/METADATA"), TEXT)
    assert metadata_in(buffer.getvalue()) == TEXT


@pytest.mark.parametrize("size", [1, 45, (1 << 24) + 1, 0xFFFFFFFE, 0xFFFFFFFF])
@pytest.mark.parametrize("filling", [0, 2 << 20])
def test_a_directory_that_is_told_to_be_of_any_size(size: int, filling: int) -> None:
    entries = directory_entry(b"demo-1.0.dist-info/METADATA")
    assert metadata_in(ended(entries, told=1, size=size, before=bytes(filling))) is None


@pytest.mark.parametrize(
    "numbers", [(1 << 63, 1, 1), (1, 1 << 63, 1), (1, 1, 1 << 63), (1, (1 << 64) - 1, 0)]
)
@pytest.mark.parametrize("filling", [0, 2 << 20])
def test_a_zip64_end_may_tell_anything(numbers: tuple[int, int, int], filling: int) -> None:
    members, size, offset = numbers
    entries = bytes(filling) + directory_entry(b"demo-1.0.dist-info/METADATA")
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, members, members, size, offset)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(entries), 1)
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert metadata_in(entries + end + locator + last) is None


@pytest.mark.parametrize("offset", [0, 10, 70, 0xFFFFFFFF])
def test_a_member_may_lie_anywhere(offset: int) -> None:
    entries = directory_entry(b"demo-1.0.dist-info/METADATA", offset=offset, size=1000)
    assert metadata_in(ended(entries, told=1)) is None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_metadata_that_unpacks_to_much_takes_little(method: int) -> None:
    content = zipped({"demo-1.0.dist-info/METADATA": bytes(8 * MAX_SIZE)}, method)
    assert peak_of(content) < 48 << 20
