"""A Python that has imported pip, in whose forks pip runs: its start costs more than the rest.

Run as a module, by a Python that has pip, it takes the orders of `tests.warm.Warm`, with the arguments of a
Python: `-m MODULE ...` or `-c CODE ...`.
"""

import contextlib
import gc
import importlib
import pkgutil
import runpy
import socket
import sys
import warnings
from typing import Any, NoReturn

from tests.forks import next_order


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


def obey(order: dict[str, Any]) -> NoReturn:
    """Run a module or some code, as an order says."""
    kind, what, *rest = order["argv"]
    sys.argv = [kind, *rest]
    # As Python itself does: what is raised ends this process, with a traceback or the status that it tells.
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(what, {"__name__": "__main__"})
    sys.exit()


if __name__ == "__main__":
    del sys.path[0]  # this project's folder
    prepare()
    obey(next_order(socket.socket(fileno=int(sys.argv[1]))))
