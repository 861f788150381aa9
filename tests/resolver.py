"""A resolver and a network for the command under test: names lead where a test says, and nothing leaves."""

from collections.abc import Mapping
from pathlib import Path

PUBLIC = "93.184.216.34"
"""Stands for a host on the open internet; `roads` lead what asks it to a port of loopback."""

_CODE = """
import socket
names, roads, record = {names!r}, {roads!r}, {record!r}
resolve, connect = socket.getaddrinfo, socket.socket.connect
def resolved(host, port, *args, **options):
    addresses = names.get(host) or [host]
    try:
        return [found for each in addresses for found in resolve(each, port, 0, 1, 0, socket.AI_NUMERICHOST)]
    except socket.gaierror:
        raise socket.gaierror(-2, "Name or service not known") from None
def connected(self, address):
    if isinstance(address, tuple):
        with open(record, "a") as file:
            file.write(address[0] + "\\n")
        if address[0] not in roads:
            raise ConnectionRefusedError(111, "no test connects there")
        address = ("127.0.0.1", roads[address[0]])
    return connect(self, address)
socket.getaddrinfo, socket.socket.connect = resolved, connected
"""


class Network:
    """What names lead to, and which ports of loopback answer for addresses."""

    def __init__(self, folder: Path, names: Mapping[str, list[str]], roads: Mapping[str, int]) -> None:
        self._record = folder / "connections"
        self.code = _CODE.format(names=dict(names), roads=dict(roads), record=str(self._record))
        """To be run in the command's process before it begins."""

    def asked(self) -> set[str]:
        """Return the addresses to which a connection was tried."""
        return set(self._record.read_text().split()) if self._record.exists() else set()
