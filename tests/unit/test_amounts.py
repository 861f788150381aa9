"""Numbers, sizes and durations in words: one rounding for pages, messages and charts."""

import pytest

from pypimirror.amounts import duration_text, numbered, size_text


def test_numbers() -> None:
    assert [numbered(number, "file") for number in (0, 1, 20_000)] == ["0 files", "1 file", "20,000 files"]


@pytest.mark.parametrize(
    ("size", "text", "exact"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1000, "1.0 kB", "1.00 kB"),
        (9_949, "9.9 kB", "9.95 kB"),
        (9_950, "10 kB", "9.95 kB"),
        (9_995, "10 kB", "10.0 kB"),
        (99_950, "100 kB", "100 kB"),
        (999_499, "999 kB", "999 kB"),
        (999_500, "1.0 MB", "1.00 MB"),
        (12_345_678, "12 MB", "12.3 MB"),
        (3_400_000_000, "3.4 GB", "3.40 GB"),
        (40_000_000_000_000, "40.0 TB", "40.00 TB"),
    ],
)
def test_sizes(size: int, text: str, exact: str) -> None:
    assert size_text(size) == text
    assert size_text(size, digits=3) == exact


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.26, "0.3 s"),
        (9, "9 s"),
        (10.2, "11 s"),
        (60, "1:00 min"),
        (3599.5, "1:00 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
