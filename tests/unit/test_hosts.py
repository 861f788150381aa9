"""What is known of a host: its failures in a row, for how long it is left alone, and retries by that."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pypimirror.errors import NotAskedError, UnavailableError
from pypimirror.upstream import Hosts, LeftAlone

HOST = "index.example.org"
URL = f"http://{HOST}"


def watched(failures: int = 8, *, retries: int = 0) -> tuple[Hosts, list[LeftAlone]]:
    hosts, told = Hosts(failures, retries=retries), list[LeftAlone]()
    hosts.on_news = told.append
    return hosts, told


def test_as_many_failures_in_a_row_as_there_are_workers() -> None:
    hosts, told = watched(5)
    for number in range(4):
        hosts.failed(f"{URL}/{number}")
    assert hosts.why_not(URL) is None
    for number in range(3):
        hosts.failed(f"{URL}/more-{number}")
    assert hosts.why_not(URL) == f"{HOST} failed 5 times in a row"
    assert told == [(HOST, math.inf, f"{HOST} failed 5 times in a row")], "it is told once"
    with pytest.raises(NotAskedError, match="failed 5 times in a row"):
        hosts.wait(f"{URL}/another")


def test_one_resource_is_not_its_host() -> None:
    hosts = Hosts(3, retries=0)
    for _ in range(100):
        hosts.failed(f"{URL}/broken")
        hosts.failed(f"{URL}/broken-too")
    assert hosts.why_not(URL) is None
    hosts.failed(f"{URL}/third")
    assert hosts.why_not(URL)


def test_another_host_is_another_host() -> None:
    hosts = Hosts(3, retries=0)
    for number in range(9):
        hosts.failed(f"http://{number}.example.org/{number}")
    assert not any(hosts.why_not(f"http://{number}.example.org/") for number in range(9))


def test_retries_in_all_are_bounded() -> None:
    hosts = Hosts(3, retries=100)
    assert sum(hosts.allows_retry(URL) for _ in range(1000)) == 50
    for _ in range(40):
        hosts.good(URL)
    assert sum(hosts.allows_retry(URL) for _ in range(1000)) == 10
    assert hosts.retries == 60


def test_a_host_of_which_nothing_good_came_is_not_tried_again() -> None:
    hosts = Hosts(4, retries=2)
    for _ in range(3):
        hosts.failed(f"{URL}/one")
        assert hosts.allows_retry(URL)
    hosts.failed(f"{URL}/one")
    assert not hosts.allows_retry(URL)
    hosts.good(URL)
    assert hosts.allows_retry(URL)


events = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=60)


@given(events=events, limit=st.integers(3, 8))
def test_it_is_given_up_exactly_after_a_row(events: list[int | None], limit: int) -> None:
    """None is a good answer, a number the resource that failed."""
    hosts = Hosts(limit, retries=0)
    row: list[int] = []
    is_over = False
    for event in events:
        if event is None:
            hosts.good(URL)
            row = []
        else:
            hosts.failed(f"{URL}/{event}")
            row.append(event)
        is_over = is_over or (len(row) >= limit and len(set(row)) >= 3)
        assert (hosts.why_not(URL) is not None) == is_over


def test_what_is_asked_for_counts_for_one_host() -> None:
    hosts = Hosts(8, retries=0)
    begun = time.monotonic()
    hosts.busy("http://a/", 0.3, is_for_client=True)
    hosts.busy("http://b/", 100, is_for_client=True)
    hosts.wait("http://c/")
    hosts.wait("http://a/")
    assert time.monotonic() - begun > 0.25
    hosts.busy("http://a/", 1e6, is_for_client=True)
    assert hosts.why_not("http://a/x") == "a asked to be left alone for 1000000 seconds"
    assert hosts.why_not("http://b/") is None


def test_three_resources_that_are_busy_speak_for_their_host() -> None:
    hosts, told = watched()
    for resource in ("x", "x", "y"):
        hosts.busy(f"http://a/{resource}", 0.1, is_for_client=False)
    hosts.busy("http://b/z", 0.1, is_for_client=False)
    assert told == []
    hosts.busy("http://a/z", 0.1, is_for_client=False)
    assert [each.host for each in told] == ["a"]
    hosts.busy("http://b/z", 0.1, is_for_client=True)
    assert [each.host for each in told] == ["a", "b"]


def test_a_host_that_asks_again_and_again_is_left_to_the_next_run() -> None:
    hosts = Hosts(8, retries=0)
    for _ in range(6):
        hosts.leave_alone(LeftAlone(HOST, time.monotonic() + 100, "of another process"))
        assert hosts.left_alone()[0].until < math.inf
        hosts._hosts[HOST].left_alone = LeftAlone(HOST, 0.0, "")  # as if that time were over
    hosts.busy(URL, 100, is_for_client=True)
    assert hosts.why_not(URL) == f"{HOST} asked to be left alone for 100 seconds"


def test_what_another_process_found_is_heeded() -> None:
    hosts, told = watched()
    news = LeftAlone(HOST, math.inf, f"{HOST} failed 8 times in a row")
    hosts.leave_alone(news)
    hosts.leave_alone(LeftAlone(HOST, time.monotonic() + 5, "later, and shorter"))
    assert (hosts.left_alone(), told) == ([news], [])
    assert not hosts.allows_retry(URL)


def test_what_failed_is_told_where_the_host_is_not_asked_again() -> None:
    hosts = Hosts(8, retries=1)

    errors = iter([UnavailableError(URL, "it failed", retry_after=0.01), NotAskedError(URL, "not now")])

    def fail() -> None:
        raise next(errors)

    with pytest.raises(UnavailableError, match="it failed"):
        hosts.retrying(fail)
    assert hosts.retries == 1
