"""Deadlines of requests: one thread for all of them shuts down the connections of those that are late.

A time-out of a socket bounds the wait for single bytes. A server that drips header lines, trailers or chunk
extensions sends one all the time; nothing but the end of its connection ends such a read.
"""

import contextlib
import math
import os
import socket
import threading
import time
from collections.abc import Callable

_changing_hands = threading.RLock()


def _renew() -> None:
    """Renew the lock in a fork: a thread that held it does not exist there."""
    globals()["_changing_hands"] = threading.RLock()


os.register_at_fork(after_in_child=_renew)


class Line:
    """One connection: a copy of its descriptor, which stays what it is when TLS takes it over."""

    def __init__(self, connection: socket.socket) -> None:
        self._copy = connection.dup()
        self.deadline: Deadline | None = None
        """Of the request that it is used for."""

    def shut_down(self) -> None:
        """End both directions, so that whoever reads or writes hears of it."""
        with contextlib.suppress(OSError):
            self._copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the copy, when nobody shuts it down."""
        with _changing_hands:
            self._copy.close()


class Deadline:
    """Until when one request may go on; moved on by whoever makes it, from its beginning to its `end`."""

    def __init__(self, watched: "set[Deadline]", seconds: float, *, socket_s: float | None) -> None:
        self._watched = watched
        self._seconds = seconds
        self.socket_s = socket_s
        """The time-out of sockets, where nobody else ends a wait for bytes."""
        self._lines: set[Line] = set()
        self.has_cut = False
        self.allow(seconds)
        watched.add(self)

    def allow(self, seconds: float) -> None:
        """Go on for at most so many seconds from now."""
        self.at = time.monotonic() + seconds

    def pause(self) -> None:
        """Let no time count: what happens now is not the server's doing."""
        self.at = math.inf

    @property
    def is_connected(self) -> bool:
        """Whether there was a connection at all."""
        return bool(self._lines)

    def hold(self, line: Line) -> None:
        """Hold a connection to this deadline."""
        with _changing_hands:
            line.deadline = self
            self._lines.add(line)
            if self.has_cut:
                line.shut_down()
                line.close()

    def cut(self) -> None:
        """Shut down all connections that are still this request's."""
        with _changing_hands:
            self.has_cut = True
            for line in self._lines:
                # One that went back is another request's by now.
                if line.deadline is self:
                    line.shut_down()

    def end(self) -> None:
        """Let all connections go; one that was cut is of no use to another request."""
        self._watched.discard(self)
        with _changing_hands:
            for line in self._lines:
                if line.deadline is self:
                    line.deadline = None
                    if self.has_cut:
                        line.close()

    def connect(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Call `make`, which nothing can interrupt while it waits for a name server, within the deadline.

        Raises TimeoutError where it takes longer; what is connected after all is closed.
        """
        results: list[socket.socket | BaseException] = []
        done = threading.Event()

        def work() -> None:
            try:
                made: socket.socket | BaseException = make()
            except BaseException as error:  # noqa: BLE001 (raised again below)
                made = error
            with _changing_hands:
                if self.has_cut and isinstance(made, socket.socket):
                    made.close()
                results.append(made)
            done.set()

        try:
            threading.Thread(target=work, name="connect", daemon=True).start()
        except RuntimeError:  # no more threads: it is bounded by its own time-outs
            work()
        # Its time may be up before it comes to wait, as on a machine that is very busy.
        if self.has_cut or not done.wait(max(0.0, self.at - time.monotonic())):
            self.cut()
        if not results:
            raise TimeoutError("connecting takes too long")
        if isinstance(results[0], BaseException):
            raise results[0]
        if self.has_cut:
            results[0].close()
            raise TimeoutError("connecting took too long")
        self.allow(self._seconds)  # for what is sent now
        return results[0]


class Reaper:
    """Watches over the deadlines of all requests of a process, with a look each `tick_s` seconds."""

    def __init__(self, *, tick_s: float = 0.05) -> None:
        self._tick_s = tick_s
        self._watched: set[Deadline] = set()
        self._starting = threading.Lock()
        self._is_working = False

    def watching(self, seconds: float) -> Deadline:
        """Begin to watch over the connections that one request uses: they are shut down after so long."""
        if not self._is_working:
            self._start()
        # Each call of a socket with a time-out is two calls of the system.
        return Deadline(self._watched, seconds, socket_s=None if self._is_working else seconds)

    def _start(self) -> None:
        with self._starting:
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
            for deadline in tuple(self._watched):
                if deadline.at <= now and not deadline.has_cut:
                    deadline.cut()


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
