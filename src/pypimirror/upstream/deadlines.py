"""Deadlines of requests: one thread for all of them shuts down the connections of those that are late.

A time-out of a socket bounds the wait for single bytes. A server that drips header lines, trailers or chunk
extensions sends one all the time; nothing but the end of its connection ends such a read.
"""

import contextlib
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any


class Line:
    """One connection: a copy of its descriptor, which stays what it is when TLS takes it over."""

    def __init__(self, connection: socket.socket) -> None:
        self._copy = connection.dup()
        self.deadline: Deadline | None = None
        """Of the request that it is used for."""
        self.is_given_up = False
        """Nothing but that request uses it any more."""

    def shut_down(self) -> None:
        """End both directions, so that whoever reads or writes hears of it."""
        with contextlib.suppress(OSError):
            self._copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the copy."""
        self._copy.close()


class Deadline:
    """Until when one request may go on; moved on by whoever makes it."""

    def __init__(self, reaper: "Reaper") -> None:
        self._reaper = reaper
        self.at = math.inf
        self.has_cut = False
        self.is_connected = False
        self.restart_s: float | None = None
        """For a new connection the time begins again when the request is sent."""
        self.lines: list[Line] = []

    def allow(self, seconds: float) -> None:
        """Go on for at most so many seconds from now."""
        self.at = time.monotonic() + seconds

    def pause(self) -> None:
        """Let time go by that is not the server's."""
        self.at = math.inf

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.at - time.monotonic())


class Reaper:
    """Watches over the deadlines of all requests of a process, with a look each `tick_s` seconds."""

    def __init__(self, *, tick_s: float = 0.05) -> None:
        self._tick_s = tick_s
        self._lock = threading.Lock()
        self._open: set[Deadline] = set()
        self._mine = threading.local()
        self._is_working = False

    @contextlib.contextmanager
    def watching(self, seconds: float) -> Iterator[Deadline]:
        """Watch over the connections that this thread uses meanwhile: they are shut down after so long."""
        deadline = Deadline(self)
        deadline.allow(seconds)
        outer = getattr(self._mine, "deadline", None)
        self._mine.deadline = deadline
        self._open.add(deadline)
        if not self._is_working:
            self._start()
        try:
            yield deadline
        finally:
            self._mine.deadline = outer
            self._open.discard(deadline)
            with self._lock:
                for line in deadline.lines:
                    if line.deadline is deadline:
                        line.deadline = None
                        if line.is_given_up:
                            line.close()

    def connected(self, make: Callable[[], socket.socket]) -> tuple[socket.socket, Line | None]:
        """Make a connection within the deadline of this thread's request, and watch over it.

        Raises TimeoutError where that takes too long, whatever it waits for: a name server, or one address
        after the other.
        """
        deadline: Deadline | None = getattr(self._mine, "deadline", None)
        if deadline is None:
            return make(), None
        connection = _within(deadline.left, make)
        try:
            line = Line(connection)
        except OSError:
            connection.close()
            raise
        deadline.is_connected = True
        self.use(line)
        return connection, line

    def use(self, line: Line) -> None:
        """Hold a connection to the deadline of this thread's request."""
        deadline: Deadline | None = getattr(self._mine, "deadline", None)
        if deadline is None or line.deadline is deadline:
            return
        with self._lock:
            line.deadline = deadline
            deadline.lines.append(line)
        if deadline.has_cut:
            line.shut_down()

    def sent(self) -> None:
        """Begin the time for an answer, where a connection had to be made first."""
        deadline: Deadline | None = getattr(self._mine, "deadline", None)
        if deadline is not None and deadline.restart_s is not None and not deadline.has_cut:
            deadline.allow(deadline.restart_s)

    def release(self, line: Line) -> None:
        """Close the copy of a connection that was closed, but for the answer that is still read from it."""
        with self._lock:
            line.is_given_up = True
            if line.deadline is None:
                line.close()

    def _start(self) -> None:
        with self._lock:
            if self._is_working:
                return
            # Without a thread there are the sockets' own time-outs; the next request tries again.
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=self._work, name="deadlines", daemon=True).start()
                self._is_working = True

    def _work(self) -> None:
        while True:
            time.sleep(self._tick_s)
            now = time.monotonic()
            for deadline in tuple(self._open):
                if deadline.at <= now:
                    self._cut(deadline)

    def _cut(self, late: Deadline) -> None:
        with self._lock:
            late.at = math.inf
            late.has_cut = True
            for line in late.lines:
                # One that went back is another request's by now.
                if line.deadline is late:
                    line.shut_down()


def watched(base: Any, reaper: Reaper) -> Any:
    """Return a class of connections that are made and used as ever, each held to its request's deadline."""
    if getattr(base, "is_watched", False):
        return base

    class Watched(base):  # type: ignore[misc]
        is_watched = True
        _line: Line | None = None

        def _new_conn(self) -> socket.socket:
            connection, self._line = reaper.connected(super()._new_conn)
            return connection

        def request(self, *args: Any, **options: Any) -> None:
            self.use()
            super().request(*args, **options)

        def use(self) -> None:
            """Hold the connection to the deadline of the request that it is used for next."""
            if self._line is not None:
                reaper.use(self._line)

        def connect(self) -> None:
            super().connect()
            reaper.sent()

        def close(self) -> None:
            super().close()
            line, self._line = self._line, None
            if line is not None:
                reaper.release(line)

    return Watched


def _within(seconds: float, make: Callable[[], socket.socket]) -> socket.socket:
    """Call `make`, which no deadline can interrupt; raise TimeoutError where it takes longer.

    What it returns after all is closed.
    """
    made: list[socket.socket | BaseException] = []
    lock, done = threading.Lock(), threading.Event()
    is_late = False

    def work() -> None:
        try:
            result: socket.socket | BaseException = make()
        except BaseException as error:  # noqa: BLE001 (raised again below)
            result = error
        with lock:
            if is_late and isinstance(result, socket.socket):
                result.close()
            made.append(result)
        done.set()

    try:
        threading.Thread(target=work, name="connect", daemon=True).start()
    except RuntimeError:  # no more threads: it is bounded by its own time-outs
        work()
    done.wait(seconds)
    with lock:
        is_late = not made
    if is_late:
        raise TimeoutError("connecting takes too long")
    if isinstance(made[0], BaseException):
        raise made[0]
    return made[0]


class Patience:
    """How long the body of an answer may take: in all, and for one read. Only waiting for it counts."""

    def __init__(self, deadline: Deadline, *, whole_s: float, bound: str, read_s: float) -> None:
        self._deadline = deadline
        self._left_s = whole_s
        self._whole = f"it is not whole after {whole_s:g} seconds ({bound})"
        self._read_s = read_s
        self._begun = 0.0
        deadline.pause()

    def begin(self) -> None:
        """Begin to wait for a block."""
        self._begun = time.monotonic()
        self._deadline.allow(min(self._left_s, self._read_s))

    def end(self) -> float:
        """Return how many seconds it took."""
        self._deadline.pause()
        seconds = time.monotonic() - self._begun
        self._left_s -= seconds
        return seconds

    def why_over(self) -> str | None:
        """Say which time is over; None where none is."""
        if self._left_s <= 0:
            return f"it takes too long: {self._whole}"
        if self._deadline.has_cut:
            return f"it takes too long: nothing of it came for {self._read_s:g} seconds (timeout)"
        return None
