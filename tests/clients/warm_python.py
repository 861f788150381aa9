"""A Python that has imported pip, in whose forks pip runs: its start costs more than the rest.

Run as a program, by a Python that has pip, it takes the orders of `tests.warm.Warm`, with the arguments of a
Python: `-m MODULE ...` or `-c CODE ...`. It imports nothing of ours.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import warnings
from typing import Any, NoReturn

_LONGEST = 1 << 20


def prepare() -> None:
    """Import all of pip, which reads no configuration and no environment then."""
    pip = importlib.import_module("pip._internal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(pip.__path__, "pip._internal."):
            with contextlib.suppress(ImportError):  # some are for other systems
                importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def serve(orders: socket.socket) -> None:
    """Obey until there are no more orders."""
    while True:
        order, streams, _, _ = socket.recv_fds(orders, _LONGEST, 3)
        if not order:
            return
        child = os.fork()
        if not child:
            orders.close()
            _begin(json.loads(order), streams)
        for stream in streams:
            os.close(stream)
        _, waited, used = os.wait4(child, 0)
        orders.sendall(json.dumps([os.waitstatus_to_exitcode(waited), used.ru_maxrss]).encode())


def _begin(order: dict[str, Any], streams: list[int]) -> NoReturn:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["cwd"])
    os.umask(order["umask"])
    signal.alarm(order["longest"])
    kind, what, *rest = order["argv"]
    sys.argv = [kind, *rest]
    # As Python itself does: what is raised ends this process, with a traceback or the status that it tells.
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})
    sys.exit()


if __name__ == "__main__":
    del sys.path[0]  # this folder
    prepare()
    serve(socket.socket(fileno=int(sys.argv[1])))
