"""The real command in forks of one process that has imported it: a start costs most of what a small run does.

Run as a program it takes orders, each with the three standard streams of a run, and answers each with how the
run ended. What is done after the fork is what the installed script does: `pypimirror.cli.main()`, and what is
to be done when that is over. Left out are the interpreter's own start, the first imports of our modules, and
the taking apart of modules at its end.
"""

import array
import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pypimirror
from pypimirror import config
from pypimirror.cli import arguments, init, main
from tests.forks import next_order
from tests.quick_disk import quick_disk

_LONGEST = 1 << 20


class Warm:
    """The process; each run has an environment of its own, but for what Python and C read at their start.

    `program` is another one that obeys the same orders.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        program: Sequence[str | Path] = (sys.executable, "-m", __name__),
    ) -> None:
        self._one_at_a_time = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(
                [*program, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # no terminal, as where a test reads what is said
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=dict(environment),
                cwd=Path(__file__).parents[1],
            )

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way: there is one at a time."""
        return self._one_at_a_time.locked()

    def run(
        self, argv: Sequence[str], environment: Mapping[str, str], *, longest: int = 100
    ) -> tuple[int, str, str, int]:
        """Run the command as if it were started here.

        Return its status, which is below 0 for a signal, what it said, and its peak memory as the system
        tells it. It gets SIGALRM after so many seconds.
        """
        with (
            self._one_at_a_time,
            Path(os.devnull).open("rb") as null,
            tempfile.TemporaryFile(dir=quick_disk()) as stdout,
            tempfile.TemporaryFile(dir=quick_disk()) as stderr,
        ):
            umask = os.umask(0)
            os.umask(umask)
            told = {
                "argv": argv,
                "environ": dict(environment),
                "cwd": str(Path.cwd()),
                "umask": umask,
                "longest": longest,
            }
            order = json.dumps(told).encode()
            streams = array.array("i", [each.fileno() for each in (null, stdout, stderr)])
            self._socket.settimeout(longest + 20)
            self._socket.sendmsg([order], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
            status, peak = json.loads(self._socket.recv(_LONGEST))
            return status, _all_of(stdout), _all_of(stderr), peak

    def end(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.communicate()


def _all_of(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def obey(order: dict[str, Any]) -> NoReturn:
    """Run the command as an order says."""
    sys.argv[1:] = order["argv"]
    if not order["environ"].get("PYPIMIRROR_ALL_CORES"):
        stay_on_one_core()
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python itself begins
    status = 1
    try:
        main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 (as Python itself does)
        traceback.print_exc()
    _end(status)


def _end(status: int) -> NoReturn:
    """End the process as Python does, but for taking all of its modules apart, which copies their memory."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def prepare() -> None:
    """Do once what each fork would do anew, and what leaves no trace: import, and read what is given.

    What few runs need is imported where PYPIMIRROR_TEST_IMPORTS names it.
    """
    for module in pkgutil.walk_packages(pypimirror.__path__, "pypimirror."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in os.environ.get("PYPIMIRROR_TEST_IMPORTS", "").split():
        importlib.import_module(name)
    arguments.parse(["pypimirror.cfg", "--update-fetch"])
    config.parse(init.sample(), source="pypimirror.cfg", folder=Path.cwd(), overrides={})
    gc.collect()
    gc.freeze()  # no fork looks through it, which would copy it


def stay_on_one_core() -> None:
    """Stay on one core, as a machine with a single one: a run starts a process for each that it may use."""
    if hasattr(os, "sched_setaffinity"):  # macOS has none
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


if __name__ == "__main__":
    prepare()
    obey(next_order(socket.socket(fileno=int(sys.argv[1]))))
