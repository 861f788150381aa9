"""Servers that send something all the time, and never an answer: no request of a run goes on for ever."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from pypimirror.errors import UnavailableError
from pypimirror.model import Validators
from pypimirror.pace import MinimumSpeed
from pypimirror.upstream import Answer, Upstream
from pypimirror.upstream.deadlines import Reaper
from tests import faults
from tests.fake_index import FakeIndex
from tests.mirror import Mirror
from tests.terminal import wait_for

MakeMirror = Callable[..., Mirror]

HEADS: dict[str, faults.Fault] = {
    "header": faults.DRIPPED_HEADER,
    "status": faults.DRIPPED_STATUS,
    "100": faults.ENDLESS_CONTINUE,
    "silence": faults.Hang(600),
}
BODIES: dict[str, faults.Fault] = {
    "body": faults.DRIPPED_BODY,
    "chunks": faults.DRIPPED_CHUNKS,
    "without length": faults.DRIPPED_WITHOUT_LENGTH,
    "chunk extension": faults.ENDLESS_EXTENSION,
    "trailers": faults.ENDLESS_TRAILERS,
    "gzip": faults.EMPTY_GZIP,
}
ALL = HEADS | BODIES
FILE = "/files/six/six-1.0-py3-none-any.whl"


def upstream_of(index: FakeIndex, *, timeout: float = 0.2, speed: int = 1024) -> Upstream:
    return Upstream(index.url, timeout=timeout, retries=0, minimum_speed=MinimumSpeed(speed))


def page(upstream: Upstream, url: str) -> object:
    return upstream.page(url, accept="*/*", validators=Validators())


def received(upstream: Upstream, url: str, **options: Any) -> int:
    with upstream.open_file(url, **options) as answer:
        return sum(map(len, answer.raw_chunks()))


@pytest.mark.parametrize("name", ALL)
def test_a_page_that_never_ends_costs_its_project_alone(
    index: FakeIndex, make_mirror: MakeMirror, name: str
) -> None:
    index.add("good", "1.0")
    index.add("six", "1.0")
    index.fault("/simple/six/", ALL[name])
    mirror = make_mirror(timeout=0.3)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "six: " in ended.stderr
    assert "it takes too long" in ended.stderr
    assert "timeout" in ended.stderr
    assert mirror.listed("good")
    assert index.paths().count("/simple/six/") == 1


@pytest.mark.parametrize("name", ["header", "chunks", "trailers"])
def test_a_list_that_never_ends_is_status_4(index: FakeIndex, make_mirror: MakeMirror, name: str) -> None:
    index.add("six", "1.0")
    index.fault("/simple/", ALL[name])
    mirror = make_mirror(timeout=0.1)
    ended = mirror.run("-U")
    assert ended.status == 4
    assert "it takes too long" in ended.stderr
    assert index.paths() == ["/simple/"]


@pytest.mark.parametrize("name", ["status", "body", "chunk extension"])
def test_a_file_that_never_ends_costs_itself_alone(
    index: FakeIndex, make_mirror: MakeMirror, name: str
) -> None:
    index.add("six", "1.0")
    index.fault(FILE, ALL[name])
    mirror = make_mirror(timeout=0.3)
    ended = mirror.run("-U")
    assert ended.status == 3
    assert "it takes too long" in ended.stderr
    assert mirror.listed("six") == {"six-1.0.tar.gz"}


@pytest.mark.parametrize("name", ALL)
def test_it_is_tried_again_and_then_no_more(index: FakeIndex, name: str) -> None:
    index.add("six", "1.0")
    index.fault("/simple/six/", ALL[name])
    upstream = Upstream(index.url, timeout=0.5, retries=1)
    with pytest.raises(UnavailableError, match="it takes too long") as caught:
        page(upstream, f"{index.url}six/")
    assert caught.value.may_pass
    assert (upstream.requests, upstream.hosts.retries) == (2, 1)
    wait_for(lambda: index.paths() == ["/simple/six/"] * 2)


def test_a_connection_that_was_used_before_has_the_same_deadline(index: FakeIndex) -> None:
    index.add("six", "1.0")
    upstream = upstream_of(index)
    for fault in ALL.values():
        received(upstream, f"{index.origin}{FILE}")
        index.fault(FILE, fault, times=1)
        with pytest.raises(UnavailableError, match="it takes too long"):
            received(upstream, f"{index.origin}{FILE}", size=20)
    assert received(upstream, f"{index.origin}{FILE}")


def test_the_size_of_a_file_at_minimum_speed_is_its_time(index: FakeIndex) -> None:
    index.add("six", "1.0", extra_size=20_000)
    index.fault(FILE, faults.Drip(100, 0.05))
    with pytest.raises(UnavailableError, match=r"not whole after 0\.\d+ seconds \(its size at minimum_speed"):
        received(upstream_of(index, speed=50_000), f"{index.origin}{FILE}")
    index.clear_faults()
    index.fault(FILE, faults.Drip(5000, 0.05))
    # It takes more than `timeout`, and that is no matter.
    assert received(upstream_of(index, timeout=0.1, speed=50_000), f"{index.origin}{FILE}") > 20_000


def test_without_a_minimum_speed_something_has_to_come(index: FakeIndex) -> None:
    index.add("six", "1.0", extra_size=20_000)
    index.fault(FILE, faults.Drip(2000, 0.05), times=1)
    upstream = upstream_of(index, speed=0)
    assert received(upstream, f"{index.origin}{FILE}") > 20_000
    index.fault(FILE, faults.ENDLESS_EXTENSION)
    with pytest.raises(UnavailableError, match="nothing of it came"):
        received(upstream, f"{index.origin}{FILE}")


def test_time_that_is_not_the_servers_does_not_count(index: FakeIndex) -> None:
    index.add("six", "1.0")
    upstream = upstream_of(index)
    with upstream.open_page(f"{index.url}six/", accept="*/*", validators=Validators()) as answer:
        assert isinstance(answer, Answer)
        time.sleep(0.5)
        assert b"".join(answer.chunks())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as made:
        yield made


def test_a_handshake_that_drips(listener: socket.socket) -> None:
    def drip() -> None:
        connection, _ = listener.accept()
        with closing(connection):
            # A record of a handshake, that is long (RFC 8446, 5.1).
            connection.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")
            try:
                while True:
                    connection.sendall(b"\0")
                    time.sleep(0.02)
            except OSError:
                return

    threading.Thread(target=drip, daemon=True).start()
    upstream = Upstream(f"https://127.0.0.1:{listener.getsockname()[1]}/simple/", timeout=0.3, retries=0)
    with pytest.raises(UnavailableError, match="it takes too long"):
        page(upstream, upstream.index_url)


def test_a_server_that_accepts_nothing(listener: socket.socket) -> None:
    listener.listen(0)
    address = listener.getsockname()
    waiting = [socket.socket() for _ in range(3)]
    for each in waiting:
        each.setblocking(False)
        each.connect_ex(address)
    upstream = Upstream(f"http://127.0.0.1:{address[1]}/simple/", timeout=0.3, retries=0)
    with pytest.raises(UnavailableError, match="it takes too long"):
        page(upstream, upstream.index_url)
    for each in waiting:
        each.close()


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def resolve(*_args: Any, **_options: Any) -> Any:
        released.wait(20)
        raise socket.gaierror("nobody")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    upstream = Upstream("http://index.example.org/simple/", timeout=0.2, retries=0)
    with pytest.raises(UnavailableError, match="it takes too long"):
        page(upstream, upstream.index_url)
    released.set()


def test_a_connection_whose_time_was_up_before_it_was_waited_for() -> None:
    released = threading.Event()

    def make() -> socket.socket:
        # Nothing but the end of the wait for it lets it go on.
        released.wait()
        raise ConnectionRefusedError

    deadline = Reaper().watching(threading.TIMEOUT_MAX)
    deadline.cut()
    with pytest.raises(TimeoutError, match="takes too long"):
        deadline.connect(make)
    released.set()


def test_no_descriptor_is_left(index: FakeIndex) -> None:
    index.add("six", "1.0")
    before = descriptors()
    for fault in (*ALL.values(), faults.Headers({"Connection": "close"})):
        upstream = upstream_of(index, timeout=0.1)
        received(upstream, f"{index.origin}{FILE}")
        index.fault(FILE, fault, times=1)
        with suppress(UnavailableError):
            received(upstream, f"{index.origin}{FILE}", size=20)
        upstream.close()
    index.stop()
    deadline = time.monotonic() + 5
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert descriptors() <= before


def descriptors() -> int:
    """Return how many sockets are open but for those of the server."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_connects_when_its_time_is_over_is_closed() -> None:
    deadline = Reaper(tick_s=0.01).watching(0.0)
    while not deadline.has_cut:
        time.sleep(0.01)
    mine, other = socket.socketpair()
    with other:
        with pytest.raises(TimeoutError):
            deadline.connect(lambda: mine)
        assert other.recv(1) == b"", "whoever is there hears of it"
