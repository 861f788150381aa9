"""Servers on loopback that run inside a `with` block."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from tests.index_server import IndexServer


class Running:
    """An `IndexServer` that runs from `start` to `stop`, or inside a `with` block."""

    _server: IndexServer | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, after a `stop` on the same port as before."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop serving at once, cutting what is under way."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()


class Listener:
    """Accepts connections inside a `with` block, and serves each in a thread of its own."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self._listener = socket.create_server((address, 0))

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        """Answer one client."""
        raise NotImplementedError
