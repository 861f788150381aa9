"""Pages that travel packed: whole or an error, in bounded steps, and never for ever."""

import contextlib
import gzip
import itertools
import zlib
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.upstream.unpack import STEP, PackingError, UnknownPackingError, packing, unpacked

TEXT = b"<html>" + b"a page of many links " * 5000


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # the same each time, as names of tests are made of it


def raw_deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


def pieces(content: bytes, size: int) -> Iterable[bytes]:
    return (content[i : i + size] for i in range(0, len(content), size))


def whole(content: bytes, encoding: str, size: int = 1000) -> bytes:
    return b"".join(unpacked(pieces(content, size), encoding))


@pytest.mark.parametrize("size", [1, 7, 1 << 18])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("UTF-8", TEXT),
        ("aws-chunked", TEXT),
        ("gzip", packed(TEXT)),
        ("GZip ,identity", packed(TEXT)),
        ("x-gzip", packed(TEXT)),
        ("gzip", packed(TEXT[:99]) + packed(b"") + packed(TEXT[99:])),
        ("gzip", packed(TEXT) + b"\0" * 500),
        ("gzip", packed(TEXT) + b"garbage"),
        ("gzip", packed(TEXT) + b"\x1f"),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT) + b"garbage"),
        ("deflate", raw_deflated(TEXT)),
    ],
)
def test_what_is_whole_is_unpacked(encoding: str, content: bytes, size: int) -> None:
    assert whole(content, encoding, size) == TEXT


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "compress", "x-compress", "bzip2", "nonsense", "gzip, gzip", "gzip, br", "*"]
)
def test_what_was_not_asked_for_is_named(encoding: str) -> None:
    with pytest.raises(UnknownPackingError, match=encoding.replace("*", r"\*")):
        whole(TEXT, encoding)


@pytest.mark.parametrize("length", [0, 1, 2, 9, 10, 15, 100, -9, -8, -4, -1])
@pytest.mark.parametrize(
    ("encoding", "content"),
    [("gzip", packed(TEXT)), ("deflate", zlib.compress(TEXT)), ("deflate", raw_deflated(TEXT))],
)
def test_what_is_cut_is_an_error_though_its_length_was_full(
    encoding: str, content: bytes, length: int
) -> None:
    with pytest.raises(PackingError, match=r"cut off"):
        whole(content[:length], encoding)


def test_a_second_member_that_is_cut_is_an_error() -> None:
    second = packed(TEXT)
    for length in (2, 5, 12, len(second) - 1):
        with pytest.raises(PackingError):
            whole(packed(TEXT) + second[:length], "gzip")


@pytest.mark.parametrize("content", [TEXT, b"\x1f\x8b" + TEXT, packed(TEXT)[:-8] + b"\0" * 8])
def test_what_is_not_packed_as_it_says_is_an_error(content: bytes) -> None:
    with pytest.raises(PackingError):
        whole(content, "gzip")


def test_a_bomb_comes_out_in_bounded_steps() -> None:
    bomb = zlib.compress(bytes(1 << 26), 9)
    blocks = unpacked([bomb], "deflate")
    assert max(map(len, itertools.islice(blocks, 50))) <= STEP


@pytest.mark.parametrize(
    ("encoding", "begin", "more"),
    [
        ("gzip", b"", packed(b"")),
        ("gzip", packed(TEXT), packed(b"")),
        ("gzip", packed(TEXT), b"\0" * 64),
        ("gzip", packed(TEXT), b"garbage"),
        ("gzip", packed(b"")[:10], b"\0\0\0\xff\xff"),  # empty stored blocks
        ("deflate", b"", b"\0\0\0\xff\xff"),
        ("gzip", b"\x1f\x8b\x08\x08" + bytes(6), b"a name without an end "),
    ],
)
def test_what_brings_nothing_ends(encoding: str, begin: bytes, more: bytes) -> None:
    taken = 0

    def endless() -> Iterable[bytes]:
        nonlocal taken
        yield begin
        while True:
            taken += len(more) * 1000
            yield more * 1000

    with pytest.raises(PackingError, match="nothing comes out"):
        list(unpacked(endless(), encoding))
    assert taken < 1 << 21


@given(st.binary(max_size=2000), st.integers(1, 50), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_unpacked_or_an_error(content: bytes, size: int, encoding: str) -> None:
    pack = packed if encoding == "gzip" else zlib.compress
    assert whole(pack(content), encoding, size) == content
    with contextlib.suppress(PackingError):
        whole(content, encoding, size)


def test_names_of_packings() -> None:
    assert packing("") == packing("identity, none") == "identity"
    assert packing(" X-GZIP ") == "x-gzip"
    assert packing("gzip,gzip") == "gzip, gzip"
