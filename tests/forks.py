"""Forks of a process that has imported what takes long: each has an order, and the streams of a run.

It imports nothing of ours, as Pythons obey it that have nothing of ours.
"""

import json
import os
import signal
import socket
from typing import Any

_LONGEST = 1 << 20


def next_order(orders: socket.socket) -> dict[str, Any]:
    """Obey until there are no more orders, which ends this process; return in each fork what it has to do.

    A fork has the streams, the environment, the folder and the umask of its order, and gets SIGALRM in time.
    """
    while True:
        order, streams, _, _ = socket.recv_fds(orders, _LONGEST, 3)
        if not order:
            os._exit(0)
        child = os.fork()
        if not child:
            orders.close()
            return _begun(json.loads(order), streams)
        for stream in streams:
            os.close(stream)
        _, waited, used = os.wait4(child, 0)
        orders.sendall(json.dumps([os.waitstatus_to_exitcode(waited), used.ru_maxrss]).encode())


def _begun(order: dict[str, Any], streams: list[int]) -> dict[str, Any]:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["cwd"])
    os.umask(order["umask"])
    signal.alarm(order["longest"])
    return order
