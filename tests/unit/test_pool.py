"""Tasks in processes of their own: their results, and their deaths."""

import contextlib
import errno
import fcntl
import inspect
import logging
import math
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pypimirror import errors
from pypimirror.errors import BrokenWorkerError, CutOffError, MirrorError, UnavailableError
from pypimirror.upstream import Hosts, Upstream, deadlines
from pypimirror.workers import Workers, messages, pool, processes
from pypimirror.workers.pool import suitable_processes, suitable_threads

# The test runner has threads; the command has none when it starts its pool.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

LONG = 20.0


def connect() -> Upstream:
    return Upstream("http://127.0.0.1:9/simple/", timeout=1, retries=0)


class Call(NamedTuple):
    """A task that calls a function."""

    work: Callable[[Upstream], object]

    def run(self, upstream: Upstream) -> object:
        return self.work(upstream)


class Working(Workers):
    """Workers whose results are kept, each with the name that its task has here."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.results: list[tuple[Any, Any]] = []

    def call(self, name: object, work: Callable[[Upstream], object]) -> None:
        self.submit(Call(work), lambda result: self.results.append((name, result)))

    def take(self, timeout: float) -> list[tuple[Any, Any]]:
        for hand_over in self.finished(timeout):
            hand_over()
        results, self.results = self.results, []
        return results


@pytest.fixture(params=["fork", "spawn"])
def start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start workers, in each of the two ways there are."""
    monkeypatch.setattr(processes, "_METHOD", request.param)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    with contextlib.ExitStack() as opened:

        def start(*, parallel: int | None = 4, processes: int = 2, patience_s: float = 60.0) -> Working:
            made = Working(
                connect,
                hosts=Hosts(8, retries=0),
                parallel=parallel,
                processes=processes,
                patience_s=patience_s,
            )
            opened.callback(made.close)
            return made

        yield start


def all_of(working: Working) -> list[tuple[Any, Any]]:
    results: list[tuple[Any, Any]] = []
    deadline = time.monotonic() + LONG
    while working.unfinished and time.monotonic() < deadline:
        results += working.take(0.2)
    assert not working.unfinished
    return results


def check_goes_on(working: Working) -> None:
    """Check that workers do another task."""
    working.call("later", partial(double, number=4))
    assert all_of(working) == [("later", 8)]


def double(_upstream: Upstream, *, number: int) -> int:
    return 2 * number


def process(_upstream: Upstream) -> int:
    time.sleep(0.05)
    return os.getpid()


def die(_upstream: Upstream) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail(_upstream: Upstream, *, error: BaseException) -> None:
    raise error


def warn(_upstream: Upstream) -> None:
    logging.getLogger("pypimirror.test").warning("of %s", "a worker")


def hold(upstream: Upstream) -> None:
    upstream.hosts.busy("http://index.example.org/", 1000, is_for_client=True)


def why_not(upstream: Upstream) -> str | None:
    time.sleep(0.05)
    return upstream.hosts.why_not("http://index.example.org/six/")


def busy(_upstream: Upstream, *, seconds: float) -> tuple[float, float]:
    begun = time.monotonic()
    time.sleep(seconds)
    return begun, time.monotonic()


def test_every_task_comes_back_with_its_result(start: Any) -> None:
    working = start()
    for number in range(200):
        working.call(number, partial(double, number=number))
    assert sorted(all_of(working)) == [(number, 2 * number) for number in range(200)]


def test_processes_share_the_work(start: Any) -> None:
    working = start(parallel=4, processes=2)
    for number in range(12):
        working.call(number, process)
    pids = {pid for _, pid in all_of(working)}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_a_number_is_obeyed(start: Any) -> None:
    working = start(parallel=3, processes=2)
    for number in range(12):
        working.call(number, partial(busy, seconds=0.05))
    spans = [span for _, span in all_of(working)]
    most = max(sum(begun <= at < ended for begun, ended in spans) for at, _ in spans)
    assert most <= 3


def test_a_process_is_started_for_each_of_the_first_tasks_alone(start: Any) -> None:
    working = start(processes=2)
    assert multiprocessing.active_children() == []
    working.call("one", process)
    assert len(multiprocessing.active_children()) == 1
    assert len(all_of(working)) == 1
    for number in range(8):
        working.call(number, process)
    assert len(multiprocessing.active_children()) == 2
    all_of(working)


