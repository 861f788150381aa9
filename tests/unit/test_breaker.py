"""When a host is given up: counts of failures in a row, of several of its resources."""

from hypothesis import given
from hypothesis import strategies as st

from pypimirror.upstream.breaker import Breaker

HOST = "index.example.org"


def test_as_many_failures_in_a_row_as_there_are_workers() -> None:
    breaker = Breaker(5, retries=0)
    told: list[tuple[str, int]] = []
    breaker.on_open = lambda host, failures: told.append((host, failures))
    for number in range(4):
        breaker.failed(HOST, f"/{number}")
    assert breaker.given_up(HOST) is None
    for number in range(3):
        breaker.failed(HOST, f"/more-{number}")
    assert breaker.given_up(HOST) == 5
    assert told == [(HOST, 5)], "it is told once"


def test_one_resource_is_not_its_host() -> None:
    breaker = Breaker(3, retries=0)
    for _ in range(100):
        breaker.failed(HOST, "/broken")
        breaker.failed(HOST, "/broken-too")
    assert breaker.given_up(HOST) is None
    breaker.failed(HOST, "/third")
    assert breaker.given_up(HOST)


def test_another_host_is_another_host() -> None:
    breaker = Breaker(3, retries=0)
    for number in range(9):
        breaker.failed(f"{number}.example.org", f"/{number}")
    assert not any(breaker.given_up(f"{number}.example.org") for number in range(9))


def test_retries_in_all_are_bounded() -> None:
    breaker = Breaker(3, retries=100)
    assert sum(breaker.allows_retry(HOST) for _ in range(1000)) == 50
    for _ in range(40):
        breaker.good(HOST)
    assert sum(breaker.allows_retry(HOST) for _ in range(1000)) == 10


def test_a_host_of_which_nothing_good_came_is_not_tried_again() -> None:
    breaker = Breaker(4, retries=2)
    for _ in range(3):
        breaker.failed(HOST, "/one")
        assert breaker.allows_retry(HOST)
    breaker.failed(HOST, "/one")
    assert not breaker.allows_retry(HOST)
    breaker.good(HOST)
    assert breaker.allows_retry(HOST)


events = st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=60)


@given(events=events, limit=st.integers(3, 8))
def test_it_is_given_up_exactly_after_a_row(events: list[int | None], limit: int) -> None:
    """None is a good answer, a number the resource that failed."""
    breaker = Breaker(limit, retries=0)
    row: list[int] = []
    is_over = False
    for event in events:
        if event is None:
            breaker.good(HOST)
            row = []
        else:
            breaker.failed(HOST, f"/{event}")
            row.append(event)
        is_over = is_over or (len(row) >= limit and len(set(row)) >= 3)
        assert (breaker.given_up(HOST) is not None) == is_over
