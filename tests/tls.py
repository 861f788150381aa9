"""TLS in front of an index: a certificate made on the spot, and a relay that speaks TLS."""

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

from tests.fake_index import FakeIndex
from tests.running import Listener

_BLOCK = 1 << 16


class Certificate:
    """A certificate for a subject, its own authority; raises FileNotFoundError without openssl."""

    def __init__(self, folder: Path, subject: str = "IP:127.0.0.1") -> None:
        self.path = folder / "certificate.pem"
        self.key = folder / "key.pem"
        command = [
            "openssl",
            "req",
            "-x509",
            # A key of an elliptic curve is found in no time, and one of RSA in a tenth of a second.
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=test",
        ]
        extension = ["-addext", f"subjectAltName={subject}"]
        files = ["-keyout", str(self.key), "-out", str(self.path)]
        subprocess.run([*command, *extension, *files], check=True, capture_output=True)


class TlsServer(Listener):
    """Speaks TLS at an address and a port of its own, and hands on what comes in to another port there."""

    def __init__(self, certificate: Certificate, address: str, target: int) -> None:
        self.names: list[str] = []
        """The server names that clients asked for."""
        self._target = address, target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.path, certificate.key)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__(address)

    def serve(self, client: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            client,
            self._context.wrap_socket(client, server_side=True) as secure,
            socket.create_connection(self._target) as index,
        ):
            threading.Thread(target=relay, args=(index, secure), daemon=True).start()
            relay(secure, index)


def relay(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes in, until it ends."""
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            target.sendall(block)


class TlsFront(TlsServer):
    """TLS in front of an index."""

    def __init__(self, index: FakeIndex, certificate: Certificate) -> None:
        super().__init__(certificate, "127.0.0.1", urlsplit(index.origin).port or 0)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/simple/"