def test_a_process_holds_no_lock_of_the_main_one(start: Any, tmp_path: Path) -> None:
    working = start()
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        working.call("pid", process)
        all_of(working)
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def take_lock(_upstream: Upstream) -> bool:
    time.sleep(0.1)  # so that others begin: one thread may look like the one that holds it
    if is_taken := deadlines._changing_hands.acquire(timeout=5):
        deadlines._changing_hands.release()
    return is_taken


def test_a_process_waits_for_no_thread_of_the_main_one(start: Any) -> None:
    held, done = threading.Event(), threading.Event()

    def hold_lock() -> None:
        with deadlines._changing_hands:
            held.set()
            done.wait(LONG)

    thread = threading.Thread(target=hold_lock)
    thread.start()
    held.wait(LONG)
    working = start(processes=1)
    for number in range(4):
        working.call(number, take_lock)
    try:
        assert {is_taken for _, is_taken in all_of(working)} == {True}
    finally:
        done.set()
        thread.join()


def test_what_a_call_raises_is_raised_here(start: Any) -> None:
    working = start()
    working.call("it", partial(fail, error=OSError(errno.EIO, "broken", "/x")))
    with pytest.raises(OSError, match="broken") as caught:
        all_of(working)
    assert (caught.value.errno, caught.value.filename) == (errno.EIO, "/x")


def test_a_process_that_dies_costs_its_own_tasks(start: Any) -> None:
    working = start(parallel=2, processes=2)
    for number in range(6):
        working.call(number, die if number == 0 else partial(busy, seconds=0.05))
    results = dict(all_of(working))
    broken = {number for number, result in results.items() if isinstance(result, BrokenWorkerError)}
    assert 0 in broken
    assert len(broken) <= 3
    assert "signal 9" in str(results[0])
    check_goes_on(working)


def test_another_process_takes_the_place_of_the_last(start: Any) -> None:
    working = start(parallel=1, processes=1)
    working.call("it", die)
    ((_, result),) = all_of(working)
    assert "signal 9" in str(result)
    check_goes_on(working)


def test_where_each_of_them_dies_the_run_ends(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_MOST_DEATHS", 1)
    working = start(parallel=1, processes=1)
    for number in range(2):
        working.call(number, die)
        if not number:
            assert len(all_of(working)) == 1
    with pytest.raises(BrokenWorkerError, match="signal 9"):
        all_of(working)


def stop(_upstream: Upstream) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(60)  # it comes when it comes


def test_a_process_that_was_stopped_is_given_up(start: Any) -> None:
    working = start(parallel=2, processes=2, patience_s=3.0)
    working.call("it", stop)
    for number in range(4):
        working.call(number, partial(double, number=number))
    results = dict(all_of(working))
    assert "said nothing for 3 seconds" in str(results["it"])
    assert [results[number] for number in (0, 2)] == [0, 4], "those of the other one"
    check_goes_on(working)


def test_one_that_takes_nothing_stops_nobody(start: Any) -> None:
    working = start(parallel=1, processes=1, patience_s=2.0)
    working.call("it", stop)
    working.take(0.5)
    for number in range(10):
        working.call(number, partial(length, text=b"x" * 100_000))
    assert {type(result) for _, result in all_of(working)} == {BrokenWorkerError}


def length(_upstream: Upstream, *, text: bytes) -> int:
    return len(text)


def test_a_long_task_is_no_silence(start: Any) -> None:
    working = start(parallel=1, processes=1, patience_s=4.0)
    working.call("it", partial(busy, seconds=6))
    ((_, (begun, ended)),) = all_of(working)
    assert ended - begun >= 6


def unsendable(_upstream: Upstream) -> object:
    return threading.Lock()


def too_much(_upstream: Upstream) -> bytes:
    return bytes(messages.MOST_BYTES)


def leave(_upstream: Upstream) -> None:
    raise SystemExit(3)


def exit_at_once(_upstream: Upstream) -> None:
    os._exit(7)


def crash(_upstream: Upstream) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (unsendable, "can't be sent (TypeError: cannot pickle"),
        (too_much, "can't be sent (it has 268"),
        (leave, "a bug in pypimirror (SystemExit(3))"),
        (partial(fail, error=MemoryError()), "there is too little memory: set fewer workers"),
        (partial(fail, error=KeyboardInterrupt()), "a bug in pypimirror (KeyboardInterrupt())"),
        (exit_at_once, "ended with status 7"),
        (crash, "was ended by signal 11"),
    ],
)
def test_a_task_fails_with_what_happened(start: Any, work: Any, reason: str) -> None:
    working = start(parallel=2, processes=1)
    working.call("it", work)
    ((_, result),) = all_of(working)
    assert isinstance(result, BrokenWorkerError)
    assert reason in str(result)
    check_goes_on(working)


