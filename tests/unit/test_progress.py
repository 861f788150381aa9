"""Progress in words and numbers: what is smoothed, what is not known, what is shortened."""

import random

import pytest
from rich.cells import cell_len

from pypimirror.cli import in_words
from pypimirror.cli.estimate import Estimate, Speed, Track
from pypimirror.cli.in_words import FileProgress
from pypimirror.cli.terminal import shortened
from pypimirror.mirror import Counts
from pypimirror.report.run_table import Waiting, waiting_text
from pypimirror.report.words import moment_ahead


def watched(seconds: int, per_second: float) -> Speed:
    speed = Speed()
    for second in range(seconds + 1):
        speed.see(second, second * per_second)
    return speed


def test_an_even_speed_is_seen_exactly() -> None:
    for seconds in (1, 2, 60, 3600):
        assert watched(seconds, 7.0).per_second == pytest.approx(7.0)


def test_of_what_was_not_watched_yet_nothing_is_said() -> None:
    speed = Speed()
    assert speed.per_second is None
    speed.see(5.0, 100)
    speed.see(5.0, 1_000_000)
    assert speed.per_second is None


def test_one_odd_second_changes_little() -> None:
    for odd in (0.0, 20.0):
        speed = watched(60, 10.0)
        speed.see(61, 600 + odd)
        assert speed.per_second == pytest.approx(10.0, rel=0.06)


def test_a_new_speed_is_seen_within_a_minute() -> None:
    speed = watched(600, 10.0)
    for second in range(601, 661):
        speed.see(second, 6000 + (second - 600) * 100)
    assert speed.per_second is not None
    assert 90 < speed.per_second <= 100


def test_what_goes_back_counts_for_nothing() -> None:
    speed = watched(10, 10.0)
    speed.see(11, 50)
    assert speed.per_second is not None
    assert 8 < speed.per_second < 10


def test_the_slowest_says_when_the_run_ends() -> None:
    estimate = Estimate()
    for second in range(11):
        tracks = {"files": Track(second, 20), "pages": Track(0, 5), "bytes": Track(second * 100, 11_000)}
        estimate.see(second, tracks)
    assert estimate.seconds_left == pytest.approx(100)
    assert estimate.speed("bytes") == pytest.approx(100)


@pytest.mark.parametrize("track", [Track(5, None), Track(5, 5), Track(0, 9)])
def test_what_has_no_end_or_does_not_move_says_nothing(track: Track) -> None:
    estimate = Estimate()
    for second in range(5):
        estimate.see(second, {"files": track})
    assert estimate.seconds_left is None


def test_the_time_left_of_uneven_work_does_not_jump() -> None:
    rng = random.Random(7)
    estimate, done, before = Estimate(), 0.0, None
    for tenth in range(600):
        done += rng.choice([0, 0, 0, 400])  # 1,000 a second
        estimate.see(tenth / 10, {"bytes": Track(done, 1_000_000)})
        left = estimate.seconds_left
        if before is not None and left is not None and tenth > 100:
            assert abs(left - before) < 0.1 * before
        before = left


def test_a_total_that_nobody_knows_is_not_shown() -> None:
    now = in_words.seen(0, Counts(), (), Estimate())
    assert {track.total for track in now.tracks.values()} == {None}
    counts = Counts(projects=3, files=2, stored=1, wanted_bytes=500, done_bytes=400, unsized=1)
    now = in_words.seen(0, counts, [FileProgress("x", 50, None)], Estimate())
    assert now.tracks["bytes"] == Track(450, None)
    assert in_words.line(now) == "0 of 3 projects, 1 of 2 files, 450 B"


def test_a_line_tells_all_that_is_known() -> None:
    counts = Counts(
        projects=12_000,
        files=2,
        wanted_bytes=3_000_000_000_000,
        done_bytes=1_500_000_000,
        retries=1,
        failed=1_234,
    )
    estimate = Estimate()
    for second in range(5):
        counts.done_bytes += 2_000_000
        now = in_words.seen(second, counts, (), estimate)
    assert in_words.line(now) == (
        "0 of 12,000 projects, 0 of 2 files, 1.51 GB of 3.00 TB, 2.00 MB/s, 17 d 8 h left,"
        " 1 retry, 1,234 failed"
    )


@pytest.mark.parametrize(
    "name", ["torch-2.3.0-cp312-cp312-manylinux_2_17_x86_64.whl", "日本語" * 20 + ".zip", "e\u0301" * 30, "a"]
)
@pytest.mark.parametrize("width", range(30))
def test_a_name_is_shortened_in_its_middle(name: str, width: int) -> None:
    short = shortened(name, width)
    assert cell_len(short) <= width
    if short != name and width > 10:
        cuts = [i for i in range(width) if short[i : i + 3] == "..."]
        assert any(name.startswith(short[:i]) and name.endswith(short[i + 3 :]) for i in cuts)


def test_what_waits_is_told() -> None:
    now = 1_700_000_000.0
    at = moment_ahead(now + 60, now)
    one = waiting_text(Waiting(("six",), 1, now + 60), now)
    assert one == f"six waits for its next try at {at}; --project six tries it now"
    many = waiting_text(Waiting(("demo", "six"), 12, now + 60), now)
    assert many == (
        f"12 projects wait for their next try, the first at {at} (demo, six and 10 more);"
        " --project NAME tries one now"
    )
