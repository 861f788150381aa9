"""PKG-INFO out of archives, also out of such as nobody means well with."""

import errno
import gzip
import io
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pypimirror import metadata
from pypimirror.requirements import sdists
from pypimirror.requirements.sdists import from_sdist, sdist_requires
from tests.failing_disk import FailingFile

Members = Sequence[tuple[str, bytes]]

PKG_INFO = (
    b"Metadata-Version: 2.4\nName: Demo.X\nVersion: 1.0\nRequires-Dist: six>=1\nRequires-Dist: a\n\nA demo.\n"
)


def tar(members: Members, *, tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", format=tar_format) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mtime = 1.5  # makes a header of its own
            archive.addfile(info, io.BytesIO(data))
    return content.getvalue()


def zipped(members: Members) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return content.getvalue()


ARCHIVES = [(tar, "demo_x-1.0.tar.gz"), (zipped, "demo.x-1.0.zip")]


def requires(content: bytes, filename: str = "demo_x-1.0.tar.gz") -> tuple[str, ...] | None:
    return sdist_requires(io.BytesIO(content), filename)


@pytest.mark.parametrize(("pack", "filename"), ARCHIVES)
def test_what_an_sdist_requires(pack: Callable[[Members], bytes], filename: str) -> None:
    members = [
        ("demo_x-1.0/demo/data.bin", b"\0" * 300_000),
        ("demo_x-1.0/demo.egg-info/PKG-INFO", b"Name: other\n"),
        ("demo_x-1.0/" + "long/" * 60 + "name.py", b""),
        ("demo_x-1.0/PKG-INFO", PKG_INFO),
        ("demo_x-1.0/setup.py", b""),
    ]
    assert requires(pack(members), filename) == ("a", "six>=1")


@pytest.mark.parametrize(("pack", "filename"), ARCHIVES)
@pytest.mark.parametrize("bad", [0, 1 << 20])
def test_what_the_disk_can_not_read_is_not_told_as_damage(
    pack: Callable[[Members], bytes], filename: str, bad: int
) -> None:
    noise = random.Random(1).randbytes(1 << 21)
    archive = pack([("demo_x-1.0/noise.bin", noise), ("demo_x-1.0/PKG-INFO", PKG_INFO)])
    with pytest.raises(OSError, match="Input/output error") as caught:
        from_sdist(io.BufferedReader(FailingFile(archive, bad)), filename)
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_format_of_tar(tar_format: int) -> None:
    assert requires(tar([("./demo_x-1.0/PKG-INFO", PKG_INFO)], tar_format=tar_format)) == ("a", "six>=1")


@pytest.mark.parametrize(("pack", "filename"), ARCHIVES)
@pytest.mark.parametrize(
    "pkg_info",
    [
        PKG_INFO.replace(b"2.4", b"2.1"),
        PKG_INFO.replace(b"2.4", b"2.2\nDynamic: Requires-Dist"),
        PKG_INFO.replace(b"Demo.X", b"other"),
        PKG_INFO.replace(b"Name: ", b"Title: "),
        PKG_INFO + b"x" * metadata.MAX_SIZE,
        b"",
    ],
)
def test_what_is_not_known(pack: Callable[[Members], bytes], filename: str, pkg_info: bytes) -> None:
    assert requires(pack([("demo_x-1.0/PKG-INFO", pkg_info)]), filename) is None


@pytest.mark.parametrize(("pack", "filename"), ARCHIVES)
def test_without_pkg_info(pack: Callable[[Members], bytes], filename: str) -> None:
    for name in ("PKG-INFO", "demo_x-1.0/x/PKG-INFO", "demo_x-1.0/PKG-INFO.txt"):
        assert requires(pack([(name, PKG_INFO)]), filename) is None
    assert requires(pack([]), filename) is None


def test_two_of_them_in_a_zip_file() -> None:
    members = [("demo_x-1.0/PKG-INFO", PKG_INFO), ("other/PKG-INFO", PKG_INFO)]
    assert requires(zipped(members), "demo_x-1.0.zip") is None


@pytest.mark.parametrize("filename", ["demo_x.tar.gz", "demo_x-1.0.tar.bz2", "demo_x-one.tar.gz", "x"])
def test_other_names_of_files(filename: str) -> None:
    assert from_sdist(io.BytesIO(tar([("demo_x-1.0/PKG-INFO", PKG_INFO)])), filename) is None


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_file(kind: bytes) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        info = tarfile.TarInfo("demo_x-1.0/PKG-INFO")
        info.type, info.linkname = kind, "demo_x-1.0/other"
        archive.addfile(info)
    assert requires(content.getvalue()) is None


def test_a_bomb_is_not_unpacked_to_its_end() -> None:
    bomb, packer = io.BytesIO(), zlib.compressobj(1, wbits=31)
    info = tarfile.TarInfo("demo_x-1.0/zeros")
    info.size = 1 << 33
    bomb.write(packer.compress(info.tobuf(tarfile.GNU_FORMAT)))
    block = bytes(1 << 22)
    for _ in range(1 + (sdists.MAX_UNPACKED >> 22)):
        bomb.write(packer.compress(block))
    bomb.write(packer.flush())
    bomb.seek(0)
    assert from_sdist(bomb, "demo_x-1.0.tar.gz") is None
    assert bomb.tell() < len(bomb.getbuffer()) // 2


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, b"K", b"S"])
@pytest.mark.parametrize("size", [0, 1 << 16, 1 << 20, 1 << 32])
def test_headers_that_claim_much_are_not_read(kind: bytes, size: int) -> None:
    info = tarfile.TarInfo("demo_x-1.0/PKG-INFO")
    info.type, info.size = kind, size
    content = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + b"1" * 300_000)
    assert requires(content) is None


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdists, "MAX_MEMBERS", 100)
    many = [(f"demo_x-1.0/{number}", b"") for number in range(50)]  # each has two headers
    assert requires(tar([*many[1:], ("demo_x-1.0/PKG-INFO", PKG_INFO)])) is not None
    assert requires(tar([*many, ("demo_x-1.0/PKG-INFO", PKG_INFO)])) is None


WHOLE = tar([("demo_x-1.0/a", b"a" * 1000), ("demo_x-1.0/PKG-INFO", PKG_INFO)])


@settings(deadline=None)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=30))
def test_damaged_archives(at: int, patch: bytes) -> None:
    content = WHOLE[:at] + patch + WHOLE[at + len(patch) :]
    requires(content)
    requires(content[:at])


@settings(deadline=None)
@given(st.integers(0, 1500), st.binary(min_size=1, max_size=30))
def test_damaged_headers(at: int, patch: bytes) -> None:
    content = gzip.decompress(WHOLE)
    requires(gzip.compress(content[:at] + patch + content[at + len(patch) :], 1))