def test_an_error_that_can_not_be_sent_is_told(start: Any) -> None:
    working = start(parallel=1, processes=1)
    working.call("it", raise_unsendable)
    ((_, result),) = all_of(working)
    assert "UnsendableError" in str(result)


class UnsendableError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one + two)


def raise_unsendable(_upstream: Upstream) -> None:
    raise UnsendableError(1, 2)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise MemoryError

    __repr__ = __str__


def raise_unspeakable(_upstream: Upstream) -> None:
    raise UnspeakableError


def test_where_even_an_error_can_not_be_told_the_task_ends(start: Any) -> None:
    working = start(parallel=2, processes=1)
    working.call("it", raise_unspeakable)
    ((_, result),) = all_of(working)
    assert "ended with status 1" in str(result)
    check_goes_on(working)


def test_without_threads_a_process_works_alone(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_METHOD", "fork")  # a spawned one would not know what is patched here

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    working = start(processes=2)
    for number in range(20):
        working.call(number, partial(double, number=number))
    assert sorted(all_of(working)) == [(number, 2 * number) for number in range(20)]


def test_where_only_one_process_can_be_started_it_does_all(
    start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = processes.start
    begun: list[processes.Worker] = []

    def start_one(*arguments: Any) -> processes.Worker:
        if begun:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        begun.append(begin(*arguments))
        return begun[0]

    monkeypatch.setattr(processes, "start", start_one)
    working = start(processes=2)
    for number in range(20):
        working.call(number, partial(double, number=number))
    assert sorted(all_of(working)) == [(number, 2 * number) for number in range(20)]


def test_members_log_through_the_main_process(start: Any, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("pypimirror").propagate = True
    working = start()
    working.call("it", warn)
    with caplog.at_level(logging.INFO, "pypimirror"):
        all_of(working)
    assert [(r.name, r.getMessage()) for r in caplog.records] == [("pypimirror.test", "of a worker")]


def test_a_host_that_wants_to_be_left_alone_is_left_alone_by_all(start: Any) -> None:
    working = start(parallel=2, processes=2)
    working.call("hold", hold)
    all_of(working)
    for number in range(4):
        working.call(number, why_not)
    told = "index.example.org asked to be left alone for 1000 seconds"
    assert {reason for _, reason in all_of(working)} == {told}


def test_abandoned_tasks_never_come_back(start: Any) -> None:
    working = start(parallel=1, processes=1)
    working.call("old", partial(busy, seconds=0.2))
    assert working.take(0.01) == []
    working.abandon()
    assert working.unfinished == 0
    working.call("new", partial(double, number=1))
    assert all_of(working) == [("new", 2)]


def test_closing_ends_the_processes(start: Any) -> None:
    working = start(parallel=2, processes=2)
    for number in range(4):
        working.call(number, process)
    pids = {pid for _, pid in all_of(working)}
    working.call("long", partial(busy, seconds=1000))
    working.take(0.01)
    working.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_signals_are_for_the_main_process(start: Any) -> None:
    working = start(parallel=1, processes=1)
    working.call("pid", process)
    ((_, pid),) = all_of(working)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, signum)
    working.call("still", partial(double, number=2))
    assert all_of(working) == [("still", 4)]


@pytest.mark.parametrize(
    ("latency", "processes", "threads"),
    [(math.inf, 2, 8), (0.0001, 2, 8), (0.007, 2, 28), (0.02, 2, 64), (5.0, 2, 64), (0.02, 1, 32)],
)
def test_threads_suit_the_latency(latency: float, processes: int, threads: int) -> None:
    assert suitable_threads(latency, processes) == threads


def test_processes_suit_the_machine() -> None:
    assert 1 <= suitable_processes() <= 4


def test_every_error_of_upstream_survives_the_way() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.UpstreamError)
    ]
    assert len(kinds) >= 6
    for kind in kinds:
        error = kind("http://index.example.org/six/", "it is broken")
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
    cut = CutOffError("http://index.example.org/x", "cut", received=7, validator='"e"')
    late = UnavailableError("http://index.example.org/x", "late", may_pass=False, retry_after=3.0)
    one: MirrorError
    for one in (cut, late, BrokenWorkerError("x"), errors.DiskFullError("full")):
        assert vars(pickle.loads(pickle.dumps(one))) == vars(one)
