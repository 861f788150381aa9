"""Messages between processes over a socket: pickled values, with open files beside them."""

import array
import pickle
import socket
import struct
from typing import Any

_HEAD = struct.Struct("=IH")
MOST_FILES = 200
"""Open files that one message can take along (the kernel's own bound is 253)."""

NO_FILE = -1
"""Stands for an open file that could not be taken, as there are too many."""

_BLOCK = 1 << 20
_AT_ONCE = 1 << 16
"""Bytes that an inbox takes at once: for more, memory would be had from the system each time."""


MOST_BYTES = 1 << 28
"""Of one message: what is longer would cost both sides too much memory."""


class ClosedError(Exception):
    """The other side is gone, or takes nothing."""


class TooLongError(Exception):
    """A message has more than MOST_BYTES."""


def send(to: socket.socket, message: object, files: list[int]) -> None:
    """Send a message, with at most MOST_FILES descriptors; raise ClosedError where nobody is there.

    Nothing of it was sent where it raises TooLongError, or what pickle raises.
    """
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    if len(body) > MOST_BYTES:
        raise TooLongError(f"{len(body)} bytes")
    head = _HEAD.pack(len(body), len(files))
    beside = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))
    try:
        if not files and len(body) < _BLOCK:
            to.sendall(head + body)
            return
        if not files:
            to.sendall(head)
            to.sendall(body)
            return
        # The files go with the head, which is read by itself: so they can't come with another message.
        if to.sendmsg([head], [beside]) != len(head):
            raise ClosedError
        to.sendall(body)
    except (BrokenPipeError, ConnectionResetError, TimeoutError) as error:
        raise ClosedError from error


def receive(source: socket.socket) -> tuple[Any, list[int]]:
    """Wait for a message; raise ClosedError where there will be none."""
    try:
        head, files, _, _ = socket.recv_fds(source, _HEAD.size, MOST_FILES)
        while 0 < len(head) < _HEAD.size:
            head += _some(source, _HEAD.size - len(head))
        if not head:
            raise ClosedError
        size, number = _HEAD.unpack(head)
        body = bytearray()
        while len(body) < size:
            body += _some(source, size - len(body))
    except ConnectionResetError as error:
        raise ClosedError from error
    # A process that may open no more files gets fewer than were sent.
    return _load(body), [*files, *[NO_FILE] * (number - len(files))]


class Inbox:
    """What the other side sends, without open files, taken as it comes."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._rest = bytearray()

    def take(self) -> list[Any]:
        """Wait for something, and return the messages that are whole; raise ClosedError after the last."""
        try:
            self._rest += _some(self._source, _AT_ONCE)
        except ConnectionResetError as error:
            raise ClosedError from error
        messages, begin = [], 0
        while begin + _HEAD.size <= len(self._rest):
            size, _ = _HEAD.unpack_from(self._rest, begin)
            end = begin + _HEAD.size + size
            if end > len(self._rest):
                break
            messages.append(_load(self._rest[begin + _HEAD.size : end]))
            begin = end
        del self._rest[:begin]
        return messages


def _load(body: bytearray) -> Any:
    return pickle.loads(body)  # noqa: S301 (both ends are this program)


def _some(source: socket.socket, size: int) -> bytes:
    if block := source.recv(min(size, _BLOCK)):
        return block
    raise ClosedError
