"""A server that sends what it is told to, byte for byte: answers that no sane server gives."""

import contextlib
import socket

from tests.running import Listener

CLOSED = b"closed"
"""Stands for the end of the connection."""


class RawServer(Listener):
    """Answers each request for a path by the bytes given for it; `asked` are the requests."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = {f"/{name}": answer for name, answer in answers.items()}
        self.asked: list[bytes] = []
        super().__init__()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            while request := client.recv(65536):
                self.asked.append(request)
                answer = self.answers[request.split(b" ")[1].decode()]
                client.sendall(answer.removesuffix(CLOSED))
                if answer.endswith(CLOSED):
                    return


def ok(body: bytes, *headers: str, content_type: str = "text/html") -> bytes:
    """Return an answer with status 200."""
    lines = ["HTTP/1.1 200 OK", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
