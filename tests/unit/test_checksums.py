import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.checksums import strongest
from pypimirror.model import Digest
from tests.strategies import digest_sets

WEAKEST_FIRST = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b")


def digest(algorithm: str) -> Digest:
    return Digest(algorithm, hashlib.new(algorithm, b"x").hexdigest())


def test_none_of_none() -> None:
    assert strongest([]) is None


@pytest.mark.parametrize(
    "algorithm", [*WEAKEST_FIRST, "blake2s", "sha3_224", "sha3_256", "sha3_384", "sha3_512"]
)
def test_each_algorithm_of_fixed_length_can_be_checked(algorithm: str) -> None:
    assert strongest([digest(algorithm)]) == digest(algorithm)


@given(st.permutations(WEAKEST_FIRST), st.integers(1, len(WEAKEST_FIRST)))
def test_the_strongest_wins_in_any_order(algorithms: list[str], count: int) -> None:
    offered = algorithms[:count]
    assert strongest(map(digest, offered)) == digest(max(offered, key=WEAKEST_FIRST.index))


@pytest.mark.parametrize(
    "bad",
    [
        Digest("blake2b_256", "ab" * 32),
        Digest("shake_128", "ab" * 16),
        Digest("ripemd160", "ab" * 20),
        Digest("crc32", "abababab"),
        Digest("sha512", "ab" * 32),
        Digest("sha512", ""),
        Digest("sha512", "ab" * 65),
    ],
)
def test_what_can_not_be_checked_counts_for_nothing(bad: Digest) -> None:
    assert strongest([bad]) is None
    assert strongest([bad, digest("md5")]) == digest("md5")


@given(digest_sets())
def test_it_is_one_of_those_offered(offered: tuple[Digest, ...]) -> None:
    assert strongest(offered) in {*offered, *([None] if not offered else [])}
