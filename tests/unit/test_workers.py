import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from pypimirror.workers import Readers

LONG = 10.0


def all_of(pool: Readers[int]) -> list[int]:
    """Wait for every result."""
    results: list[int] = []
    deadline = time.monotonic() + LONG
    while pool.unfinished and time.monotonic() < deadline:
        results += pool.finished(0.1)
    assert pool.unfinished == 0
    return results


def number(value: int) -> Callable[[], int]:
    return partial(int, value)


def wait_for(event: threading.Event, value: int) -> int:
    assert event.wait(LONG)
    return value


def failing(error: BaseException) -> int:
    raise error


def test_nothing_to_do() -> None:
    pool: Readers[int] = Readers(3)
    assert (pool.unfinished, pool.finished(0)) == (0, [])


def test_every_result_is_handed_over_once() -> None:
    pool: Readers[int] = Readers(4)
    for value in range(100):
        pool.submit(number(value))
    assert pool.unfinished == 100
    assert sorted(all_of(pool)) == list(range(100))
    assert pool.finished(0) == []


def test_one_thread_keeps_the_order() -> None:
    pool: Readers[int] = Readers(1)
    for value in range(50):
        pool.submit(number(value))
    assert all_of(pool) == list(range(50))


def test_results_come_in_the_order_in_which_they_finish() -> None:
    pool: Readers[int] = Readers(2)
    first = threading.Event()
    pool.submit(partial(wait_for, first, 1))
    pool.submit(number(2))
    assert pool.finished(LONG) == [2]
    assert pool.unfinished == 1
    first.set()
    assert all_of(pool) == [1]


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_what_a_call_raises_is_raised_by_finished(error: BaseException) -> None:
    pool: Readers[int] = Readers(1)
    pool.submit(partial(failing, error))
    with pytest.raises(type(error)) as caught:
        pool.finished(LONG)
    assert caught.value is error
    assert pool.unfinished == 0


def test_a_thread_survives_what_a_call_raised() -> None:
    pool: Readers[int] = Readers(1)
    pool.submit(partial(failing, ValueError()))
    with pytest.raises(ValueError, match=r"^$"):
        pool.finished(LONG)
    pool.submit(number(1))
    assert all_of(pool) == [1]


def test_waiting_for_what_takes_long_ends() -> None:
    pool: Readers[int] = Readers(1)
    gate = threading.Event()
    pool.submit(partial(wait_for, gate, 1))
    assert pool.finished(0.01) == []
    assert pool.unfinished == 1
    gate.set()
    assert all_of(pool) == [1]


@pytest.mark.parametrize("size", [1, 3])
def test_never_more_than_size_calls_at_once(size: int) -> None:
    pool: Readers[int] = Readers(size)
    lock, busy, most = threading.Lock(), [0], [0]

    def call() -> int:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.002)
        with lock:
            busy[0] -= 1
        return threading.get_ident()

    for _ in range(12):
        pool.submit(call)
    assert len(set(all_of(pool))) <= size
    assert most[0] <= size


def test_all_threads_are_used() -> None:
    pool: Readers[int] = Readers(3)
    barrier = threading.Barrier(3, timeout=LONG)
    for _ in range(3):
        pool.submit(barrier.wait)
    assert sorted(all_of(pool)) == [0, 1, 2]


def test_threads_of_an_earlier_burst_are_used_again() -> None:
    pool: Readers[int] = Readers(8)
    threads = set()
    for _ in range(20):
        pool.submit(threading.get_ident)
        threads |= set(all_of(pool))
    assert len(threads) == 1


def test_results_that_nobody_took_do_not_hold_back_a_call() -> None:
    pool: Readers[int] = Readers(2)
    gate = threading.Event()
    pool.submit(partial(wait_for, gate, 1))
    pool.submit(number(2))
    pool.submit(number(3))
    assert sorted(pool.finished(LONG) + pool.finished(0.2)) == [2, 3]
    gate.set()
    assert all_of(pool) == [1]


def test_threads_die_with_the_process() -> None:
    pool: Readers[bool] = Readers(1)
    pool.submit(lambda: threading.current_thread().daemon)
    assert pool.finished(LONG) == [True]


def test_where_there_are_no_more_threads_there_is_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool: Readers[int] = Readers(2)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        for value in range(3):
            pool.submit(number(value))
    assert sorted(all_of(pool)) == [0, 1, 2]
    pool.submit(number(4))
    assert all_of(pool) == [4]
